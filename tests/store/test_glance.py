"""Promise: one row is read at once from the file at the path, or not at all."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import bindparam, select

from gateway.ports import StoreUnavailableError
from gateway.store import database
from gateway.store.glance import Glance
from gateway.store.tables import meta

MARK = select(meta.c.value).where(meta.c.key == bindparam("key"))


@pytest.fixture
def glance(path: Path) -> Iterator[Glance]:
    """Of the file at the path."""
    glance = Glance(path, MARK)
    yield glance
    glance.close()


@pytest.fixture
def writer(path: Path) -> Iterator[sqlite3.Connection]:
    """Somebody who writes there."""
    with closing(database.connect(path)) as connection:
        yield connection


def mark(connection: sqlite3.Connection, text: str) -> None:
    connection.execute("INSERT OR REPLACE INTO meta (key, value) VALUES ('mark', ?)", (text,))


def test_each_glance_sees_what_was_committed_by_then(glance: Glance, writer: sqlite3.Connection) -> None:
    """No transaction stays open between two, also beside somebody who is writing."""
    assert glance.rows("mark") == []
    mark(writer, "one")
    assert glance.rows("mark") == [("one",)]
    writer.execute("BEGIN IMMEDIATE")
    mark(writer, "two")
    assert glance.rows("mark") == [("one",)]
    writer.execute("COMMIT")
    assert glance.rows("mark") == [("two",)]


def test_it_does_not_pin_the_log(glance: Glance, writer: sqlite3.Connection) -> None:
    """All of the log can be written back after a glance."""
    mark(writer, "one")
    glance.rows("mark")

    busy, left, _ = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    assert (busy, left) == (0, 0)


def test_a_file_that_was_moved_away_is_not_read_on(
    glance: Glance, writer: sqlite3.Connection, path: Path
) -> None:
    """Nothing is read while there is none, and then what was put there."""
    mark(writer, "old")
    assert glance.rows("mark") == [("old",)]
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    aside = path.with_name("aside")
    shutil.copy(path, aside)
    for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        file.rename(file.with_name(f"gone-{file.name}"))

    with pytest.raises(StoreUnavailableError):
        glance.rows("mark")

    aside.rename(path)
    with closing(database.connect(path)) as other:
        mark(other, "new")
        assert glance.rows("mark") == [("new",)]


def test_a_lock_is_not_waited_for(path: Path, writer: sqlite3.Connection) -> None:
    """While one holds the file to itself, the glance fails at once."""
    writer.execute("PRAGMA locking_mode=EXCLUSIVE")
    mark(writer, "mine")
    glance = Glance(path, MARK)

    with pytest.raises(StoreUnavailableError):
        glance.rows("mark")
    glance.close()
