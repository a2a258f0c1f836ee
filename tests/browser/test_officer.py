"""An officer at work in a browser: a dossier is printed, an objection taken, a row mended, a person gone."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.bakery import consent, mailed, newsletter
from tests.browser.conftest import press, sign_in
from tests.browser.places import look_up
from tests.chromium import SCREENSHOTS
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_dossier_is_printed(house: House, window: Page, person: str) -> None:
    """On paper there is what a regulator needs and nothing to press; no name is in URL or title."""
    await house.record(consent(person))
    await mailed(house, person, message=newsletter("Speculaas"))
    await sign_in(window, house.url, "Olga")
    await look_up(house, window, person)

    await window.emulate_media(media="print")

    for said in (
        "Wat Bakkerij De Jong van je heeft vastgelegd",
        person,
        "2026-01",
        "Tw 11.7(1)-(2)",
        "relayed",
    ):
        await expect(window.get_by_text(said).first).to_be_visible()
    for pressed in await window.locator("button, form, nav, input, select").all():
        await expect(pressed).to_be_hidden()
    assert (window.url, await window.title()) == (f"{house.url}/admin/people", "A person · Sendright")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    await window.pdf(path=SCREENSHOTS / "dossier.pdf", format="A4")


async def test_what_is_said_by_phone_is_recorded(house: House, window: Page, person: str) -> None:
    """Looked up, recorded, told from when it binds; and the next mail is withheld."""
    await house.record(consent(person))
    assert person in await mailed(house, person, message=newsletter("Speculaas"))
    await sign_in(window, house.url, "Olga")
    await look_up(house, window, person)

    await window.get_by_label("Against what").select_option("category:newsletter")
    await window.get_by_label("How it came in").select_option("phone")
    await window.get_by_label("Where the letter or call is filed").fill("gesprek 12")
    await press(window.get_by_role("button", name="Record the objection"))

    await expect(window.get_by_role("status").first).to_contain_text("The objection is on record")
    await expect(window.get_by_role("status").first).to_contain_text("It binds from ")
    await expect(window.get_by_text("gesprek 12").first).to_be_visible()
    assert await mailed(house, person, message=newsletter("Kruidnoten")) == {}


async def test_what_is_wrong_is_corrected(house: House, window: Page, person: str) -> None:
    """A consent that lacks its wording counts once that is said."""
    await house.record({**consent(person), "wording": ""})
    assert await mailed(house, person, message=newsletter("Speculaas")) == {}
    await sign_in(window, house.url, "Olga")
    await look_up(house, window, person)

    await press(window.get_by_role("button", name="Correct it").first)
    await window.get_by_label("Wording", exact=True).fill("Ja, stuur mij het nieuws van de bakkerij.")
    await press(window.get_by_role("button", name="Record the correction"))

    await expect(window.get_by_role("status").first).to_contain_text("The correction is on record")
    assert person in await mailed(house, person, message=newsletter("Kruidnoten"))


async def test_who_asks_to_be_forgotten_is(house: House, window: Page, person: str) -> None:
    """First what would go is shown, then it goes, once the address is typed again."""
    await house.record(consent(person), {"email": person, "kind": "objection"})
    await sign_in(window, house.url, "Olga")
    await look_up(house, window, person)

    await press(window.get_by_role("button", name="Look at what would be erased"))
    await expect(window.get_by_text("1, as a keyed hash")).to_be_visible()
    await window.get_by_label("Type the address again").fill(person)
    await press(window.get_by_role("button", name="Erase", exact=True))

    await expect(window.get_by_role("heading", level=1)).to_have_text("Erased")
    await look_up(house, window, person)
    await expect(window.get_by_text("2026-01")).to_have_count(0)
    assert await mailed(house, person, message=newsletter("Kruidnoten")) == {}
