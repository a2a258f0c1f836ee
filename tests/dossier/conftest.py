"""A person with a history: evidence, mail sent and withheld, an objection, an act; and a rival's."""

from __future__ import annotations

import asyncio
import copy
import importlib.util
import json
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.address import parse
from gateway.config import load
from gateway.dossier import Dossier, document, dossier
from gateway.dossier.document import SIGNED, canonical
from gateway.envelope import Answer, Fate, FateKind, Kind, Stage
from gateway.grants import known_categories
from gateway.intake import record
from gateway.objecting import Objecting
from gateway.opening import Rooms, rooms
from gateway.ports import Decided, Person, Wave
from gateway.store.spelling import canonical as as_stored
from gateway.store.spelling import digest, micros
from gateway.store.tables import act_details, acts
from tests.house import FrozenClock, started_before, written

ANNA, BRAM = "Anna@example.org", "bram@example.org"
VERIFIER = Path(__file__).parents[2] / "deploy" / "verify_export.py"
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
EXTRA = """
[[category]]
id = "club"
controller = "shop"
title = "Club"
purpose = "marketing"
channels = ["email", "sms"]
[[controller]]
id = "rival"
name = "De Rivaal"
postal_address = "Markt 2, 2611 GP Delft"
contact = "privacy@rival.example"
officer = "J. Jansen"
privacy_policy_url = "https://rival.example/privacy"
privacy_policy_mentions_marketing = true
country = "BE"
language = "fr"
on_behalf_of = "Moederbedrijf"
processing_agreement_date = 2025-01-02
[[category]]
id = "rumours"
controller = "rival"
title = "Roddels"
purpose = "marketing"
[retention.consent]
keep_at_least_days = 0
keep_at_most_days = 1825
reason = "proof of consent"
[retention.journal]
keep_at_least_days = 365
keep_at_most_days = 730
reason = "to answer complaints"
"""
RELAYED = Answer(Kind.REPLY, Stage.DOT, 250, "2.0.0", "queued as 1 for anna@example.org")
REFUSED = Answer(Kind.REPLY, Stage.RCPT, 550, "5.7.1", "we do not like you")

CONSENT: dict[str, object] = {
    "email": ANNA,
    "kind": "consent",
    "category": "newsletter",
    "occurred_at": "2026-02-01T09:30:00+01:00",
    "source": "sign-up form",
    "wording": "Ja, stuur mij de nieuwsbrief.",
    "wording_version": "2",
    "ip": "192.0.2.7",
    "confirmed_at": "2026-02-01T09:35:00+01:00",
    "reference": "form-77",
}
PURCHASE: dict[str, object] = {
    "email": ANNA,
    "kind": "purchase",
    "product_group": "bread",
    "occurred_at": "2026-01-10T10:00:00+01:00",
    "source": "till",
    "reference": "order-1",
    "optout_offered_at": "2026-01-10T09:59:00+01:00",
    "optout_offered_how": "a box on the order form",
}


@dataclass
class Desk:
    """The open rooms, a clock, and what a gateway does in them."""

    place: Rooms
    clock: FrozenClock

    async def record(self, *rows: dict[str, object], controller: str = "shop") -> None:
        """Put evidence on record."""
        report = await record(self.place, controller, rows, self.clock.now())
        assert report.rejected == 0

    async def mail(
        self,
        *addresses: str,
        category: str = "newsletter",
        answer: Answer | None = RELAYED,
        submission: int = 77,
        **more: Any,
    ) -> list[int]:
        """Decide on a mail, relay what goes; the ids of the decisions."""
        config, keys = self.place.config, self.place.keys
        of = config.categories[category]
        people = [parse(address) for address in addresses]
        wave = Wave(
            submission=submission,
            login="tool",
            controller=config.controllers[of.controller],
            category=of,
            people=tuple(Person(keys.hash(of.controller, one.comparable), one) for one in people),
            known_categories=known_categories(config, of.controller),
            campaign="spring",
            message_id="<1@shop.example>",
            **more,
        )
        verdicts = await self.place.journal.decide(wave, self.clock.now(), 5)
        decided = [one for one in verdicts if isinstance(one, Decided)]
        kinds = {250: FateKind.RELAYED, 550: FateKind.REFUSED}
        fates = [Fate(one.id, kinds[answer.code], answer) for one in decided if answer and one.relay]
        if fates:
            await self.place.journal.settle(fates, self.clock.now())
        return [one.id for one in decided]

    async def object(self, address: str, controllers: tuple[str, ...] = ("shop",), **said: str) -> None:
        """Record an objection that came by phone."""
        config = self.place.config
        objecting = Objecting(
            self.place.ledger,
            self.place.journal.sent,
            self.place.keys,
            config.controllers,
            config.categories,
            self.clock,
        )
        words = {"scope": "marketing", "via": "phone", "operator": "jo"} | said
        await objecting.object_address(parse(address), controllers, **words)

    async def act(self, address: str, what: str = "noted", controller: str = "shop") -> None:
        """Record an act about a person."""
        person = self.place.keys.hash(controller, parse(address).comparable)
        writer, salt, details = self.place.store.writer, b"s" * 16, {"operator": "jo"}

        def work(connection: sqlite3.Connection) -> None:
            number = writer.ids.next()
            values = (number, micros(self.clock.now()), what, controller, person, digest(salt, details))
            row = writer.chain.linked(acts, values)
            connection.execute(f"INSERT INTO acts VALUES ({', '.join('?' * len(row))})", row)
            connection.execute(
                f"INSERT INTO {act_details.name} VALUES (?, ?, ?)", (number, salt, as_stored(details))
            )

        await writer.run(work, 5)

    async def of(self, address: str = ANNA, *controllers: str) -> Dossier:
        """The dossier."""
        return await dossier(self.place, controllers or ("shop",), parse(address))

    async def document(self, address: str = ANNA, *controllers: str) -> Any:
        """The same as JSON, as a reader of the file has it."""
        made = document(await self.of(address, *controllers), self.place.keys.seed("seal"))
        return json.loads(json.dumps(made))


async def history(desk: Desk) -> None:
    """Anna's: eight mails in five weeks, among other people's."""
    await desk.record(CONSENT, PURCHASE, {**CONSENT, "email": BRAM})
    await desk.record({**CONSENT, "category": "rumours"}, controller="rival")
    for week in range(5):
        desk.clock.move(timedelta(days=7))
        answer = REFUSED if week == 2 else RELAYED
        await desk.mail(BRAM, ANNA, "chris@example.org", submission=100 + week, answer=answer)
    await desk.mail(ANNA, category="rumours", submission=200)
    await desk.mail(ANNA, category="invoice", answer=None, submission=300)  # the smarthost never answered
    await desk.object(ANNA, ("shop", "rival"))
    desk.clock.move(timedelta(minutes=1))
    await desk.mail(ANNA, BRAM, submission=400)
    await desk.mail(ANNA, category="club", channel="sms", submission=401)
    await desk.act(ANNA)


async def at_desk(folder: Path, work: Callable[[Desk], Awaitable[Any]]) -> Any:
    """Do this in a folder of its own, where a gateway serves."""
    config = load(written(folder, 2525, EXTRA), {})
    started_before(config)
    clock = FrozenClock(START)
    async with rooms(config, clock, serving=True) as place:
        return await work(Desk(place, clock))


@dataclass(frozen=True)
class Made:
    """An exported dossier, and the secret that signed it."""

    document: Any
    seal_key: bytes

    def copy(self) -> Any:
        """A document to alter."""
        return copy.deepcopy(self.document)


@pytest.fixture(scope="session")
def anna(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Anna's dossier at the shop."""

    async def work(desk: Desk) -> Made:
        await history(desk)
        return Made(await desk.document(), desk.place.keys.seed("seal"))

    return asyncio.run(at_desk(tmp_path_factory.mktemp("anna"), work))


@pytest.fixture
async def run_at_desk(tmp_path: Path) -> Callable[[Callable[[Desk], Awaitable[Any]]], Awaitable[Any]]:
    """Runs work at a desk in this test's folder."""
    return lambda work: at_desk(tmp_path, work)


def resigned(body: Any, key: bytes) -> Any:
    """The document signed anew, with this key."""
    private = Ed25519PrivateKey.from_private_bytes(key)
    body = {name: value for name, value in body.items() if name != "signature"}
    body["key"] = private.public_key().public_bytes_raw().hex()
    return body | {"signature": private.sign(SIGNED + canonical(body).encode()).hex()}


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("verify_export", VERIFIER)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


verify_export = _load()


def checked(body: Any) -> Any:
    """The verifier, after it went through a document."""
    check = verify_export.Check()
    check.document(
        {name: value for name, value in body.items() if name != "signature"}, body["signature"], None
    )
    return check


def faults(body: Any) -> list[str]:
    """What the verifier finds wrong."""
    return list(checked(body).faults)
