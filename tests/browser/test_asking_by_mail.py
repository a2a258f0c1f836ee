"""What must be confirmed by mail, from the form to the button behind the letter's link, in a real browser."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from gateway.texts import texts
from tests.browser.bakery import hears, subscriber
from tests.browser.conftest import press
from tests.browser.places import letter, objection_mailed, sign_up_mailed
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = texts("nl")


async def test_an_objection_without_a_mail_at_hand(house: House, window: Page, person: str) -> None:
    """An address is typed, its owner presses the button in the letter, and the next mail is withheld."""
    await subscriber(house, person)
    link = await letter(house, objection_mailed(house, window, person))
    await expect(window.get_by_role("heading", level=1)).to_have_text(WORDS.form_sent_title)
    assert await hears(house, person)
    await window.goto(link)
    await press(window.get_by_role("button"))

    await expect(window.get_by_role("status")).to_contain_text("geen reclame meer")
    assert not await hears(house, person)


async def test_a_sign_up_confirmed_by_mail(house: House, window: Page, person: str) -> None:
    """No box is ticked beforehand; mail goes from the button behind the letter's link, and not before."""
    link = await letter(house, sign_up_mailed(house, window, person))
    await window.goto(link)
    await expect(window.get_by_role("listitem")).to_contain_text("Bakworkshops")
    assert not await hears(house, person, "workshops")
    house.clock.move(timedelta(minutes=1))
    await press(window.get_by_role("button", name=WORDS.confirm_button_consent))

    await expect(window.get_by_role("status")).to_contain_text("Bakworkshops")
    assert await hears(house, person, "workshops")


async def test_no_box_is_ticked_beforehand(house: House, window: Page) -> None:
    """Each topic has a box of its own, and a consent is the person's own tick (L1; GDPR 4(11))."""
    await window.goto(f"{house.url}/subscribe/workshops")

    for box in await window.get_by_role("checkbox").all():
        await expect(box).not_to_be_checked()
