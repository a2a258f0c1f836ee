"""Outages: nothing acknowledged that is not on record, nothing lost, and service resumes (I2, I4)."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.ports import Decided, Settled, StoreUnavailableError
from gateway.store import database
from gateway.store.log import Filters
from gateway.store.opening import Store, opened
from tests.disk import fill, small_disk
from tests.store.given import (
    INVOICE,
    KEYS_CHECK,
    PATIENCE,
    RELAYED,
    SEAL_KEY,
    START,
    Open,
    SetClock,
    consent,
    fate,
    objection,
    person,
    row,
    wave,
)

SOON = 0.05  # seconds that a wait lasts which is meant to end


async def decide(store: Store, clock: SetClock, submission: int = 1, patience: float = PATIENCE) -> Decided:
    (verdict,) = await store.journal.decide(
        wave(category=INVOICE, submission=submission), clock.now(), patience
    )
    assert isinstance(verdict, Decided)
    return verdict


async def fates_of(store: Store) -> list[str | None]:
    return [entry.fate async for entry in store.log.entries(Filters())]


def remove(file: Path) -> None:
    file.unlink()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program holds the write lock."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


@contextmanager
def moved_away(path: Path) -> Iterator[None]:
    """The file is moved elsewhere, and put back."""
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    try:
        yield
        assert not path.exists(), "a missing database was made anew"
    finally:
        elsewhere.rename(path)


@contextmanager
def replaced(path: Path) -> Iterator[None]:
    """Something else lies at the path."""
    with moved_away(path):
        path.write_bytes(b"something else" * 100)
        try:
            yield
        finally:
            path.unlink()


@contextmanager
def of_other_keys(path: Path) -> Iterator[None]:
    """A store of other keys lies at the path."""
    with moved_away(path):
        database.create(f"sqlite:///{path}", "f" * 32)
        try:
            yield
        finally:
            for left in path.parent.glob("store.db*"):
                left.unlink()


@pytest.mark.parametrize("outage", [locked, moved_away, replaced, of_other_keys])
async def test_an_outage_refuses_and_service_resumes(
    store: Store, clock: SetClock, path: Path, outage: Callable[[Path], object]
) -> None:
    """While the store is out, nothing is decided or appended; afterwards all is as if it had not been."""
    await store.ledger.append([row(consent(START))])
    with outage(path):  # type: ignore[attr-defined]  # each is a context manager
        with pytest.raises(StoreUnavailableError):
            await decide(store, clock, patience=SOON)
        with pytest.raises(StoreUnavailableError):
            await store.ledger.append([row(objection(START))], patience=SOON)
        with pytest.raises(StoreUnavailableError):
            await store.ready(SOON)
    await decide(store, clock)
    await store.ledger.append([row(objection(START))])
    assert len(await store.ledger.evidence("shop", person().hash)) == 2
    assert len(await fates_of(store)) == 1


async def test_reading_a_store_that_is_away_fails(store: Store, path: Path) -> None:
    """Evidence, links and log are read from the file at the path or not at all (I3)."""
    with moved_away(path):
        with pytest.raises(StoreUnavailableError):
            await store.ledger.evidence("shop", person().hash)
        with pytest.raises(StoreUnavailableError):
            await store.journal.sent(1)
        with pytest.raises(StoreUnavailableError):
            await fates_of(store)


@pytest.mark.parametrize("outage", [moved_away, replaced])
async def test_fates_are_held_and_written_later(
    store: Store, clock: SetClock, path: Path, outage: Callable[[Path], object]
) -> None:
    """A fate that cannot be written is told at once, held, and on record when the store is back (I2)."""
    one, other = await decide(store, clock), await decide_other(store, clock)
    with outage(path):  # type: ignore[attr-defined]  # each is a context manager
        for decided in (one, other):
            with pytest.raises(StoreUnavailableError):
                await store.journal.settle([fate(decided.id)], clock.now())
        store.journal.leave(1)
    await store.ready()
    assert await fates_of(store) == ["relayed", "relayed"]
    (retry,) = await store.journal.decide(wave(category=INVOICE, submission=9), clock.now(), PATIENCE)
    assert isinstance(retry, Settled)


async def decide_other(store: Store, clock: SetClock) -> Decided:
    (verdict,) = await store.journal.decide(
        wave(category=INVOICE, submission=2, message="other"), clock.now(), PATIENCE
    )
    assert isinstance(verdict, Decided)
    return verdict


async def test_held_fates_are_written_without_anybody_asking(
    store: Store, clock: SetClock, path: Path
) -> None:
    """The writer tries by itself while it holds something: no new mail is needed."""
    decided = await decide(store, clock)
    with moved_away(path):
        with pytest.raises(StoreUnavailableError):
            await store.journal.settle([fate(decided.id)], clock.now())
    async with asyncio.timeout(PATIENCE):
        while await fates_of(store) != ["relayed"]:  # noqa: ASYNC110 - nobody is told, that is the claim
            await asyncio.sleep(0)


async def test_held_fates_are_written_at_the_end(open_store: Open, clock: SetClock, path: Path) -> None:
    """Closing after an outage writes what is held first."""
    async with open_store() as store:
        decided = await decide(store, clock)
        with moved_away(path):
            with pytest.raises(StoreUnavailableError):
                await store.journal.settle([fate(decided.id)], clock.now())
    async with open_store() as store:
        assert await fates_of(store) == ["relayed"]


async def test_a_lost_write_ahead_log_loses_no_commit(store: Store, clock: SetClock, path: Path) -> None:
    """When the log beside the file is deleted, what was acknowledged stays, and writing goes on."""
    await store.ledger.append([row(objection(START))])
    remove(path.with_name("store.db-wal"))
    await store.ledger.append([row(consent(START))])
    assert len(await store.ledger.evidence("shop", person().hash)) == 2
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


async def test_a_full_database_refuses_until_there_is_room(store: Store, clock: SetClock, path: Path) -> None:
    """A database that may not grow is an outage, for objections too, and not the end (SQLITE_FULL)."""
    limit = await store.writer.run(
        lambda connection: connection.execute("PRAGMA max_page_count").fetchone()[0], PATIENCE
    )
    await store.writer.run(
        lambda connection: connection.execute("PRAGMA max_page_count=1").fetchone(), PATIENCE
    )
    big = row(objection(START), via="x" * 100_000)
    with pytest.raises(StoreUnavailableError):
        await store.ledger.append([big])
    await store.writer.run(
        lambda connection: connection.execute(f"PRAGMA max_page_count={limit}").fetchone(), PATIENCE
    )
    (appended,) = await store.ledger.append([big])
    assert appended.new


@pytest.fixture
def on_small_disk(tmp_path: Path, template: bytes) -> Iterator[Path]:
    """A store on a disk of one megabyte."""
    with small_disk(tmp_path / "disk") as disk:
        (disk / "store.db").write_bytes(template)
        yield disk / "store.db"


async def test_a_full_disk_refuses_and_service_resumes(on_small_disk: Path, clock: SetClock) -> None:
    """With the disk full nothing is acknowledged; with room again, held fates come on record (B9, B14)."""
    async with opened(f"sqlite:///{on_small_disk}", KEYS_CHECK, SEAL_KEY, clock.now) as store:
        decided = await decide(store, clock)
        fill(on_small_disk.with_name("filler"))
        with pytest.raises(StoreUnavailableError):
            await store.ledger.append([row(objection(START), via="x" * 50_000)])
        wordy = fate(decided.id, replace(RELAYED, text="x" * 50_000))
        with pytest.raises(StoreUnavailableError):
            await store.journal.settle([wordy], clock.now())
        remove(on_small_disk.with_name("filler"))
        await store.ledger.append([row(objection(START), via="x" * 50_000)])
        assert await fates_of(store) == ["relayed"]


_DYING = """
import asyncio, sys
from tests.store.given import *
from gateway.store.opening import opened

async def main(url):
    clock = SetClock()
    async with opened(url, KEYS_CHECK, SEAL_KEY, clock.now, serving=True) as store:
        await store.ledger.append([row(consent(START - timedelta(days=1)))])
        await store.journal.decide(wave(category=INVOICE), clock.now(), PATIENCE)
        print("decided", flush=True)
        await asyncio.Event().wait()

asyncio.run(main(sys.argv[1]))
"""


async def test_a_killed_process_leaves_its_decision_unknown(
    url: str, open_store: Open, clock: SetClock
) -> None:
    """Killed between decision and fate: the decision is on record, fate unknown, and a retry is decided."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _DYING, url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"decided\n"
    process.kill()
    await process.wait()
    process._transport.close()  # type: ignore[attr-defined]  # else its pipe is reported as left open
    async with open_store(serving=True) as store:
        assert await fates_of(store) == ["unknown"]
        assert len(await store.ledger.evidence("shop", person().hash)) == 1
        await decide(store, clock, submission=2)
        assert await fates_of(store) == ["unknown", "unknown"]
