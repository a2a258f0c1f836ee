"""The withheld log: against a plain reading of the whole journal, and what its pages take."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.keys import Keys
from gateway.oversight import NEWEST, WithheldEntry
from gateway.ports import Decided, Filters, Person
from gateway.store import withheld
from gateway.store.log import Log
from gateway.store.opening import Store, opened
from tests.store.given import (
    INVOICE,
    KEYS_CHECK,
    NEWS,
    PATIENCE,
    SEAL_KEY,
    SHOP,
    START,
    Open,
    SetClock,
    consent,
    objection,
    person,
    row,
    wave,
)
from tests.store.statements import statements

KEYS = Keys(b"k" * 32, {1: b"t" * 64})
RIVAL = replace(SHOP, id="rival")
NAMES = [f"p{number}" for number in range(12)]
CAMPAIGNS = ["", "spring", "autumn", "=1+1"]
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Row:
    """One decision as it was asked for and told."""

    id: int
    at: datetime
    controller: str
    login: str
    category: str | None
    campaign: str
    who: Person
    reason: str
    relaxed: bool


async def mailed(store: Store, clock: SetClock, chance: random.Random, waves: int) -> list[Row]:
    """So many waves at random: what was withheld, in order. The clock is set back now and then."""
    rows: list[Row] = []
    for number in range(waves):
        clock.forward(minutes=chance.choice([0, 1, 7, 60, 600]))
        if chance.random() < 0.05:
            clock.forward(hours=-chance.choice([1, 20]))
        controller = chance.choice([SHOP, SHOP, RIVAL])
        category = chance.choice([replace(NEWS, controller=controller.id), NEWS, INVOICE, None])
        campaign = chance.choice(CAMPAIGNS)
        people = [person(name, controller.id) for name in chance.sample(NAMES, chance.randrange(1, 6))]
        asked = wave(
            *people,
            submission=number,
            message="",
            login=chance.choice(["tool", "shop"]),
            controller=controller,
            category=category,
            campaign=campaign,
            campaign_mark=KEYS.campaign_mark(campaign),
            report=chance.random() < 0.3,
        )
        for who, verdict in zip(
            people, await store.journal.decide(asked, clock.now(), PATIENCE), strict=True
        ):
            assert isinstance(verdict, Decided)
            if hasattr(verdict.decision, "reason"):
                rows.append(
                    Row(
                        verdict.id,
                        clock.now(),
                        controller.id,
                        asked.login,
                        category.id if category else None,
                        campaign,
                        who,
                        verdict.decision.reason.value,
                        verdict.relay,
                    )
                )
    return rows


async def known(store: Store) -> None:
    """Some consented, some objected, most are unknown."""
    for controller in ("shop", "rival"):
        people = [person(name, controller) for name in NAMES]
        facts = [consent(START), objection(START), consent(START, proven=False)]
        await store.ledger.append(
            [row(fact, who, controller=controller) for who, fact in zip(people, facts, strict=False)]
        )


@dataclass
class Told:
    """A store with a journal, and what was withheld in it."""

    store: Store
    rows: list[Row]
    chance: random.Random


@pytest.fixture(scope="session")
def weeks(tmp_path_factory: pytest.TempPathFactory, template: bytes) -> tuple[bytes, list[Row], datetime]:
    """The file of a store with a few weeks of mail at random, what was withheld, and the time then."""
    path = tmp_path_factory.mktemp("weeks") / "store.db"
    path.write_bytes(template)
    clock = SetClock()

    async def fill() -> list[Row]:
        url = f"sqlite+aiosqlite:///{path}"
        async with opened(url, KEYS_CHECK, SEAL_KEY, clock.now, serving=True) as store:
            await known(store)
            return await mailed(store, clock, random.Random(6), 300)

    rows = asyncio.run(fill())
    return path.read_bytes(), rows, clock.at


@pytest.fixture
def used(weeks: tuple[bytes, list[Row], datetime], path: Path, clock: SetClock) -> list[Row]:
    """This test's store has had these weeks; what was withheld."""
    octets, rows, clock.at = weeks
    path.write_bytes(octets)
    return rows


@pytest.fixture
async def told(used: list[Row], open_store: Open) -> AsyncIterator[Told]:
    """A store with these weeks."""
    async with open_store(serving=True) as store:
        yield Told(store, used, random.Random(8))


def plainly(rows: list[Row], filters: Filters) -> list[int]:
    """The ids that pass, newest first, by looking at every row."""
    return sorted(
        (
            one.id
            for one in rows
            if filters.reason in (None, one.reason)
            and filters.category in (None, one.category)
            and filters.campaign in (None, one.campaign)
            and filters.login in (None, one.login)
            and filters.controller in (None, one.controller)
            and (filters.since is None or filters.since <= one.at)
            and (filters.until is None or one.at < filters.until)
            and (filters.people is None or (one.controller, one.who.hash) in filters.people)
        ),
        reverse=True,
    )


def chosen(rows: list[Row], chance: random.Random) -> Filters:
    """Any combination of filters, about one row or about nothing."""
    one = chance.choice(rows)
    campaign = one.campaign or None
    whose = [(controller, person(one_name(one), controller).hash) for controller in ("shop", "rival")]
    asked = {
        "reason": one.reason,
        "category": one.category or "gone",
        "campaign": campaign,
        "login": one.login,
        "controller": one.controller,
        "since": one.at - chance.choice([0, 1, 30]) * HOUR,
        "until": one.at.replace(minute=0) + chance.choice([0, 0.5, 1, 40]) * HOUR,
        "people": tuple(whose),
    }
    some = {name: value for name, value in asked.items() if chance.random() < 0.35}
    mark = KEYS.campaign_mark(some.get("campaign") or "")
    return Filters(**some, campaign_mark=mark)  # type: ignore[arg-type]


def one_name(one: Row) -> str:
    return one.who.mailbox.wire.partition("@")[0]


async def pages(store: Store, filters: Filters, most: int) -> list[list[WithheldEntry]]:
    """Every page, the newest first."""
    found, before = [], NEWEST
    while True:
        page = await store.withheld.page(filters, before, most)
        found.append(list(page.entries))
        if page.next is None:
            return found
        assert page.next < before
        before = page.next


def ids(found: list[list[WithheldEntry]]) -> list[int]:
    return [entry.id for page in found for entry in page]


@pytest.mark.parametrize(
    ("most", "looked", "ranges"), [(1000, 1000, (300,)), (7, 5, (40, 60)), (3, 1, (80,))]
)
async def test_any_filters_find_what_a_plain_reading_finds(
    told: Told, monkeypatch: pytest.MonkeyPatch, most: int, looked: int, ranges: tuple[int, ...]
) -> None:
    """Every combination, whatever the size of pages and reads: the same mails, each once, newest first."""
    monkeypatch.setattr(withheld, "LOOKED", looked)
    monkeypatch.setattr(withheld, "RANGES", ranges)
    monkeypatch.setattr(withheld, "DAYS", most)
    found = 0
    for _ in range(150 if most > 3 else 30):
        filters = chosen(told.rows, told.chance)
        expected = plainly(told.rows, filters)
        got = ids(await pages(told.store, filters, most))
        if filters.people is not None:  # day by day, in which a clock set back may tell
            got.sort(reverse=True)
        assert got == expected, filters
        found += bool(expected)
    assert found > 10


async def test_an_entry_says_what_the_log_says(told: Told) -> None:
    """The fields of contract section 2, and whether report mode relayed it."""
    log = {
        (entry.time, entry.ref, entry.address): entry
        async for entry in Log(told.store.withheld._reader).entries(Filters(withheld=True))
    }
    found = [entry async for entry in told.store.withheld.entries(Filters())]
    assert [one.entry for one in found] == [
        log[one.entry.time, one.entry.ref, one.entry.address] for one in found
    ]
    relaxed = {one.id: one.relaxed for one in told.rows}
    assert {one.id: one.relaxed for one in found} == relaxed
    assert len(set(relaxed.values())) == 2


async def test_pages_stand_still_while_mail_is_withheld(told: Told, clock: SetClock) -> None:
    """Whoever reads on from a page gets what came before it, each once, whatever was added meanwhile."""
    expected = plainly(told.rows, Filters())
    page = await told.store.withheld.page(Filters(), NEWEST, 10)
    found = [one.id for one in page.entries]
    while page.next is not None:
        clock.forward(days=2)
        added = await mailed(told.store, clock, told.chance, 1)
        page = await told.store.withheld.page(Filters(), page.next, 50)
        found += [one.id for one in page.entries]
        assert not {one.id for one in added} & set(found)
    assert found == expected


async def test_the_sorts_are_those_there_are(told: Told) -> None:
    """Each controller, login, category and reason of which there is any, in order."""
    sorts = await told.store.withheld.sorts()
    assert {(one.controller, one.login, one.category, one.reason) for one in sorts} == {
        (one.controller, one.login, one.category, one.reason) for one in told.rows
    }
    assert len(sorts) == len(set(sorts)) > 10


async def test_nothing_withheld(store: Store) -> None:
    """An empty store has no sorts, and one empty page whatever is asked for."""
    assert await store.withheld.sorts() == []
    for filters in (
        Filters(),
        Filters(campaign="x"),
        Filters(people=(("shop", b"x" * 16),)),
        Filters(until=START),
    ):
        assert await pages(store, filters, 10) == [[]]


ASKED = [
    {},
    {"reason": "unknown-person"},
    {"reason": "objected"},
    {"login": "tool", "category": "news"},
    {"controller": "rival"},
    {"since": START + 48 * HOUR, "until": START + 240 * HOUR},
    {"campaign": "spring", "campaign_mark": KEYS.campaign_mark("spring")},
    {"campaign": "spring", "campaign_mark": KEYS.campaign_mark("spring"), "until": START + 240 * HOUR},
    {"people": (("shop", person("p5").hash), ("rival", person("p5", "rival").hash))},
]


# What may stand in a plan: look-ups by a whole key, or of ranges of one person's or one sort's rows.
LOOK_UPS = (
    r"\w+ USING INTEGER PRIMARY KEY \(rowid=\?\)( LEFT-JOIN)?",
    r"decisions USING (COVERING )?INDEX decisions_withheld \(.*",
    r"decisions USING (COVERING )?INDEX decisions_person \(controller=\? AND day=\? AND person=\?.*",
    r"tallies USING PRIMARY KEY \(controller=\? AND hour>\? AND hour<\?\)",
    r"tallies USING INDEX tallies_ahead \(hour<\?\)",
    r"tallies USING INDEX tallies_campaign \(campaign=\? AND hour>\? AND hour<\?\)",
    r"ledger USING INDEX ledger_person \(controller=\? AND person=\?.*",
)
# What is walked is what SQLite itself holds: lists that are given to it, and rows it has found.
HELD = r"SCAN (sort|found|(ranges|anon_\d) VIRTUAL TABLE .*|\(subquery-\d\)|CONSTANT ROW)"


@pytest.mark.parametrize("asked", ASKED)
async def test_no_statement_walks_a_table(told: Told, path: Path, asked: dict[str, object]) -> None:
    """EXPLAIN QUERY PLAN of every statement of a page, of the next, and of one mail.

    What is read of a table is found by an index; nothing is sorted but the mails of one person.
    """
    with statements(told.store) as run:
        page = await told.store.withheld.page(Filters(**asked), NEWEST, 2)  # type: ignore[arg-type]
        if page.next:
            await told.store.withheld.page(Filters(**asked), page.next, 2)  # type: ignore[arg-type]
        for one in page.entries:
            await told.store.withheld.one(one.id)
    edges = [text for text in run.plans(path) if re.match(r"SELECT (min|max)\(decisions.day\)", text)]
    for text, plan in run.plans(path).items():
        for step in plan:
            if text in edges:
                assert step == "SEARCH decisions USING COVERING INDEX decisions_person (controller=?)"
            elif step.startswith("SEARCH"):
                assert any(re.fullmatch(f"SEARCH ({way}|it USING .*)", step) for way in LOOK_UPS), (
                    text,
                    plan,
                )
            else:
                assert re.fullmatch(HELD, step) or not step.startswith("SCAN"), (text, plan)
                assert "people" in asked or "TEMP B-TREE" not in step
    assert len(run.run) > 1


@pytest.mark.parametrize("asked", ASKED[:5])
async def test_page_after_page_at_the_same_cost(told: Told, path: Path, asked: dict[str, object]) -> None:
    """Counted in instructions of SQLite's machine: the 200th page takes what the first takes."""
    filters = Filters(**asked)  # type: ignore[arg-type]
    costs: list[int] = []
    before: int | None = NEWEST
    while before is not None:
        with statements(told.store) as run:
            page = await told.store.withheld.page(filters, before, 1)
        costs.append(run.cost(path))
        before = page.next
    assert len(costs) > 30
    assert max(costs) <= min(costs) * 1.5, costs
    assert asked or len(costs) > 200


async def test_where_little_is_found_a_page_ends_early(
    store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A campaign's first and last mail in an hour that was another's: page after page says where to go on."""
    monkeypatch.setattr(withheld, "READS", 1)
    expected = []
    for number in range(30):
        name = "autumn" if 0 < number < 29 else "spring"
        mark = KEYS.campaign_mark(name)
        asked = wave(submission=number, message="", campaign=name, campaign_mark=mark)
        (decided,) = await store.journal.decide(asked, clock.forward(seconds=1), PATIENCE)
        expected += [decided.id] if name == "spring" and isinstance(decided, Decided) else []
    found = await pages(store, Filters(campaign="spring", campaign_mark=KEYS.campaign_mark("spring")), 4)
    assert ids(found) == expected[::-1]
    assert len(found) > 3
    assert [] in found[:-1]


@pytest.mark.parametrize("ranges", [(2,), (150,)])
async def test_a_clock_set_back_hides_nothing(
    store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch, ranges: tuple[int, ...]
) -> None:
    """What was decided on after that has ids ahead of its time: it is found by its time, in its place."""
    monkeypatch.setattr(withheld, "RANGES", ranges)
    spring = {"campaign": "spring", "campaign_mark": KEYS.campaign_mark("spring")}
    made = []
    for hours in (0, 1, 1, 1, -23, 1):  # from one mail to the next
        clock.forward(hours=hours)
        asked = wave(submission=len(made), message="", **spring)
        (decided,) = await store.journal.decide(asked, clock.now(), PATIENCE)
        assert isinstance(decided, Decided)
        made.append(decided.id)
    earlier = Filters(until=START - 10 * HOUR)
    assert ids(await pages(store, earlier, 1)) == made[:3:-1]
    assert ids(await pages(store, Filters(**spring), 1)) == made[::-1]  # type: ignore[arg-type]
    both = replace(earlier, **spring)  # type: ignore[arg-type]
    assert ids(await pages(store, both, 1)) == made[:3:-1]


async def test_two_clocks_show_no_mail_twice(url: str, open_store: Open, clock: SetClock) -> None:
    """Of two processes one has its clock set back: their hours share ids, and each mail is found once."""
    spring = {"campaign": "spring", "campaign_mark": KEYS.campaign_mark("spring")}
    other = SetClock(START + timedelta(minutes=1))
    made = []
    async with open_store() as first, opened(url, KEYS_CHECK, SEAL_KEY, other.now) as second:
        for number in range(10):
            for store, its in ((first, clock), (second, other)):
                at = START + (number - 40 * (store is second)) * HOUR / 2
                asked = wave(submission=len(made), message="", **spring)
                (decided,) = await store.journal.decide(asked, at, PATIENCE)
                assert isinstance(decided, Decided)
                made.append(decided.id)
                its.forward(minutes=30)
        found = ids(await pages(first, Filters(**spring), 2))
    assert found == sorted(made, reverse=True)
