"""The pages on a real socket, over the real story and a ledger in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

import aiohttp
import pytest

from gateway.keys import Keys
from gateway.law.category import Category, Controller
from gateway.law.evidence import Objection
from gateway.law.packs import PACKS
from gateway.law.record import Law
from gateway.metrics import Metrics
from gateway.objecting import Objecting
from gateway.ports import NewEvidence, Sent
from gateway.preferring import Preferring
from gateway.tokens import Token, seal
from gateway.undoing import Undoing
from gateway.web.app import Runner, build
from gateway.web.operations import Operations
from gateway.web.preferences import PreferencesPage
from gateway.web.public import Public
from tests.confirming import Confirming
from tests.house import house, open_house, write_config  # noqa: F401 -- fixtures
from tests.memory import MemoryLedger, StandingClock
from tests.web.machine import machine  # noqa: F401 -- a fixture

KEYS = Keys(bytes(range(32)), {1: bytes(range(64))})
PERSON = KEYS.hash("bakery", "kim@example.org")
BAKERY = Controller(
    id="bakery",
    name="Bakkerij De Gouden Krakeling",
    pack=PACKS["nl"],
    postal_address="Dorpsstraat 1\n1234 AB Ons Dorp",
    privacy_policy_url="https://bakery.example/privacy",
    contact="hallo@bakery.example",
    officer="R. de Vries, +31 20 123 4567",
    language="nl",
)
NEWS = Category(id="news", controller="bakery", title="Broodnieuws", purpose="marketing")
ON_CONSENT = Token(decision=77, person=PERSON, controller="bakery", category="news", consent=True)
TO_CUSTOMER = replace(ON_CONSENT, consent=False)


@dataclass
class Site:
    """A served site: where it is, what it is made of, and what is on record."""

    controllers: dict[str, Controller] = field(default_factory=lambda: {"bakery": BAKERY})
    categories: dict[str, Category] = field(default_factory=lambda: {"news": NEWS})
    keys: Keys = KEYS
    admin: bool = True
    sent: Sent | None = field(
        default_factory=lambda: Sent("bakery", PERSON, "news", "consent", "kim@example.org")
    )
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    confirming: Confirming = field(default_factory=Confirming)
    clock: StandingClock = field(default_factory=StandingClock)
    metrics: Metrics = field(default_factory=Metrics)
    faults: dict[str, str] = field(default_factory=lambda: {"store": "", "smarthost": "", "key": ""})
    url: str = ""
    port: int = 0

    def link(self, token: Token = ON_CONSENT, page: str = "u") -> str:
        """The link that a copy carries, or to another page of the same token."""
        return f"{self.url}/{page}/{seal(token, self.keys)}"

    @property
    def rows(self) -> list[NewEvidence]:
        """What is on record."""
        return [row for _, row in self.ledger.rows]

    @property
    def scopes(self) -> list[str]:
        """What was objected to, oldest first."""
        return [row.fact.scope for row in self.rows if isinstance(row.fact, Objection)]

    async def raw(self, octets: bytes) -> bytes:
        """Everything the server says to these octets until it hangs up."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(octets)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    def _glimpse(self, decision: int) -> Sent | None:
        return self.sent if decision == 77 and not self.ledger.down else None

    async def _look_up(self, decision: int) -> Sent | None:
        return self.sent if decision == 77 else None

    async def _probe(self, name: str) -> str:
        return self.faults[name]

    async def serve(self) -> Runner:
        """Start; the caller cleans the runner up."""
        objecting = Objecting(
            self.ledger,
            self._look_up,
            self.keys,
            self.controllers,
            self.categories,
            self.clock,
            glimpse=self._glimpse,
        )
        probes = {name: lambda name=name: self._probe(name) for name in self.faults}
        law = Law(self.controllers, self.categories)
        undoing = Undoing(objecting, self.ledger, self.confirming, law, self.keys, self.clock)
        preferring = Preferring(objecting, self.ledger, self.confirming, law, self.clock)
        public = Public(objecting, undoing, self.metrics, "nl")
        choosing = PreferencesPage(preferring, self.metrics, "nl")
        operations = Operations(probes, self.metrics)
        routes = [*public.routes(), *choosing.routes(), *operations.routes(admin=self.admin)]
        runner = Runner(build(routes, language="nl"))
        await runner.setup()
        await aiohttp.web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"
        return runner


@pytest.fixture
async def serving() -> AsyncIterator[Callable[..., Site]]:
    """Serves sites made to measure: `site = await serving(categories={})`."""
    runners: list[Runner] = []

    async def start(**made: object) -> Site:
        site = Site(**made)
        runners.append(await site.serve())
        return site

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def site(serving) -> Site:
    """The ordinary site."""
    return await serving()


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    """A client without cookies that follows no redirect unless told."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session
