"""The admin pages of a whole gateway, on a real socket over a real store, and browsers that ask for them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

import aiohttp
import pytest
from argon2 import PasswordHasher
from multidict import CIMultiDictProxy

from gateway.operators import Role
from gateway.passwords import KIBIBYTES, LANES, PASSES, Passwords
from gateway.ports import AuditEntry
from gateway.signing_in import LONGEST, digest_of
from tests.house import House, house, open_house, write_config  # noqa: F401 -- fixtures

PASSWORD = "a goose walks over the bridge"
FROM_US = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class Page:
    """An answer, read to its end."""

    status: int
    text: str
    headers: CIMultiDictProxy[str] = field(repr=False)

    @property
    def location(self) -> str:
        """Where it leads to."""
        return self.headers.get("Location", "")

    @property
    def cookies(self) -> SimpleCookie:
        """What it sets."""
        return SimpleCookie("\n".join(self.headers.getall("Set-Cookie", [])))

    @property
    def heading(self) -> str:
        """What it says it is."""
        return "".join(re.findall(r"<h1>([^<]*)</h1>", self.text))


@dataclass
class Browser:
    """Keeps one cookie, as a browser would, and follows no redirect."""

    url: str
    session: aiohttp.ClientSession
    cookie: str = ""  # name=value

    async def ask(self, method: str, path: str, *, whole: bool = True, **more: Any) -> Page:
        """The answer to any request; else its beginning, where it does not end."""
        headers = {"Cookie": self.cookie, **more.pop("headers", {})}
        async with self.session.request(
            method, self.url + path, headers=headers, allow_redirects=False, **more
        ) as answer:
            text = await answer.text() if whole else (await answer.content.readany()).decode()
            page = Page(answer.status, text, answer.headers)
        for morsel in page.cookies.values():
            self.cookie = f"{morsel.key}={morsel.value}" if morsel.value else ""
        return page

    async def get(self, path: str) -> Page:
        """A page."""
        return await self.ask("GET", path)

    async def post(self, path: str, **fields: str) -> Page:
        """What a form of ours sends."""
        return await self.ask("POST", path, data=fields, headers=FROM_US)

    async def sign_in(
        self, name: str = "olga", password: str = PASSWORD, code: str = "", then: str = "/admin"
    ) -> Page:
        """Fill in the form."""
        return await self.post("/admin/sign-in", name=name, password=password, code=code, then=then)


@dataclass
class Office:
    """A gateway with operators."""

    house: House
    session: aiohttp.ClientSession
    hashed: str

    def browser(self) -> Browser:
        """One that nobody has signed in with."""
        return Browser(self.house.url, self.session)

    async def hire(self, name: str, role: Role = "viewer") -> None:
        """Add an operator, whose password is PASSWORD."""
        rooms = self.house.gateway.rooms
        assert await rooms.accounts.add(name, role, self.hashed, rooms.clock.now(), "(test)")

    async def signed_in(self, name: str, role: Role = "viewer") -> Browser:
        """The browser of a new operator."""
        await self.hire(name, role)
        browser = self.browser()
        assert (await browser.sign_in(name)).status == 303
        return browser

    async def entered(self, name: str, role: Role = "viewer") -> Browser:
        """The same without the time that a password takes: as if signed in."""
        await self.hire(name, role)
        rooms, browser = self.house.gateway.rooms, self.browser()
        account, now = await rooms.accounts.named(name), rooms.clock.now()
        assert account
        assert await rooms.accounts.begin(account, digest_of(name), now, now + LONGEST)
        browser.cookie = f"sendright-operator={name}"
        return browser

    async def acts(self) -> list[AuditEntry]:
        """What is on record, newest first."""
        return list(await self.house.gateway.rooms.audit.page(None, 1000))


@pytest.fixture(scope="session")
def hashed() -> str:
    """The hash of PASSWORD, made once."""
    return PasswordHasher(PASSES, KIBIBYTES, LANES).hash(PASSWORD)


@pytest.fixture
async def office(house: House, hashed: str) -> AsyncIterator[Office]:  # noqa: F811 -- the fixture
    """An office where nobody works yet."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Office(house, session, hashed)


@pytest.fixture
async def browser_of(office: Office) -> Browser:
    """Of Olga, who looks."""
    return await office.signed_in("olga")


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were hashed from now on."""
    seen: list[str] = []
    real = Passwords._verify

    def verify(own: Passwords, known: str | None, password: str) -> bool:
        seen.append(password)
        return real(own, known, password)

    monkeypatch.setattr(Passwords, "_verify", verify)
    return seen
