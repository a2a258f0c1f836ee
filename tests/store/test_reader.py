"""Promise: reads go to the file at the path, hinder no writer, and spend nothing on what can be kept."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.ports import StoreUnavailableError
from gateway.store import database
from gateway.store.reader import Reader
from gateway.store.tables import meta

MARKS = select(meta.c.value).where(meta.c.key == "mark")


@pytest.fixture
async def reader(path: Path) -> AsyncIterator[Reader]:
    """A reader of the file at the path."""
    reader = Reader(path)
    yield reader
    await reader.close()


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    """Somebody who writes there."""
    with closing(database.connect(path)) as connection:
        yield connection


def mark(connection: sqlite3.Connection, text: str) -> None:
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('mark', ?)", (text,))


async def marks(reader: Reader) -> list[str]:
    return [value for (value,) in await reader.rows(MARKS)]


@pytest.fixture
def openings(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows with each connection that is opened."""
    made: list[object] = []
    connect = sqlite3.connect

    def noted(*arguments: Any, **named: Any) -> sqlite3.Connection:
        made.append(arguments)
        return connect(*arguments, **named)

    monkeypatch.setattr(sqlite3, "connect", noted)
    return made


def opened(path: Path) -> int:
    """How often this process has the file open."""
    links = (link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    return sum(link == path for link in links)


@contextmanager
def moved_away(path: Path) -> Iterator[None]:
    """The file is moved elsewhere, and put back."""
    elsewhere = path.rename(path.with_name("elsewhere"))
    yield
    elsewhere.rename(path)


async def test_a_connection_is_kept_and_sees_what_is_committed(
    reader: Reader, writer: sqlite3.Connection, openings: list[object]
) -> None:
    """One read after another goes over one connection, and each sees the last commit (I3)."""
    for text in "abc":
        mark(writer, text)
        assert await marks(reader) == [text]

    assert len(openings) == 1


async def test_a_kept_connection_does_not_pin_the_log(reader: Reader, writer: sqlite3.Connection) -> None:
    """Between two reads the write-ahead log can be put away whole (design section 6)."""
    mark(writer, "a")
    await marks(reader)
    mark(writer, "b")

    assert writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
    assert await marks(reader) == ["b"]


async def test_many_at_once_are_all_served(reader: Reader, writer: sqlite3.Connection) -> None:
    """A hundred reads at once: each gets its rows, whoever had to wait."""
    mark(writer, "a")

    assert await asyncio.gather(*(marks(reader) for _ in range(100))) == [["a"]] * 100


async def test_what_was_moved_away_is_read_no_more(
    reader: Reader, path: Path, writer: sqlite3.Connection
) -> None:
    """With the file gone reading fails, though a connection to it was kept; back, it is read again (I3)."""
    mark(writer, "a")
    kept = await marks(reader)

    with moved_away(path), pytest.raises(StoreUnavailableError):
        await marks(reader)

    assert kept == await marks(reader) == ["a"]


async def test_what_was_put_in_its_place_is_read(reader: Reader, path: Path, template: bytes) -> None:
    """Another file at the path, as after a restore: the next read is of that one (I3)."""
    with closing(database.connect(path)) as writer:
        mark(writer, "before")
    kept = await marks(reader)
    other = path.with_name("other.db")
    other.write_bytes(template)
    with closing(database.connect(other)) as writer:
        mark(writer, "restored")
    for left in path.parent.glob(path.name + "-*"):
        left.unlink()
    shutil.move(other, path)

    assert (kept, await marks(reader)) == (["before"], ["restored"])


async def test_opening_waits_for_who_has_the_file_to_itself(path: Path) -> None:
    """Another process that puts the log away, as the last to close does, is waited for and no outage."""
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    mark(holder, "held")
    before = opened(path)

    opening = asyncio.create_task(asyncio.to_thread(lambda: database.connect(path).close()))
    while opened(path) == before and not opening.done():  # noqa: ASYNC110 - nobody tells of it
        await asyncio.sleep(0)
    holder.close()

    await opening
