"""One browser for the folder, one gateway for a file, and a window for each test."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from functools import partial

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, async_playwright

from gateway.operators import Role
from tests.browser import bakery
from tests.chromium import FLAGS, program
from tests.house import House, opened, written

OPERATORS: dict[str, Role] = {"Vera": "viewer", "Olga": "officer", "Ada": "administrator"}


async def hire(house: House) -> None:
    """An operator of each role."""
    for name, role in OPERATORS.items():
        await house.gateway.rooms.accounts.add(name, role, bakery.HASHED, house.clock.now(), "(command line)")


async def press(target: Locator) -> None:
    """Press what leads to a page, and wait until that is there."""
    async with target.page.expect_navigation():
        await target.click()


async def sign_in(window: Page, url: str, name: str, code: str = "") -> None:
    """Fill in the form, as an operator does."""
    await window.goto(f"{url}/admin")
    await window.get_by_label("Name").fill(name)
    await window.get_by_label("Password").fill(bakery.PASSWORD)
    await window.get_by_label("second factor").fill(code)
    await press(window.get_by_role("button", name="Sign in"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Started once."""
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=program(), args=FLAGS)
        yield started
        await started.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The bakery's gateway, on real sockets and files."""
    folder = tmp_path_factory.mktemp("bakery")
    write = partial(written, folder, text=bakery.CONFIG)
    async with opened(write, now=bakery.SEASON_BEGINS) as house:
        await hire(house)
        yield house


@pytest.fixture
def person(request: pytest.FixtureRequest) -> str:
    """Somebody of whom no other test has heard."""
    return re.sub(r"\W+", "-", request.node.name).strip("-") + "@example.org"


@pytest_asyncio.fixture(loop_scope="session", params=["script", "no script"])
async def window(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Page]:
    """A window of a Dutch reader, as it comes and with script switched off."""
    context = await browser.new_context(java_script_enabled=request.param == "script", locale="nl-NL")
    yield await context.new_page()
    await context.close()
