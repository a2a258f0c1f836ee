"""Officers at work, for the tests of the pages about people."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from html import unescape
from typing import Any

import aiohttp
import pytest

from gateway.law.evidence import Evidence
from gateway.store import audit
from tests.house import ANNA, House
from tests.web.admin.conftest import Browser, Office, Page
from tests.web.machine import NEIGHBOURS


@pytest.fixture
async def officer(office: Office) -> Browser:
    """The browser of an officer."""
    return await office.signed_in("olga", "officer")


@pytest.fixture
async def street(open_house: Callable[..., Any], hashed: str) -> AsyncIterator[Office]:
    """A gateway with a second controller."""
    house = await open_house(extra=NEIGHBOURS)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Office(house, session, hashed)


def words_of(page: Page) -> str:
    """What a reader of the page sees."""
    return " ".join(unescape(re.sub(r"<[^>]*>", "", page.text)).split())


async def on_record(office: Office, address: str = ANNA, controller: str = "shop") -> list[Evidence]:
    """The facts about somebody."""
    rooms = office.house.gateway.rooms
    return await rooms.ledger.evidence(controller, rooms.keys.hash(controller, address))


async def acts_about_people(office: Office) -> list[tuple[str, str]]:
    """Who did what about somebody, oldest first."""
    return [(one.operator, one.what) for one in reversed(await office.acts()) if one.person]


@contextmanager
def locked(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """While another process writes, and does not end; nobody waits long."""
    database = house.config.gateway.state_dir / "sendright.db"
    with monkeypatch.context() as patch, closing(sqlite3.connect(database, isolation_level=None)) as other:
        patch.setattr(audit, "PATIENCE", 0.1)
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
