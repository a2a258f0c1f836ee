"""Takes the README's pictures: `make screenshots` leaves them in docs/images. All in them is made up."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from tests.browser import bakery, places
from tests.browser.conftest import hire, sign_in
from tests.browser.places import Way
from tests.chromium import FLAGS, program
from tests.house import House, opened, written


@dataclass(frozen=True)
class Picture:
    """What is on it, and what part of the page: CSS pixels from the top left corner."""

    way: Way
    width: int
    height: int
    dark: bool = False


async def dossier(house: House, window: places.Page, _: str) -> None:
    """Of somebody with a history, as an officer sees it."""
    await places.look_up(house, window, "chris@example.org")


PUBLIC: Mapping[str, Picture] = {
    "unsubscribe": Picture(places.unsubscribe, 360, 640),
    "unsubscribed": Picture(places.unsubscribed, 360, 640, dark=True),
}
ADMIN: Mapping[str, Picture] = {
    "overview": Picture(places.overview, 1120, 860),
    "withheld": Picture(places.withheld, 1120, 700),
    "dossier": Picture(dossier, 1120, 1000),
}


async def taken(browser: Browser, house: House, name: str, picture: Picture, folder: Path) -> None:
    """One picture, into its file."""
    context = await browser.new_context(
        viewport={"width": picture.width, "height": picture.height},
        device_scale_factor=2 if picture.width < 640 else 1,
        color_scheme="dark" if picture.dark else "light",
        locale="nl-NL",
    )
    window = await context.new_page()
    if name in ADMIN:
        await sign_in(window, house.url, "Olga")
    await picture.way(house, window, f"{name}@example.org")
    await window.screenshot(path=folder / f"{name}.png")
    await context.close()


async def main(folder: Path) -> None:
    """All of them, of one gateway after four busy weeks."""
    with tempfile.TemporaryDirectory() as place:
        write = partial(written, Path(place), text=bakery.CONFIG)
        async with async_playwright() as playwright, opened(write, now=bakery.SEASON_BEGINS) as house:
            browser = await playwright.chromium.launch(executable_path=program(), args=FLAGS)
            await hire(house)
            await bakery.season(house)
            for name, picture in (PUBLIC | ADMIN).items():
                await taken(browser, house, name, picture, folder)
            await browser.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
