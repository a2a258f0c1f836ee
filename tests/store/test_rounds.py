"""One round deals with many works at once, and each comes out as if it had come alone."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ids import Ids
from gateway.law.decision import Send
from gateway.ports import Busy, Decided, Settled
from gateway.store import claims, evidence
from gateway.store.compiling import Inserting, Matching
from gateway.store.opening import Store
from gateway.store.tables import fates
from tests.store.given import PATIENCE, START, Gate, SetClock, consent, fate, objection, person, row, wave


async def in_one_round(store: Store, *works: Callable[[], Awaitable[object]]) -> list[object]:
    """What comes of works that wait together, in this order, while the writer is held."""
    gate = Gate(asyncio.get_running_loop())
    held = asyncio.create_task(store.writer.run(gate, PATIENCE))
    await gate.entered()
    waiting = []
    for work in works:
        waiting.append(asyncio.ensure_future(work()))
        await asyncio.sleep(0)
    await asyncio.sleep(0)  # the turn of the loop ends, and what the last asked for reaches the writer
    gate.let_go()
    await held
    return await asyncio.gather(*waiting)


async def test_the_same_message_twice_in_a_round_is_relayed_once(store: Store, clock: SetClock) -> None:
    """Of two submissions of a message decided in one round, the second meets the claim of the first (I5)."""
    await store.ledger.append([row(consent())])
    first, second = await in_one_round(
        store,
        lambda: store.journal.decide(wave(submission=1), clock.now(), PATIENCE),
        lambda: store.journal.decide(wave(submission=2), clock.now(), PATIENCE),
    )
    assert isinstance(first, list)
    assert isinstance(first[0], Decided)
    assert first[0].relay
    assert second == [Busy()]


@pytest.mark.parametrize("objection_first", [True, False])
async def test_an_objection_binds_every_wave_of_its_round(
    store: Store, clock: SetClock, objection_first: bool
) -> None:
    """An objection committed in one transaction with a wave withholds it, whichever was asked for first."""
    await store.ledger.append([row(consent())])
    later = clock.forward(minutes=1)
    works: list[Callable[[], Awaitable[object]]] = [
        lambda: store.ledger.append([row(objection(later))]),
        lambda: store.journal.decide(wave(), clock.now(), PATIENCE),
    ]
    done = await in_one_round(store, *(works if objection_first else reversed(works)))
    verdicts = done[1] if objection_first else done[0]
    assert isinstance(verdicts, list)
    assert not verdicts[0].relay


async def test_what_has_ended_is_ended_before_the_next_wave_of_its_round(
    store: Store, clock: SetClock
) -> None:
    """A fate and a client's silence that wait beside a retry are on record before that is decided (I5)."""
    await store.ledger.append([row(consent())])
    ((sent,),) = [await store.journal.decide(wave(submission=1), clock.now(), PATIENCE)]
    assert isinstance(sent, Decided)

    async def left() -> None:
        store.journal.leave(1)

    retry, *_ = await in_one_round(
        store,
        lambda: store.journal.decide(wave(submission=2), clock.now(), PATIENCE),
        lambda: store.journal.settle([fate(sent.id)], clock.now()),
        left,
    )
    assert isinstance(retry, list)
    assert isinstance(retry[0], Settled)


async def test_a_crowd_of_one_round_is_decided_each_on_their_own(store: Store, clock: SetClock) -> None:
    """Seventy waves of one round, of people with and without consent, each get their own decision."""
    crowd = [person(f"p{number}") for number in range(70)]
    await store.ledger.append([row(consent(), who) for who in crowd[::2]])

    def asking(number: int) -> Callable[[], Awaitable[object]]:
        asked = wave(crowd[number], submission=number + 1, message=f"m{number}")
        return lambda: store.journal.decide(asked, clock.now(), PATIENCE)

    done = await in_one_round(store, *(asking(number) for number in range(70)))
    sent = [isinstance(verdicts, list) and isinstance(verdicts[0].decision, Send) for verdicts in done]
    assert sent == [number % 2 == 0 for number in range(70)]


@given(st.integers(0, 100))
def test_any_number_of_rows_is_inserted_and_found(number: int) -> None:
    """However many rows one call is given, all are inserted once, and any keys find just theirs."""
    inserting = Inserting(fates)
    matching = Matching(
        (fates.c.decision,),
        lambda wanted: fates.select().join(wanted, wanted.c.decision == fates.c.decision),
    )
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE fates ({', '.join(fates.columns.keys())})")
    width = len(fates.columns)
    rows = [(it, *(f"{it}.{place}" for place in range(1, width))) for it in range(number)]
    inserting(connection, rows)
    assert connection.execute("SELECT * FROM fates ORDER BY decision").fetchall() == rows
    assert sorted(matching(connection, [(it,) for it in range(0, number, 3)])) == rows[::3]
    connection.close()


def test_what_a_round_reads_it_finds_by_index(path: Path) -> None:
    """Evidence and claims are looked up by key, however large the tables are: no query plan scans one."""
    connection = sqlite3.connect(path)
    plans: list[str] = []
    for matching, keys in (
        (evidence._READ, [("shop", b"p")] * 3),
        (claims._READ, [(b"f", b"p")] * 3),
        (claims._RELEASE, [(b"f", b"p", 1)] * 3),
        (claims._LEAVE, [(b"f", b"p", 1)] * 3),
    ):
        for size in (1, 2):
            text = matching._text(size)
            flat = [part for key in keys[:size] for part in key]
            plans += [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {text}", flat)]
    connection.close()
    assert any("SEARCH ledger USING INDEX" in plan for plan in plans)
    assert any("SEARCH claims USING PRIMARY KEY" in plan for plan in plans)
    assert [
        plan for plan in plans if plan.startswith("SCAN") and "wanted" not in plan and "CONSTANT" not in plan
    ] == []


def test_ids_given_in_a_round_rise_with_the_order_of_decision() -> None:
    """The ids of one writer only rise, so that the order of decisions can be read from them."""
    ids = Ids(1, lambda: START)
    made = [ids.next() for _ in range(3000)]
    assert made == sorted(set(made))
