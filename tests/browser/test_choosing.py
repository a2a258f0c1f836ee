"""A recipient chooses what to get, on a real page in a real browser."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import Page, expect

from gateway.texts import texts
from tests.browser.bakery import consent, hears, subscriber
from tests.browser.conftest import press
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")

WORDS = texts("nl")
BAKERY, NEWS, WORKSHOPS = "Bakkerij De Jong", "Nieuws en aanbiedingen van de bakkerij", "Bakworkshops"


async def opens(house: House, window: Page, person: str) -> None:
    """Follow the link of a mail to the choices."""
    await window.goto(await subscriber(house, person))
    await press(window.get_by_role("link", name=WORDS.page_choose.format(controller=BAKERY)))


async def test_one_thing_off(house: House, window: Page, person: str) -> None:
    """What is turned off stops at once, and nothing else does."""
    await house.record(consent(person, "workshops"))
    await opens(house, window, person)
    await press(window.get_by_role("button", name=WORDS.page_button_category.format(category=WORKSHOPS)))

    await expect(window.get_by_role("status")).to_contain_text(f"geen {WORKSHOPS} meer")
    assert not await hears(house, person, "workshops")
    assert await hears(house, person)


async def test_everything_off(house: House, window: Page, person: str) -> None:
    """One button stops all marketing."""
    await opens(house, window, person)
    await press(window.get_by_role("button", name=WORDS.page_button_marketing.format(controller=BAKERY)))

    await expect(window.get_by_role("status")).to_contain_text("geen reclame meer")
    assert not await hears(house, person)


async def test_something_on(house: House, window: Page, person: str) -> None:
    """Turning on sends a mail, and changes nothing until its link is followed and its button pressed."""
    await opens(house, window, person)
    house.clock.move(timedelta(minutes=1))
    await press(window.get_by_role("button", name=WORDS.choose_start.format(category=WORKSHOPS)))

    await expect(window.get_by_role("status")).to_contain_text("mail onderweg")
    assert not await hears(house, person, "workshops")


async def test_why(house: House, window: Page, person: str) -> None:
    """The page says on what the mail rested, of what day and from where, and shows no whole address."""
    await opens(house, window, person)

    await expect(window.get_by_role("main")).to_contain_text("sign-up form at bakkerij-dejong.example/nieuws")
    await expect(window.get_by_role("main")).not_to_contain_text(person)
