"""The writer: rounds, one work's own fault, waits that end, and an orderly end."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from gateway.ports import StoreUnavailableError
from gateway.store.opening import Store
from tests.store.given import PATIENCE, Gate, Open


def note(text: str):  # type: ignore[no-untyped-def]  # a work, whose type says nothing here
    return lambda connection: connection.execute("INSERT INTO meta VALUES (?, '')", (text,))


def notes(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    found = [key for (key,) in connection.execute("SELECT key FROM meta ORDER BY key")]
    connection.close()
    found.remove("keys_check")
    return found


async def test_what_waits_during_a_round_is_one_transaction(store: Store) -> None:
    """While one round commits, whatever arrives is gathered and committed together in the next."""
    gate, commits = Gate(asyncio.get_running_loop()), []
    await store.writer.run(lambda connection: connection.set_trace_callback(commits.append), PATIENCE)
    commits.clear()
    held = asyncio.create_task(store.writer.run(gate, PATIENCE))
    await gate.entered()
    waiting = [asyncio.create_task(store.writer.run(note(f"n{number}"), PATIENCE)) for number in range(20)]
    await asyncio.sleep(0)
    gate.let_go()
    await asyncio.gather(held, *waiting)
    assert commits.count("COMMIT") == 2


async def test_nobody_hears_before_the_commit(store: Store, path: Path) -> None:
    """A result is told only once another connection can see it (I2)."""
    for number in range(20):
        await store.writer.run(note(f"n{number:02}"), PATIENCE)
        assert len(notes(path)) == number + 1


async def test_one_works_own_fault_fails_it_alone(store: Store, path: Path) -> None:
    """Works that share a round with a failing one are done all the same, and its own changes are undone."""
    gate = Gate(asyncio.get_running_loop())

    def bad(connection: sqlite3.Connection) -> None:
        note("bad")(connection)
        raise KeyError("kim@example.org")

    held = asyncio.create_task(store.writer.run(gate, PATIENCE))
    await gate.entered()
    works = [note("a"), bad, note("a"), note("b")]  # the second "a" breaks the primary key
    waiting = [asyncio.create_task(store.writer.run(work, PATIENCE)) for work in works]
    await asyncio.sleep(0)
    gate.let_go()
    await held
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [isinstance(result, StoreUnavailableError) for result in results] == [False, True, True, False]
    assert "kim@" not in str(results[1])
    assert notes(path) == ["a", "b"]


async def test_work_whose_wait_ended_in_the_queue_is_not_done(store: Store, path: Path) -> None:
    """A wait that timed out, or was cancelled, before its round began is never served."""
    gate = Gate(asyncio.get_running_loop())
    held = asyncio.create_task(store.writer.run(gate, PATIENCE))
    await gate.entered()
    with pytest.raises(StoreUnavailableError):
        await store.writer.run(note("late"), 0)
    cancelled = asyncio.create_task(store.writer.run(note("cancelled"), PATIENCE))
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    gate.let_go()
    await held
    await store.ready()
    assert notes(path) == []


async def test_kept_work_is_done_even_if_nobody_waits(store: Store, path: Path) -> None:
    """A fate is written although the session that settled it is gone (I5)."""
    gate = Gate(asyncio.get_running_loop())
    held = asyncio.create_task(store.writer.run(gate, PATIENCE))
    await gate.entered()
    store.writer.keep(note("kept")).cancel()
    gate.let_go()
    await held
    await store.ready()
    assert notes(path) == ["kept"]


async def test_kept_work_with_a_fault_of_its_own_is_not_tried_for_ever(store: Store) -> None:
    """A kept work that can never be written fails once; what comes after it is served."""
    with pytest.raises(StoreUnavailableError):
        await store.writer.keep(note("keys_check"))
    await store.ready()


async def test_the_end_does_what_waits_and_refuses_what_comes(open_store: Open, path: Path) -> None:
    """close writes everything queued; afterwards works fail at once, and releases are silent."""
    async with open_store() as store:
        for number in range(300):
            store.writer.keep(note(f"n{number:03}"))
    assert len(notes(path)) == 300
    with pytest.raises(StoreUnavailableError):
        await store.writer.run(note("late"), PATIENCE)
    store.journal.release(1)
    assert not [thread for thread in threading.enumerate() if thread.name == "store-writer"]
