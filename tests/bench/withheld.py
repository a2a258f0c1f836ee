"""The withheld log on a journal of five million decisions: its first page, its hundredth and its last.

Whatever is asked for, and however rare it is, a page is to cost little more than the first one there is.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway import keys as keys_file
from gateway.address import parse
from gateway.config import load
from gateway.keys import Keys
from gateway.opening import Rooms, SystemClock, rooms
from gateway.oversight import NEWEST
from gateway.ports import Filters, Person, Wave
from gateway.store.writer import PATIENCE
from tests.bench import growth, people
from tests.bench.configuration import configured
from tests.bench.figures import Aim, Part, Sheet
from tests.bench.stage import Stage

ROWS = int(os.environ.get("BENCH_WITHHELD", "5000000"))
PAGE = 50  # entries, as the page has it
TIMES = 15  # that each page is asked for
SAME, MOST = 1.5, 3.0  # times the page it is held against
DAY = timedelta(days=1)
SOMEBODY = "somebody@example.org"

_H = "((i * 2654435761 >> 8) % 100000)"  # a number that looks random, the same for the same row
_G = "((i * 40503 >> 3) % 1000)"  # and another
_WITHHELD = f"{_H} < 30000"
_REASON = (
    f"CASE WHEN {_H} < 3 THEN 'do-not-call' WHEN {_H} < 300 THEN 'undeliverable'"
    f" WHEN {_H} < 3000 THEN 'objected' WHEN {_H} < 6000 THEN 'consent-unproven'"
    f" WHEN {_H} < 12000 THEN 'not-a-customer' ELSE 'unknown-person' END"
)
_CATEGORY = f"CASE WHEN {_G} % 10 = 9 THEN 'club' WHEN {_G} % 10 > 6 THEN 'offers' ELSE 'newsletter' END"
OWN = {
    "decisions": {
        **growth.OWN["decisions"],
        "controller": f"CASE WHEN {_G} % 20 = 0 THEN 'other' ELSE 'shop' END",
        "login": f"CASE WHEN i < 2000 THEN 'old' WHEN {_G} % 50 = 1 THEN 'crm' ELSE 'tool' END",
        "category": _CATEGORY,
        "decision": f"CASE WHEN {_WITHHELD} THEN 'withhold' ELSE 'send' END",
        "ground": f"CASE WHEN {_WITHHELD} THEN NULL ELSE 'consent' END",
        "reason": f"CASE WHEN {_WITHHELD} THEN {_REASON} END",
        "person": "CASE WHEN i % 20000 = 17 THEN :person ELSE randomblob(16) END",
    },
    "decision_details": {
        **growth.OWN["decision_details"],
        "campaign": f"CASE WHEN i BETWEEN 2500000 AND 2500200 THEN 'pilot' WHEN {_G} % 100 = 3 THEN 'welcome'"
        f" WHEN {_G} % 10 = 1 THEN '' ELSE 'week ' || (i / 40000) END",
    },
}


def measure(_: Stage) -> Part:
    """Every combination of filters."""
    return asyncio.run(_measured(journal(ROWS)))


def journal(rows: int) -> Path:
    """A database with so many decisions; made where there is none yet."""
    path = people.CACHE / f"withheld-{people.shape()}-{rows}.db"
    if not path.exists():
        draft = path.with_suffix(".draft")
        shutil.copyfile(people.store(growth.PEOPLE[0]), draft)
        keys = keys_file.load(people.keys_path())
        asyncio.run(_one_decision(draft, keys))
        somebody = keys.hash(people.CONTROLLER, SOMEBODY)
        growth.multiply(draft, rows, OWN, {"person": somebody})
        growth.count(draft, keys.campaign_mark)
        draft.rename(path)
    return path


async def _one_decision(path: Path, keys: Keys) -> None:
    """What all others are made from, as the product writes it."""
    async with _opened(path) as opened:
        mailbox = parse(SOMEBODY)
        controller = opened.config.controllers[people.CONTROLLER]
        person = Person(keys.hash(controller.id, mailbox.comparable), mailbox)
        category = opened.config.categories["newsletter"]
        wave = Wave(1, "tool", controller, category, (person,), message_id="<1@shop.example>")
        await opened.journal.decide(wave, opened.clock.now(), PATIENCE)


def _opened(path: Path):  # type: ignore[no-untyped-def]  # as opening.rooms
    folder = path.parent / "withheld"
    config = configured(folder, path, people.keys_path(), people.dkim_key())
    return rooms(load(config, {}), SystemClock())


def asked(keys: Keys) -> Mapping[str, Filters]:
    """What is asked for, from nothing to the rarest."""
    until = datetime(2026, 6, 1, tzinfo=UTC)
    plain = Filters(withheld=True)

    def campaign(name: str, **more: object) -> Filters:
        return replace(plain, campaign=name, campaign_mark=keys.campaign_mark(name), **more)  # type: ignore[arg-type]

    return {
        "nothing": plain,
        "reason unknown-person (18 %)": replace(plain, reason="unknown-person"),
        "reason objected (2.7 %)": replace(plain, reason="objected"),
        "reason do-not-call (0.003 %)": replace(plain, reason="do-not-call"),
        "login crm (2 %)": replace(plain, login="crm"),
        "login old (its last mail 22 months ago)": replace(plain, login="old"),
        "category club": replace(plain, category="club"),
        "controller other, reason undeliverable": replace(plain, controller="other", reason="undeliverable"),
        "login crm, category offers, reason objected": replace(
            plain, login="crm", category="offers", reason="objected"
        ),
        "a day": replace(plain, since=until - DAY, until=until),
        "up to five months ago": replace(plain, until=until),
        "a day, reason objected": replace(plain, since=until - DAY, until=until, reason="objected"),
        "campaign of a week": campaign("week 60"),
        "campaign that goes on (1 %)": campaign("welcome"),
        "campaign of an hour": campaign("pilot"),
        "campaign of a week, reason objected": campaign("week 60", reason="objected"),
        "address": replace(plain, people=((people.CONTROLLER, keys.hash(people.CONTROLLER, SOMEBODY)),)),
        "a reason there is none of": replace(plain, reason="consent-expired"),
    }


async def _measured(path: Path) -> Part:
    keys = keys_file.load(people.keys_path())
    rows = []
    async with _opened(path) as opened:
        taken = {}
        for name, filters in asked(keys).items():
            places = await _places(opened, filters)
            taken[name] = {place: await _milliseconds(opened, filters, at) for place, at in places.items()}
            shown = [f"{taken[name][place]:.1f}" if place in places else "" for place in PLACES]
            rows.append((name, *shown))
    first, hundredth, _ = PLACES
    plain = taken["nothing"][first]
    further = [places[hundredth] / places[first] for places in taken.values() if hundredth in places]
    title = f"the withheld log on {ROWS:,} decisions, milliseconds for a page of {PAGE}, the least of {TIMES}"
    return Part(
        [Sheet(title, ("asked for", *PLACES), rows)],
        [
            Aim("withheld log, 100th page / first of the same filters", max(further), SAME, at_least=False),
            Aim(
                "withheld log, dearest page / the first without filters",
                max(took / plain for places in taken.values() for took in places.values()),
                MOST,
                at_least=False,
            ),
        ],
    )


PLACES = ("first page", "100th page", "last page")


async def _places(opened: Rooms, filters: Filters) -> dict[str, int]:
    """Before which id each of these pages begins, as far as there are so many."""
    found, before = {PLACES[0]: NEWEST}, NEWEST
    for _ in range(99):
        page = await opened.withheld.page(filters, before, PAGE)
        if page.next is None:
            return found | {PLACES[2]: before}
        before = page.next
    return found | {PLACES[1]: before, PLACES[2]: await _last(opened, filters)}


async def _last(opened: Rooms, filters: Filters) -> int:
    """The highest id before which there is one page and no more."""
    low, high = 0, NEWEST
    while high - low > 1 << 22:  # a millisecond
        middle = (low + high) // 2
        if (await opened.withheld.page(filters, middle, PAGE)).next is None:
            low = middle
        else:
            high = middle
    return low


async def _milliseconds(opened: Rooms, filters: Filters, before: int) -> float:
    took = []
    for _ in range(TIMES):
        started = time.perf_counter()
        await opened.withheld.page(filters, before, PAGE)
        took.append((time.perf_counter() - started) * 1000)
    return min(took)  # what it takes, whoever else wants the machine
