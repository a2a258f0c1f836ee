"""A browser without script, as far as these promises need one: it follows links and presses buttons."""

from __future__ import annotations

from dataclasses import dataclass
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urljoin

import aiohttp


@dataclass
class Page:
    """What was answered, and the forms and links on it."""

    url: str
    status: int
    text: str

    def __post_init__(self) -> None:
        self.links: dict[str, str] = {}  # by their words
        self.forms: dict[
            str, tuple[str, dict[str, str]]
        ] = {}  # where to and with what, by the button's words
        _Reader(self).feed(self.text)


class _Reader(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__()
        self._page = page
        self._action = ""
        self._fields: dict[str, str] = {}
        self._link = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attributes}
        self._tag = tag
        if tag == "form":
            self._action, self._fields = urljoin(self._page.url, said.get("action", "")), {}
        elif tag == "input":
            self._fields[said["name"]] = said["value"]
        elif tag == "a":
            self._link = urljoin(self._page.url, said["href"])

    def handle_data(self, words: str) -> None:
        if words.strip() and self._tag == "button":
            self._page.forms[words] = self._action, self._fields
        elif words.strip() and self._tag == "a":
            self._page.links[words] = self._link
        self._tag = ""


class Browser:
    """Asks for English; `open` and `press` answer with the page shown then."""

    async def open(self, url: str) -> Page:
        """Follow a link."""
        return await self._asked("GET", url, None)

    async def press(self, page: Page, button: str) -> Page:
        """Press the one button whose words begin so."""
        ((action, fields),) = [form for words, form in page.forms.items() if words.startswith(button)]
        return await self._asked("POST", action, fields)

    async def _asked(self, method: str, url: str, fields: dict[str, str] | None) -> Page:
        headers = {"Accept-Language": "en", "Sec-Fetch-Site": "same-origin"}
        async with aiohttp.ClientSession(headers=headers) as session:
            async with session.request(method, url, data=fields) as answer:
                return Page(str(answer.url), answer.status, unescape(await answer.text()))
