"""A marketer looks for what was not sent, in a real browser: by fields, down to the reason of one mail."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.browser.bakery import consent, mailed, newsletter
from tests.browser.conftest import press, sign_in
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_filtering(house: House, window: Page, person: str) -> None:
    """The fields narrow the log down to what is asked for, and a row leads to what would make it lawful."""
    await house.record(consent(person))
    strangers = [f"{number}-{person}" for number in range(3)]
    await mailed(house, person, *strangers, message=newsletter("Speculaas", campaign=person))
    await sign_in(window, house.url, "Vera")
    await press(window.get_by_role("link", name="Withheld"))
    await window.get_by_label("Campaign").fill(person)
    await window.get_by_label("Reason").select_option("unknown-person")
    await press(window.get_by_role("button", name="Show", exact=True))
    await expect(window.locator("tbody tr")).to_have_count(3)
    await window.get_by_label("Address").fill(strangers[1])
    await press(window.get_by_role("button", name="Show", exact=True))
    await expect(window.locator("tbody tr")).to_have_count(1)
    await press(window.locator("tbody a"))

    await expect(window.get_by_role("heading", level=1)).to_have_text("Withheld: unknown-person")
    await expect(window.get_by_role("main")).to_contain_text("Tw 11.7(1)")
    await expect(window.get_by_role("heading", name="What would make it lawful")).to_be_visible()


async def test_an_export(house: House, window: Page, person: str) -> None:
    """A file holds what the fields ask for."""
    await mailed(house, f"nobody-{person}", message=newsletter("Speculaas", campaign=person))
    await sign_in(window, house.url, "Vera")
    await window.goto(f"{house.url}/admin/withheld?campaign={person}")
    async with window.expect_download() as download:
        await window.get_by_role("button", name="CSV").click()
    file = await (await download.value).path()

    assert f"nobody-{person}" in file.read_text("utf-8")
