"""A salon that people sign up to by mail, beside a shop that has no mailbox to write from; both made up."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes, policy
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import aiohttp

from gateway.law.evidence import Evidence
from tests.doubles import Received
from tests.house import SECRET, House

NAME = "Salon <b>Krul</b> & {Co}"
CONFIG = f"""
[[controller]]
id = "salon"
name = "{NAME}"
postal_address = "Markt 7, 2611 GP Delft"
contact = "hallo@shop.example"
privacy_policy_url = "https://shop.example/salon-privacy"
privacy_policy_mentions_marketing = true
country = "NL"
mail_from = "salon@shop.example"
listed = true
[[category]]
id = "tips"
controller = "salon"
title = "haartips"
purpose = "marketing"
double_opt_in = true
[[category]]
id = "deals"
controller = "salon"
title = "<i>acties</i>"
purpose = "marketing"
double_opt_in = true
[[category]]
id = "events"
controller = "salon"
title = "avonden"
purpose = "marketing"
[[login]]
name = "salontool"
controller = "salon"
categories = ["tips", "deals", "events"]
default_category = "tips"
from_domains = ["shop.example"]
secret_hash = "sha256:{sha256(SECRET.encode()).hexdigest()}"
"""


@dataclass
class Page:
    """What was answered."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def form(self) -> Form:
        """Its one form."""
        return Form(self.text)


class Form(HTMLParser):
    """What a browser without script shows of a form: its fields, and which boxes are ticked."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.count = self.buttons = 0
        self.fields: dict[str, dict[str, str | None]] = {}  # by name, and value where it is a box
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note the element."""
        said = dict(attributes)
        self.count += tag == "form"
        self.buttons += tag == "button"
        if tag == "input":
            box = said.get("type") == "checkbox"
            self.fields[f"{said['name']} {said['value']}" if box else str(said["name"])] = said

    @property
    def ticked(self) -> list[str]:
        """The values of the boxes that are ticked."""
        return [str(one["value"]) for one in self.fields.values() if "checked" in one]

    @property
    def typed(self) -> str | None:
        """What stands in the field for the address."""
        return self.fields["address"]["value"]


@dataclass
class Visitor:
    """Somebody at a browser, and the salon's house."""

    house: House
    session: aiohttp.ClientSession

    async def get(self, path: str, **more: Any) -> Page:
        """Look at a page."""
        return await self._ask("GET", path, **more)

    async def post(self, path: str, *fields: tuple[str, str], **more: Any) -> Page:
        """Send a form."""
        body = {"data": aiohttp.FormData(fields)} if fields else {}
        return await self._ask("POST", path, **body, **more)

    async def _ask(self, method: str, path: str, **more: Any) -> Page:
        more["headers"] = {"Accept-Language": "en"} | more.get("headers", {})
        url = path if path.startswith("http") else f"{self.house.url}{path}"
        async with self.session.request(method, url, **more) as answer:
            return Page(answer.status, await answer.text(), dict(answer.headers))

    async def sign_up(self, *topics: str, address: str = "anna@example.org", at: str = "tips") -> Page:
        """Tick these boxes and send the form."""
        return await self.post(
            f"/subscribe/{at}", ("address", address), *(("topic", topic) for topic in topics)
        )

    async def letter(self, count: int = 1) -> str:
        """The link in the last of so many letters."""
        return link_in((await self.house.smarthost.arrived(count))[count - 1])

    async def facts(self, address: str = "anna@example.org", controller: str = "salon") -> list[Evidence]:
        """What is on record of somebody."""
        rooms = self.house.gateway.rooms
        return await rooms.ledger.evidence(controller, rooms.keys.hash(controller, address))


def link_in(received: Received) -> str:
    """The link of a letter that asks to confirm something."""
    text = message_from_bytes(received.content, policy=policy.default).get_content()  # type: ignore[attr-defined]
    (link,) = re.findall(r"^http\S+/confirm/\S+$", text.replace("\r\n", "\n"), re.MULTILINE)
    return str(link)


async def visiting(open_house: Callable[..., Any], session: aiohttp.ClientSession) -> Visitor:
    """A visitor to a house with the salon in it."""
    return Visitor(await open_house(extra=CONFIG), session)
