"""What decisions rest on is on record: each configuration once, and since when it was in force."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

from gateway.store.configurations import digest_of
from gateway.store.opening import Store
from tests.store.campaigns import laws
from tests.store.given import PATIENCE, START, SetClock, wave

FIRST, SECOND = laws()[:2]


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as database:
        return database.execute(query).fetchall()


async def test_a_moment_has_the_law_that_was_in_force(store: Store, clock: SetClock) -> None:
    """The newest put in force by then; before the first there is none."""
    await store.configurations.put_in_force(FIRST, clock.now())
    await store.configurations.put_in_force(SECOND, clock.forward(hours=1))
    at = store.configurations.at
    assert await at(START - timedelta(microseconds=1)) is None
    assert await at(START) == await at(START + timedelta(minutes=59)) == FIRST
    assert await at(START + timedelta(hours=1)) == await at(START + timedelta(days=99)) == SECOND


async def test_the_newest_of_one_moment_holds(store: Store, clock: SetClock) -> None:
    """Of two put in force at the same moment, the later one is in force from then on."""
    await store.configurations.put_in_force(FIRST, clock.now())
    await store.configurations.put_in_force(SECOND, clock.now())
    assert await store.configurations.at(clock.now()) == SECOND


async def test_each_start_is_on_record_and_each_configuration_once(
    store: Store, clock: SetClock, path: Path
) -> None:
    """The same configuration put in force again is one more row of when, and none more of what."""
    for law in (FIRST, SECOND, FIRST):
        await store.configurations.put_in_force(law, clock.forward(hours=1))
    assert len(rows(path, "SELECT 1 FROM in_force")) == 3
    kept = rows(path, "SELECT digest, content FROM configurations")
    assert len(kept) == 2
    assert all(digest == digest_of(content) for digest, content in kept)


async def test_a_decision_names_its_configuration(store: Store, clock: SetClock, path: Path) -> None:
    """From the moment it is put in force, and nothing before."""
    await store.journal.decide(wave(submission=1, message="1"), clock.now(), PATIENCE)
    digest = await store.configurations.put_in_force(FIRST, clock.now())
    store.journal.rests_on(digest)
    await store.journal.decide(wave(submission=2, message="2"), clock.now(), PATIENCE)
    assert rows(path, "SELECT configuration FROM decisions ORDER BY id") == [(None,), (digest,)]
