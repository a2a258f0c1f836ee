"""Operators sign in and out in a real browser, with a password and with a second factor."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest
from playwright.async_api import Page, expect

from tests.browser.bakery import HASHED, PASSWORD
from tests.browser.conftest import press, sign_in
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_in_and_out(house: House, window: Page) -> None:
    """The page that was asked for opens after signing in, and no page after signing out."""
    await window.goto(f"{house.url}/admin/withheld")
    await expect(window.get_by_role("heading", level=1)).to_have_text("Sign in")
    await window.get_by_label("Name").fill("Vera")
    await window.get_by_label("Password").fill(PASSWORD)
    await press(window.get_by_role("button", name="Sign in"))
    await expect(window.get_by_role("heading", level=1)).to_have_text("Withheld")
    await press(window.get_by_role("button", name="Sign out"))

    await window.goto(f"{house.url}/admin")
    await expect(window.get_by_role("heading", level=1)).to_have_text("Sign in")


async def test_a_wrong_password(house: House, window: Page) -> None:
    """It says that something is wrong, and shows nothing."""
    await window.goto(f"{house.url}/admin")
    await window.get_by_label("Name").fill("Vera")
    await window.get_by_label("Password").fill("a duck walks over the bridge")
    await press(window.get_by_role("button", name="Sign in"))

    await expect(window.get_by_role("alert")).to_contain_text("not right")
    await expect(window.get_by_role("navigation")).to_have_count(0)


async def test_a_second_factor(house: House, window: Page, person: str) -> None:
    """Whoever set one up needs its code, and each code serves once."""
    await house.gateway.rooms.accounts.add(person, "viewer", HASHED, house.clock.now(), "(test)")
    await sign_in(window, house.url, person)
    await window.goto(f"{house.url}/admin/account")
    await window.get_by_label("Present password").last.fill(PASSWORD)
    await press(window.get_by_role("button", name="Set up a second factor"))
    codes = pyotp.TOTP(re.sub(r"\s", "", await window.locator("figcaption code").inner_text()))
    await window.get_by_label("Code").fill(codes.at(house.clock.now()))
    await press(window.get_by_role("button", name="Ask for codes"))
    await press(window.get_by_role("button", name="Sign out"))

    house.clock.move(timedelta(minutes=2))
    await sign_in(window, house.url, person)
    await expect(window.get_by_role("alert")).to_contain_text("not right")
    await sign_in(window, house.url, person, codes.at(house.clock.now()))
    await expect(window.get_by_role("heading", level=1)).to_have_text("Overview")


async def test_the_keyboard_alone(house: House, window: Page) -> None:
    """The first press of Tab offers to skip what every page repeats, and each thing in focus can be seen."""
    await sign_in(window, house.url, "Vera")
    await window.keyboard.press("Tab")
    skip = window.get_by_role("link", name="Skip")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await skip.press("Enter")

    await expect(window.get_by_role("main")).to_be_focused()
