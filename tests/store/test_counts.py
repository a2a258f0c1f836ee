"""Counts over time: what counting the journal and the ledger gives, and read from neither."""

from __future__ import annotations

import statistics
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from sqlite3 import connect

import pytest

from gateway.oversight import Count, Span
from gateway.store import counts
from gateway.store.opening import Store
from gateway.store.spelling import hour, micros
from gateway.store.writer import PATIENCE
from tests.store.given import START, SetClock, consent, objection, person, row, wave
from tests.store.statements import statements

FIRST = hour(micros(START))


@pytest.mark.parametrize("month", [5, 744])
async def test_decisions_are_counted_as_the_journal_holds_them(
    store: Store, clock: SetClock, path: Path, monkeypatch: pytest.MonkeyPatch, month: int
) -> None:
    """By part, outcome and report mode, of the controllers asked for alone, however many reads it takes."""
    monkeypatch.setattr(counts, "MONTH", month)
    kim, noa, rival = person(), person("noa"), person("noa", "rival")
    await store.ledger.append([row(consent(START - timedelta(days=1)), kim)])
    for number in range(40):
        await store.journal.decide(wave(kim, noa, submission=number, message=""), clock.now(), PATIENCE)
        await store.journal.decide(
            wave(noa, submission=number, message="", report=True, campaign_mark=b"12345678"),
            clock.now(),
            PATIENCE,
        )
        clock.forward(minutes=35)
    span = Span(FIRST + 2, 3, 4)
    with closing(connect(path)) as database:
        expected = database.execute(
            "SELECT (decided_at / 3600000000 - ?) / 3 AS part, decision, coalesce(ground, reason), relaxed,"
            " count(*) FROM decisions WHERE part BETWEEN 0 AND 3 AND decided_at / 3600000000 >= ?"
            " GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
            (span.first, span.first),
        ).fetchall()
    found = await store.counts.decisions(["shop"], span)
    assert found == [Count(*one[:3], bool(one[3]), one[4]) for one in expected]
    assert {one.part for one in found} == {0, 1, 2, 3}
    assert len(found) == 12
    assert await store.counts.decisions([rival.mailbox.domain], span) == []


async def test_refusals_and_how_long_they_took(store: Store, clock: SetClock) -> None:
    """Each in the part it was recorded in; the median and the longest of the times of those said live."""
    day = 24 * 60
    waits = [0, day, 3, day + 1, 7]  # minutes
    for number, minutes in enumerate(waits):
        made = clock.now() - timedelta(minutes=minutes)
        refusal = row(replace(objection(made), recorded_at=clock.now()), person(f"p{number}"))
        await store.ledger.append([row(consent(made), person(f"c{number}")), refusal])
        clock.forward(hours=1)
    found = await store.counts.refusals(["shop"], Span(FIRST, 2, 2))
    assert list(found.parts) == [2, 2]
    assert (found.timed, found.later) == (3, 1)
    assert found.longest == timedelta(minutes=day)
    assert found.median == timedelta(minutes=statistics.median([0, day, 3]))


async def test_nothing_yet(store: Store) -> None:
    """No decisions, no refusals, and no time to tell."""
    assert await store.counts.decisions(["shop"], Span(FIRST, 1, 24)) == []
    found = await store.counts.refusals(["shop"], Span(FIRST, 1, 24))
    assert (sum(found.parts), found.timed, found.median, found.longest) == (0, 0, None, None)


async def test_neither_journal_nor_ledger_is_walked(store: Store, path: Path) -> None:
    """What is read of decisions is the tallies by their key; of the ledger, the index of refusals."""
    with statements(store) as run:
        await store.counts.decisions(["shop", "rival"], Span(FIRST, 24, 60))
        await store.counts.refusals(["shop", "rival"], Span(FIRST, 24, 60))
    plans = run.plans(path)
    steps = [step for plan in plans.values() for step in plan if step.startswith(("SCAN", "SEARCH"))]
    assert len(steps) == 3
    assert all("(controller=? AND hour" in step or "ledger_refusals" in step for step in steps)
