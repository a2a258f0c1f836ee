"""A recipient leaves, on a real page in a real browser: by its button, by one click, from everything."""

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
BAKERY, NEWS = "Bakkerij De Jong", "Nieuws en aanbiedingen van de bakkerij"


def button(name: str) -> str:
    """The words of a button about the bakery's news."""
    return str(getattr(WORDS, f"page_button_{name}")).format(controller=BAKERY, category=NEWS)


async def test_by_the_button(house: House, window: Page, person: str) -> None:
    """One button, and from then on the next mail is withheld."""
    await window.goto(await subscriber(house, person))
    await expect(window.get_by_role("banner")).to_have_text(BAKERY)
    await press(window.get_by_role("button", name=button("category")))

    await expect(window.get_by_role("heading", level=1)).to_have_text(WORDS.page_done_title)
    assert not await hears(house, person)


async def test_by_one_click(house: House, window: Page, person: str) -> None:
    """What a mail reader posts by itself is answered with the page that says so (RFC 8058 section 3.2)."""
    form = {"List-Unsubscribe": "One-Click"}
    answer = await window.request.post(await subscriber(house, person), multipart=form)

    assert (answer.status, WORDS.page_done_title in await answer.text()) == (200, True)
    assert not await hears(house, person)


async def test_everything(house: House, window: Page, person: str) -> None:
    """All marketing stops by one button more, and what was bought is still answered for."""
    link = await subscriber(house, person)
    await house.record(consent(person, "workshops"))
    assert await hears(house, person, "workshops")
    await window.goto(link)
    await press(window.get_by_role("button", name=button("category")))
    await press(window.get_by_role("button", name=button("marketing")))

    await expect(window.get_by_role("status")).to_contain_text(
        WORDS.page_done_marketing.format(controller=BAKERY)
    )
    assert not await hears(house, person, "workshops")
    assert await hears(house, person, "invoice")


async def test_undoing(house: House, window: Page, person: str) -> None:
    """A slip is undone on the page that took it, and the next mail goes again."""
    await window.goto(await subscriber(house, person))
    await press(window.get_by_role("button", name=button("category")))
    house.clock.move(timedelta(seconds=20))
    await press(window.get_by_role("button", name=button("undo")))

    await expect(window.get_by_role("heading", level=1)).to_have_text(WORDS.page_undone_title)
    assert await hears(house, person)


async def test_a_look_changes_nothing(house: House, window: Page, person: str) -> None:
    """Opening the link, again and by other choices, leaves the person on the list."""
    link = await subscriber(house, person)
    for choice in ("", "?choice=marketing", "?choice=category"):
        await window.goto(link + choice)

    assert await hears(house, person)
