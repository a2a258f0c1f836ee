"""Making sure that what was deleted is in no file any more (I7): the log emptied, unused parts overwritten.

Nobody is kept waiting for long: each step is tried without a wait inside SQLite, whose own would hold the
write lock, and is given up at a deadline.
"""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

from sqlalchemy import Table, bindparam, select, update

from gateway.store import database, residue
from gateway.store.compiling import text_of
from gateway.store.residue import Residue
from gateway.store.tables import act_details, decision_details, fate_details, ledger_details

PAUSE = (0.002, 0.010)  # seconds between tries
AT_ONCE = 100  # pages mended in one transaction

_BY_COLUMNS: Mapping[int, tuple[Table, ...]] = {
    4: (ledger_details,),
    6: (decision_details,),
    3: (fate_details, act_details),
}
_READ_LAST, _WRITE_LAST = (
    {
        table: text_of(statement(table, list(table.c)[-1]).where(table.c[0] == bindparam("row")))
        for tables in _BY_COLUMNS.values()
        for table in tables
    }
    for statement in (
        lambda _table, last: select(last),
        lambda table, last: update(table).values({last: bindparam("text")}),
    )
)


def purge(path: Path, patience: float) -> bool:
    """Whether nothing deleted from the details is left in any file of the database, within so many seconds.

    Blocks: call it in a thread. Raises sqlite3.Error or OSError.
    """
    until = time.monotonic() + patience
    with closing(database.connect(path)) as connection:
        pages: list[str] = []
        while _truncated(connection, until):
            found = _residues(path, pages)
            if not found:
                return True
            if not _overwritten(connection, found, until):
                return False
            pages = [str(one.page) for one in found]
    return False


def _truncated(connection: sqlite3.Connection, until: float) -> bool:
    """Move all of the log into the database and cut it off; a reader still at it is waited for."""
    while True:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()  # most of it, holding up no writer
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if not busy:
            return True
        if time.monotonic() > until:
            return False
        time.sleep(random.uniform(*PAUSE))  # noqa: S311 - parts contenders, keeps no secret


def _residues(path: Path, pages: Sequence[str]) -> list[Residue]:
    """Residue in the file, or on these pages of it, as the program that may look finds it."""
    looking = [sys.executable, "-I", "-S", residue.__file__, str(path), *pages]
    done = subprocess.run(looking, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
    if done.returncode:
        raise OSError(f"the database file cannot be looked through ({done.stderr.strip()[-200:]})")
    return [Residue(*map(int, line.split())) for line in done.stdout.splitlines()]


def _overwritten(connection: sqlite3.Connection, found: Iterable[Residue], until: float) -> bool:
    """Fill each page with one of its rows, and let it have its own size again (residue.py, rule 2)."""
    waiting = iter(found)
    while some := list(islice(waiting, AT_ONCE)):
        if not _begun(connection, until):
            return False
        try:
            for one in some:
                _fill(connection, one)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        time.sleep(PAUSE[0])
    return True


def _begun(connection: sqlite3.Connection, until: float) -> bool:
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
        else:
            return True
        if time.monotonic() > until:
            return False
        time.sleep(random.uniform(*PAUSE) / 10)  # noqa: S311 - as above


def _fill(connection: sqlite3.Connection, one: Residue) -> None:
    for table in _BY_COLUMNS.get(one.columns, ()):
        write = _WRITE_LAST[table]
        row = connection.execute(_READ_LAST[table], {"row": one.row}).fetchone()
        if row:
            connection.execute(write, {"row": one.row, "text": row[0] + " " * one.by})
            connection.execute(write, {"row": one.row, "text": row[0]})
