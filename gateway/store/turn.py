"""Whose turn it is to write, among the processes that share a database: first come, first served.

SQLite's own lock can only be asked for again and again, by which one of two busy writers starves. The kernel
wakes who waits for this one as soon as it is free, and frees it when its holder dies. It orders those who
take it; what keeps others out is still SQLite's.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Turn:
    """One process's place in the queue of a database."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + "-turn")
        self._file: int | None = None

    def take(self) -> None:
        """Wait until it is our turn. Raises OSError."""
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def give_up(self) -> None:
        """Let the next one write."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def close(self) -> None:
        """Leave the queue."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
