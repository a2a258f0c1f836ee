"""A few rows by their key, read at once on the caller's own thread: what a page needs before it can be made.

A read on another thread (reader.py) costs more than all else there is to a page. This one takes some twenty
microseconds, since it finds its rows by an index.

Rules of this file:

1. It waits for no lock: what cannot be read at once is not read.
2. No transaction stays open, and what was moved away or replaced is not read on, as in reader.py.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import ClauseElement

from gateway.ports import StoreUnavailableError
from gateway.store import database
from gateway.store.compiling import text_of


class Glance:
    """A statement for rows by one key, on a connection of its own; used from one thread."""

    def __init__(self, path: Path, statement: ClauseElement) -> None:
        """The statement has a parameter `key`, and may have others."""
        self._name, self._uri = str(path), database.uri_of(path)
        self._text = text_of(statement)
        self._connection: sqlite3.Connection | None = None
        self._files: tuple[int, ...] = ()

    def rows(self, key: object, **others: object) -> list[tuple[Any, ...]]:
        """The rows of a key, and of the other parameters. Raises StoreUnavailableError."""
        try:
            return self._opened().execute(self._text, {"key": key, **others}).fetchall()
        except (sqlite3.Error, FileNotFoundError) as error:
            raise StoreUnavailableError(f"the store cannot be read at once ({error})") from error

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        """Rule 2."""
        if self._connection and self._files != database.files_at(self._name):
            self.close()
        if self._connection is None:
            self._connection = sqlite3.connect(self._uri, uri=True, timeout=0, isolation_level=None)
            self._connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()  # opens the log too
            self._files = database.files_at(self._name)
        return self._connection
