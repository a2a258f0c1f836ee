"""What the store's tests are given: one shop, its newsletter, people, evidence, and a clock that is set."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.address import parse, person_hash
from gateway.envelope import Answer, Fate, FateKind, Kind, Stage
from gateway.law.category import Category, Controller
from gateway.law.evidence import Consent, Evidence, Objection, Purchase
from gateway.law.packs import PACKS
from gateway.ports import NewEvidence, Person, Wave
from gateway.store.opening import Store

KEYS_CHECK = "0123456789abcdef0123456789abcdef"
SEAL_KEY = b"s" * 32
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATIENCE = 5.0  # seconds a decision waits in tests that expect one

SHOP = Controller(
    id="shop",
    name="Shop",
    pack=PACKS["nl"],
    postal_address="Dorpsstraat 1, Ede",
    privacy_policy_url="https://shop.example/privacy",
    privacy_policy_mentions_marketing=True,
)
NEWS = Category(id="news", controller="shop", title="News", purpose="marketing")
INVOICE = Category(id="invoice", controller="shop", title="Invoices", purpose="service", ground="contract")

RELAYED = Answer(Kind.REPLY, Stage.DOT, 250, "2.0.0", "queued as 1")
REFUSED = Answer(Kind.REPLY, Stage.RCPT, 550, "5.1.1", "no such user")
DEFERRED = Answer(Kind.REPLY, Stage.RCPT, 451, "4.2.0", "try again")
SILENT = Answer(Kind.SLOW, Stage.DOT)

Open = Callable[..., AbstractAsyncContextManager[Store]]


class SetClock:
    """A clock that moves when told to."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> datetime:
        self.at += timedelta(**by)
        return self.at


def person(name: str = "kim", controller: str = "shop") -> Person:
    mailbox = parse(f"{name}@example.org")
    return Person(person_hash(b"k" * 32, controller, mailbox.comparable), mailbox)


def consent(at: datetime = START, *, proven: bool = True) -> Consent:
    return Consent(id=0, occurred_at=at, recorded_at=at, category="news", proven=proven)


def objection(at: datetime, scope: str = "marketing") -> Objection:
    return Objection(id=0, occurred_at=at, recorded_at=at, scope=scope)


def purchase(at: datetime) -> Purchase:
    return Purchase(id=0, occurred_at=at, recorded_at=at, product_group="shoes")


def row(
    fact: Evidence, who: Person | None = None, *, controller: str = "shop", **details: object
) -> NewEvidence:
    """A row to append; the same fact of the same person is the same row as received."""
    who = who or person()
    content = hashlib.sha256(f"{controller}{who.hash.hex()}{fact}".encode()).digest()[:16]
    return NewEvidence(controller, who.hash, fact, content, {"address": who.mailbox.wire, **details})


def wave(*people: Person, submission: int = 1, message: str = "m", **changes: object) -> Wave:
    """A wave of the newsletter `message`; an empty message claims nothing."""
    fingerprint = hashlib.sha256(message.encode()).digest()[:16] if message else b""
    settings: dict[str, object] = {
        "submission": submission,
        "login": "tool",
        "controller": SHOP,
        "category": NEWS,
        "people": people or (person(),),
        "known_categories": frozenset({"news", "invoice"}),
        "message_id": "<1@shop.example>",
        "campaign": "spring",
        "fingerprint": fingerprint,
    }
    return Wave(**(settings | changes))  # type: ignore[arg-type]  # a test names only what differs


def fate(decision: int, answer: Answer = RELAYED) -> Fate:
    kinds = {250: FateKind.RELAYED, 550: FateKind.REFUSED, 451: FateKind.DEFERRED, 0: FateKind.UNKNOWN}
    return Fate(decision, kinds[answer.code], answer)


class Gate:
    """Work that holds the writer's thread in its round until it is let go."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._entered = asyncio.Event()
        self._left = threading.Event()
        self._loop = loop

    def __call__(self, _connection: sqlite3.Connection) -> None:
        self._loop.call_soon_threadsafe(self._entered.set)
        self._left.wait(PATIENCE)

    async def entered(self) -> None:
        await self._entered.wait()

    def let_go(self) -> None:
        self._left.set()


def by_hand(path: Path, statement: str, *values: object) -> None:
    """What nobody should do: change evidence in the file itself."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA ignore_check_constraints = ON")
        database.execute("PRAGMA synchronous = OFF")
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        database.execute("BEGIN")
        for (trigger,) in triggers:
            database.execute(f"DROP TRIGGER {trigger}")
        database.execute(statement, values)
        database.commit()
