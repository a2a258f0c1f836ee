"""Decisions are counted as they are recorded."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from sqlite3 import connect

import pytest

from gateway.store import tallying
from gateway.store.opening import Store
from gateway.store.spelling import hour
from gateway.store.writer import PATIENCE
from tests.store.given import SetClock, consent, person, row, wave


async def test_the_tallies_are_what_counting_the_journal_gives(
    store: Store, clock: SetClock, path: Path
) -> None:
    """For every controller, hour, login, category and outcome: as many as the journal holds, and which."""
    kim, noa = person(), person("noa")
    await store.ledger.append([row(consent(), kim)])
    for number in range(1, 6):
        await store.journal.decide(
            wave(kim, noa, message=f"m{number}", submission=number), clock.now(), PATIENCE
        )
        clock.forward(minutes=25)

    with closing(connect(path)) as database:
        rows = database.execute(
            "SELECT id, decided_at, controller, login, coalesce(category, ''), decision,"
            " coalesce(ground, reason), relaxed FROM decisions ORDER BY id"
        ).fetchall()
        found = database.execute(
            "SELECT controller, login, category, decision, outcome, relaxed, hour, count, first, last"
            " FROM tallies"
        ).fetchall()
    ids: dict[tuple[object, ...], list[int]] = {}
    for number, at, *what in rows:
        ids.setdefault((*what, hour(at)), []).append(number)
    tallied = {tuple(key): (count, first, last) for *key, count, first, last in found}
    assert tallied == {key: (len(those), those[0], those[-1]) for key, those in ids.items()}
    assert len(tallied) > 2


async def test_campaigns_without_number_are_not_counted_apart(
    store: Store, clock: SetClock, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tool that names a campaign for each message does not make the counts as long as the journal."""
    monkeypatch.setattr(tallying, "MOST", 3)
    for number in range(1, 9):
        mark = b"campaign%d" % number
        await store.journal.decide(
            wave(message=f"m{number}", submission=number, campaign_mark=mark[-8:]), clock.now(), PATIENCE
        )

    with closing(connect(path)) as database:
        counts = database.execute("SELECT count FROM tallies ORDER BY length(campaign), campaign").fetchall()
    assert counts == [(5,), (1,), (1,), (1,)]
