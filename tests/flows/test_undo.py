"""Promise: an objection pressed by mistake can be undone for 15 minutes, on its own page, and on record."""

from __future__ import annotations

from datetime import timedelta

from tests.flows.browsing import Browser, Page
from tests.house import ANNA, House, link_of


async def unsubscribed(house: House) -> tuple[Page, str]:
    """Anna got a newsletter and pressed the button behind its link."""
    await house.consent(ANNA)
    await house.submit(ANNA)
    link = link_of(house.smarthost.messages[0])
    browser = Browser()
    return await browser.press(await browser.open(link), "Stop Nieuwsbrief"), link


async def may_come(house: House) -> bool:
    """Whether the next newsletter reaches her."""
    return "relayed=1" in (await house.submit(ANNA))[1]


async def test_an_undo_within_15_minutes_lifts(house: House) -> None:
    """The next newsletter arrives, by a consent with the words that stood beside the button."""
    page, _ = await unsubscribed(house)
    assert not await may_come(house)
    house.clock.move(timedelta(minutes=14))

    undone = await Browser().press(page, "Undo")

    assert undone.status == 200
    assert await may_come(house)
    rooms = house.gateway.rooms
    held = await rooms.records.of("shop", rooms.keys.hash("shop", ANNA))
    details = held.evidence[-1].stored.details
    assert details
    assert details["source"] == "page"
    assert details["wording"] in page.text
    assert str(details["wording_version"]).startswith("en-")


async def test_an_undo_after_15_minutes_does_not(house: House) -> None:
    """It is told so, and mail stays withheld."""
    page, _ = await unsubscribed(house)
    house.clock.move(timedelta(minutes=15))

    late = await Browser().press(page, "Undo")

    assert "Too late" in late.text
    assert not await may_come(house)


async def test_the_link_stops_again_after_an_undo(house: House) -> None:
    """The same link objects anew, and that binds."""
    page, link = await unsubscribed(house)
    house.clock.move(timedelta(minutes=1))
    undone = await Browser().press(page, "Undo")
    house.clock.move(timedelta(minutes=1))

    browser = Browser()
    stop = await browser.open(undone.links["Stop Nieuwsbrief"])
    assert stop.url.startswith(link)
    await browser.press(stop, "Stop Nieuwsbrief")

    assert not await may_come(house)
    late = await browser.press(page, "Undo")
    assert "Too late" in late.text
    assert not await may_come(house)


async def test_an_undo_of_everything_opens_one_category(house: House) -> None:
    """After all advertising was stopped, the undo is a consent to the newsletter and to nothing else."""
    page, _ = await unsubscribed(house)
    house.clock.move(timedelta(minutes=1))
    browser = Browser()
    page = await browser.press(page, "Stop all advertising")
    await house.consent(ANNA, category="offers", day=2)
    house.clock.move(timedelta(minutes=1))

    await browser.press(page, "Undo")

    assert await may_come(house)
    shown = await browser.open(page.links["Choose what you get from De Winkel"])
    assert "Stop Nieuwsbrief" in shown.forms
    assert "Stop Aanbiedingen" not in shown.forms
