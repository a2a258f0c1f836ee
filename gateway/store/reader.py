"""Reading off the hot path: short reads on connections of their own (design section 6).

Rules of this file:

1. A connection is kept between reads, since opening one takes longer than most of them. None is in a
   transaction meanwhile: each read takes all its rows at once, so none pins the write-ahead log.
2. Before each read it is seen whether the files a connection has open are still those at the path: none goes
   on reading what was moved away or replaced (I3: reads go to the primary).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVarTuple

from sqlalchemy import Row, Select, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError, InvalidRequestError
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from gateway.ports import StoreUnavailableError
from gateway.store import database

Columns = TypeVarTuple("Columns")

_AT_ONCE = 4  # reads; the next wait
_PATIENCE = 2.0  # seconds SQLite waits where a reader must wait at all
_FILES = "files"  # which a connection has open


class Reader:
    """Runs one statement at a time against an existing database."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._threads = ThreadPoolExecutor(_AT_ONCE, "store-reader")
        self._engine = create_engine(
            "sqlite://",
            creator=self._connect,
            poolclass=QueuePool,
            pool_size=_AT_ONCE,
            max_overflow=0,
            pool_use_lifo=True,  # one by one in use, one is open
            isolation_level="AUTOCOMMIT",
        )
        event.listen(self._engine, "connect", self._note)
        event.listen(self._engine, "checkout", self._look)

    async def rows(self, statement: Select[*Columns]) -> Sequence[Row[*Columns]]:
        """Every row of the statement, in one read. Raises StoreUnavailableError."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._rows, statement)
        except DBAPIError as error:
            raise StoreUnavailableError(f"the store cannot be read ({error.orig})") from error
        except (InvalidRequestError, FileNotFoundError) as error:  # of a new connection too (rule 2)
            raise StoreUnavailableError("the store is being moved") from error

    async def close(self) -> None:
        """End what is being read, and let go of the connections."""
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()

    # --- from here on everything runs on a thread of the reader's

    def _rows(self, statement: Select[*Columns]) -> Sequence[Row[*Columns]]:
        with self._engine.connect() as connection:
            return connection.execute(statement).all()

    def _connect(self) -> sqlite3.Connection:
        uri = database.uri_of(self.path)  # as one who writes: it may have to recover the log
        made = sqlite3.connect(uri, uri=True, timeout=_PATIENCE, check_same_thread=False)
        try:
            made.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()  # by which it opens the log too
        except BaseException:
            made.close()
            raise
        return made

    def _note(self, _connection: object, record: ConnectionPoolEntry) -> None:
        """A connection was opened."""
        record.info[_FILES] = database.files_at(self.path)

    def _look(self, _connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        """A connection is taken up; on DisconnectionError another is opened instead of it (rule 2)."""
        try:
            here = record.info.get(_FILES) == database.files_at(self.path)
        except FileNotFoundError:
            here = False
        if not here:
            raise DisconnectionError
