"""What proof costs: a list checked before a campaign, a dossier, and the chains; beside relaying mail."""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from sqlalchemy import Table

from gateway.address import parse
from gateway.config import Config, load
from gateway.dossier import document, dossier
from gateway.envelope import Answer, Fate, FateKind, Kind
from gateway.envelope import Stage as Step
from gateway.grants import known_categories
from gateway.intake import RawRow
from gateway.law.category import Category
from gateway.opening import Rooms, rooms
from gateway.ports import Decided, Person, Wave
from gateway.precheck import Mail, precheck
from gateway.store.chain import Chain
from tests.bench import people
from tests.bench.configuration import configured
from tests.bench.figures import Aim, Part, Sheet, spread
from tests.bench.load import Load
from tests.bench.stage import Stage

RESULTS = Path("build/bench.json")
PEOPLE = 100_000
MAILS = 1000  # of the person whose dossier is made
WAVES = 2000  # of one person each, decided and settled
AT_ONCE = 20  # waves in a round, as with 40 sessions
ROUNDS = 5
TIMEOUT = 30.0  # seconds
QUEUED = Answer(Kind.REPLY, Step.DOT, 250, "2.0.0", "queued")
TIMES_RELAYED = 20.0
TIMES_DECIDED = 100.0
SHARE = 0.05


@dataclass(frozen=True)
class Relaying:
    """What the gateway makes of 10 kB in 40 sessions."""

    rate: float  # copies a second
    cpu_ms: float  # a copy


def measure(stage: Stage) -> Part:
    """All three."""
    relaying = _relaying(stage)
    checked, made, decided, linked, unlinked = asyncio.run(_measured(_configured(stage)))
    cost_ms = statistics.median(linked) - statistics.median(unlinked)
    rows = [
        ("copies relayed a second", f"{relaying.rate:.0f}"),
        ("addresses checked before a campaign, a second", spread(checked)),
        ("one decision, committed, ms", spread([one * 1e3 for one in decided], ".2f")),
        (f"dossier of a person with {MAILS:,} mails, ms", spread([one * 1e3 for one in made], ".1f")),
        ("CPU of a copy in the gateway, ms", f"{relaying.cpu_ms:.3f}"),
        ("CPU of a copy in the store, chained and sealed, ms", spread(linked, ".3f")),
        ("CPU of a copy in the store, without, ms", spread(unlinked, ".3f")),
    ]
    precheck_ratio = statistics.median(checked) / relaying.rate
    dossier_ratio = statistics.median(made) / statistics.median(decided)
    return Part(
        [Sheet("proof beside relaying, in process", ("what", "figure"), rows)],
        [
            Aim("times relaying, precheck", precheck_ratio, TIMES_RELAYED, at_least=True),
            Aim("dossier / one decision", dossier_ratio, TIMES_DECIDED, at_least=False, unit="times"),
            Aim("share of a copy's CPU, chains and seals", cost_ms / relaying.cpu_ms, SHARE, at_least=False),
        ],
    )


def _relaying(stage: Stage) -> Relaying:
    """As the relay part found it; measured where it has not been."""
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for sheet in found.get("relay", {}).get("sheets", [])[:1]:
        for name, rate, cpu_ms, *_ in sheet["rows"]:
            if name == "sendright":
                return Relaying(float(rate.split()[0]), float(cpu_ms))
    ours, _ = stage.gateway
    runs = stage.compare([ours], Load(1))[ours.name]
    return Relaying(
        statistics.median(run.rate for run in runs), statistics.median(run.cpu_ms for run in runs)
    )


def _configured(stage: Stage) -> Config:
    folder = stage.folder / "proof"
    folder.mkdir()
    store = people.copied(PEOPLE, folder)
    return load(configured(folder, store, people.keys_path(), people.dkim_key()), {})


async def _measured(config: Config) -> tuple[list[float], ...]:
    async with rooms(config, serving=True) as place:
        category = place.config.categories["newsletter"]
        checked = [await _checked(place, category) for _ in range(ROUNDS)]
        numbers = itertools.count(1)
        decided = [await _decided(place, category, [next(numbers)]) for _ in range(MAILS)]
        await _mailed(place, category)
        made = [await _made(place) for _ in range(ROUNDS)]
        linked, unlinked = [], []
        for _ in range(ROUNDS):
            linked.append(await _cpu_ms(place, category, numbers))
            with patch.object(Chain, "linked", _unlinked):
                unlinked.append(await _cpu_ms(place, category, numbers))
        return checked, made, decided, linked, unlinked


async def _checked(place: Rooms, category: Category) -> float:
    """Addresses a second, of everybody on record."""
    mail = Mail(
        place.config.controllers[category.controller],
        category,
        "email",
        known_categories(place.config, category.controller),
    )
    rows = (RawRow(number + 1, {"email": people.name_of(number)}) for number in range(PEOPLE))
    started = time.perf_counter()
    async for one in precheck(place.ledger, place.keys, mail, rows, place.clock.now()):
        assert one.decision is not None, one
    return PEOPLE / (time.perf_counter() - started)


async def _decided(place: Rooms, category: Category, numbers: Sequence[int]) -> float:
    """Seconds until a decision on each of these people is on record, all asked at once."""
    waves = [_wave(place, category, number) for number in numbers]
    started = time.perf_counter()
    await asyncio.gather(*(place.journal.decide(wave, place.clock.now(), TIMEOUT) for wave in waves))
    return time.perf_counter() - started


async def _mailed(place: Rooms, category: Category) -> None:
    """The first person gets their mails."""
    for _ in range(MAILS // AT_ONCE):
        await _round(place, [_wave(place, category, 0) for _ in range(AT_ONCE)])


async def _made(place: Rooms) -> float:
    """Seconds for the first person's dossier, as a document that can be checked."""
    started = time.perf_counter()
    made = await dossier(place, [people.CONTROLLER], parse(people.name_of(0)))
    document(made, place.keys.seed("seal"))
    seconds = time.perf_counter() - started
    assert made.sections[0].mail.relayed == MAILS, made.sections[0].mail
    return seconds


async def _cpu_ms(place: Rooms, category: Category, numbers: Iterator[int]) -> float:
    """Processor milliseconds of the store for a copy: decided, and its fate recorded."""
    rounds = [
        [_wave(place, category, next(numbers)) for _ in range(AT_ONCE)] for _ in range(WAVES // AT_ONCE)
    ]
    started = time.process_time()
    for waves in rounds:
        await _round(place, waves)
    return (time.process_time() - started) / WAVES * 1e3


async def _round(place: Rooms, waves: Sequence[Wave]) -> None:
    now = place.clock.now()
    verdicts = await asyncio.gather(*(place.journal.decide(wave, now, TIMEOUT) for wave in waves))
    decided = [one for each in verdicts for one in each]
    fates = [Fate(one.id, FateKind.RELAYED, QUEUED) for one in decided if isinstance(one, Decided)]
    await place.journal.settle(fates, now)


def _wave(place: Rooms, category: Category, number: int) -> Wave:
    mailbox = parse(people.name_of(number))
    return Wave(
        submission=place.store.ids.next(),
        login="bench",
        controller=place.config.controllers[category.controller],
        category=category,
        people=(Person(place.keys.hash(category.controller, mailbox.comparable), mailbox),),
        known_categories=known_categories(place.config, category.controller),
        message_id="<1@shop.example>",
        campaign="spring",
    )


def _unlinked(chain: Chain, _stream: Table, values: tuple[object, ...]) -> tuple[object, ...]:
    """A row that is no link of any chain, so that none is sealed either."""
    return (*values, chain.writer, 0, b"")
