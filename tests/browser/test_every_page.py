"""Each page, by day and by night, on a phone and on a desk: nothing to object to, nothing that sticks out.

Screenshots of all of them are left in build/screenshots/pages, for people to look at.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Literal

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Response, StorageState

from tests.browser import bakery
from tests.browser.conftest import sign_in
from tests.browser.places import ADMIN, PUBLIC, STATUS
from tests.chromium import emptied
from tests.house import House

pytestmark = pytest.mark.asyncio(loop_scope="session")

AXE = Path(__file__).parents[1] / "clients" / "node_modules" / "axe-core" / "axe.min.js"
Scheme = Literal["light", "dark"]
OTHER: dict[Scheme, Scheme] = {"light": "dark", "dark": "light"}
# CSS pixels: a desk, the same at 200 % (WCAG 2.2, 1.4.4), the narrowest phone (1.4.10), each in the theme in
# which it is looked at; in the other nothing but colours differs.
WIDTHS: dict[int, Scheme] = {1280: "light", 640: "dark", 320: "dark"}
MOST = 30_000  # octets of a public page in all
ONE_FLIGHT = 14_600  # octets a server sends before it is answered: ten packets (RFC 6928)

# What axe-core objects to: rules of WCAG up to 2.2 AA and its own good practice.
OBJECTIONS = """async ofColours => {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  const colours = {type: 'rule', values: ['color-contrast', 'link-in-text-block']};
  const all = {type: 'tag', values: tags};
  const rules = ofColours ? {} : {'target-size': {enabled: true}};
  const runOnly = ofColours ? colours : all;
  const {violations} = await axe.run({runOnly, rules, resultTypes: ['violations']});
  return violations.flatMap(one => one.nodes.map(it => `${one.id}: ${it.html} ${it.failureSummary}`));
}"""
# What sticks out of the window, if the page can be scrolled sideways.
STICKS_OUT = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth)
    .map(e => e.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def screenshots() -> Path:
    """Where they are left."""
    return emptied("pages")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def season(house: House) -> House:
    """The house after four busy weeks."""
    await bakery.season(house)
    return house


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def session(season: House, browser: Browser) -> StorageState:
    """What a browser holds in which an administrator has signed in."""
    context = await browser.new_context()
    await sign_in(await context.new_page(), season.url, "Ada")
    state = await context.storage_state()
    await context.close()
    return state


@pytest_asyncio.fixture(loop_scope="session")
async def signed_in(window: Page, session: StorageState) -> None:
    """The window is that administrator's."""
    await window.context.set_storage_state(session)


@pytest_asyncio.fixture(loop_scope="session")
async def window(browser: Browser) -> AsyncIterator[Page]:
    """A window in which axe-core can run, which needs script where the pages need none."""
    context = await browser.new_context(locale="nl-NL", reduced_motion="reduce")
    yield await context.new_page()
    await context.close()


@pytest.mark.parametrize("place", PUBLIC)
async def test_public(house: House, window: Page, person: str, screenshots: Path, place: str) -> None:
    """A public page is one answer, that fits the first flight of packets, and anybody can use it."""
    answers = heard(window)
    await PUBLIC[place](house, window, person)

    assert answers[-1].status == STATUS.get(place, 200)
    assert all(one.request.is_navigation_request() for one in answers)
    assert max([await size(one) for one in answers]) < ONE_FLIGHT < MOST
    await is_good(window, screenshots / place)


@pytest.mark.parametrize("place", ADMIN)
async def test_admin(
    season: House, window: Page, signed_in: None, person: str, screenshots: Path, place: str
) -> None:
    """A page of operators can be used by anybody too."""
    answers = heard(window)
    await ADMIN[place](season, window, person)

    assert answers[-1].status == STATUS.get(place, 200)
    assert all(one.request.is_navigation_request() for one in answers)
    await is_good(window, screenshots / f"admin-{place}")


def heard(window: Page) -> list[Response]:
    """What a window is answered from now on."""
    answers: list[Response] = []
    window.on("response", lambda answer: answers.append(answer))
    return answers


async def is_good(window: Page, screenshots: Path) -> None:
    """No rule of axe-core is broken, and nothing must be scrolled to sideways."""
    await window.evaluate(AXE.read_text("utf-8"))
    for width, scheme in WIDTHS.items():
        await window.set_viewport_size({"width": width, "height": 800})
        await window.emulate_media(color_scheme=scheme)
        assert await window.evaluate(STICKS_OUT) == [], width
        if width != 640:
            assert await window.evaluate(OBJECTIONS, False) == [], (width, scheme)
            await window.screenshot(path=f"{screenshots}-{width}.png", full_page=True)
            await window.emulate_media(color_scheme=OTHER[scheme])
            assert await window.evaluate(OBJECTIONS, True) == [], (width, OTHER[scheme])


async def size(answer: Response) -> int:
    """Octets of an answer, its headers included."""
    sizes: Any = await answer.request.sizes()
    return int(sizes["responseHeadersSize"] + sizes["responseBodySize"])
