"""Promise: what is turned off binds the next message; what is turned on counts from a click in a mail."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

import aiohttp

from gateway.address import parse
from gateway.erasing import erase
from gateway.intake import record
from tests.flows.browsing import Browser, Page
from tests.house import ANNA, SECRET, House, link_of, parsed

BAKERY = f"""
[[controller]]
id = "bakkerij"
name = "De Korst"
postal_address = "Markt 1, 2611 GP Delft"
contact = "privacy@shop.example"
privacy_policy_url = "https://shop.example/privacy"
privacy_policy_mentions_marketing = true
country = "NL"
mail_from = "bakkerij@shop.example"
[[category]]
id = "brood"
controller = "bakkerij"
title = "Broodnieuws"
purpose = "marketing"
[[category]]
id = "taart"
controller = "bakkerij"
title = "Taartnieuws"
purpose = "marketing"
double_opt_in = true
[[login]]
name = "oven"
controller = "bakkerij"
categories = ["brood", "taart"]
default_category = "brood"
from_domains = ["shop.example"]
secret_hash = "sha256:{sha256(SECRET.encode()).hexdigest()}"
"""
Open = Callable[..., object]


async def mailed(open_house: Open) -> tuple[House, Page]:
    """Anna consented to news of bread and got some; the page of choices behind its link."""
    house: House = await open_house(extra=BAKERY)  # type: ignore[misc]
    row: dict[str, object] = {
        "email": ANNA,
        "kind": "consent",
        "category": "brood",
        "occurred_at": "2026-11-01T12:00:00+01:00",
        "source": "the form in the shop",
        "wording": "Ja, ik wil het",
        "wording_version": "1",
    }
    await record(house.gateway.rooms, "bakkerij", [row], house.clock.now())
    house.clock.move(timedelta(minutes=1))
    assert await may_come(house, "brood")
    browser = Browser()
    asked = await browser.open(link_of(house.smarthost.messages[0]))
    house.clock.move(timedelta(minutes=1))
    return house, await browser.open(asked.links["Choose what you get from De Korst"])


async def may_come(house: House, category: str) -> bool:
    """Whether the next mail of a category reaches her."""
    return "relayed=1" in (await house.submit(ANNA, login="oven", category=category))[1]


async def test_off_binds_the_very_next_message(open_house: Open) -> None:
    """Each choice is on record when the page says so (I3)."""
    house, page = await mailed(open_house)

    after = await Browser().press(page, "Stop Broodnieuws")

    assert "From now on De Korst sends you no more Broodnieuws." in after.text
    assert not await may_come(house, "brood")
    assert [entry.reason for entry in await house.log(withheld=True)] == ["objected-category"]


async def test_all_off_binds_every_category(open_house: Open) -> None:
    """Nothing is left to stop, and nothing comes."""
    house, page = await mailed(open_house)

    after = await Browser().press(page, "Stop all advertising")

    assert not [words for words in after.forms if words.startswith("Stop")]
    assert not await may_come(house, "brood")


async def test_on_counts_only_from_the_click_in_the_mail(open_house: Open) -> None:
    """Before that click nothing changes, whoever pressed the button; then it is shown, and mail comes."""
    house, page = await mailed(open_house)
    browser = Browser()

    asked = await browser.press(page, "Send me Taartnieuws")
    (*_, letter) = await house.smarthost.arrived(2)
    assert "on its way to a••@example.org" in asked.text
    assert letter.recipients == (ANNA,)
    assert not await may_come(house, "taart")

    house.clock.move(timedelta(minutes=1))
    text = parsed(letter).get_payload(decode=True).decode()
    (link,) = re.findall(r"http://\S+/confirm/\S+", text)
    async with aiohttp.ClientSession() as session, session.post(link) as answer:
        assert answer.status == 200
    assert await may_come(house, "taart")
    assert "Stop Taartnieuws" in (await browser.open(page.url)).forms


async def test_the_page_says_why_the_message_came(open_house: Open) -> None:
    """From journal and ledger: date and source of the consent, not its words."""
    _, page = await mailed(open_house)

    assert "It rests on a consent of 2026-11-01." in page.text
    assert "recorded from: the form in the shop." in page.text
    assert "Ja, ik wil het" not in page.text


async def test_after_an_erasure_the_page_still_stops(open_house: Open) -> None:
    """It says that the source was erased, offers no mail, and an objection still binds."""
    house, page = await mailed(open_house)
    assert (await erase(house.gateway.rooms, "bakkerij", parse(ANNA), "olga")).complete
    browser = Browser()

    shown = await browser.open(page.url)
    assert "Where that came from has been erased." in shown.text
    assert not [words for words in shown.forms if words.startswith("Send me")]
    after = await browser.press(shown, "Stop all advertising")

    assert after.status == 200
    assert not await may_come(house, "brood")


async def test_fifty_choices_at_once_are_one_objection(open_house: Open) -> None:
    """Over the real store: all are told so, and one row is on record."""
    house, page = await mailed(open_house)
    browser = Browser()

    pressed = await asyncio.gather(*(browser.press(page, "Stop Broodnieuws") for _ in range(50)))

    assert {one.status for one in pressed} == {200}
    person = house.gateway.rooms.keys.hash("bakkerij", ANNA)
    known = await house.gateway.rooms.ledger.evidence("bakkerij", person)
    assert [type(fact).__name__ for fact in known] == ["Consent", "Objection"]
