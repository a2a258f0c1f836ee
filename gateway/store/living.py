"""Which writers live: each holds a lock as long as its process does, whatever ends it (I5).

One file beside the database has a byte for each writer number, locked by its owner. The kernel lets go of the
lock when the process ends, so nobody has to tell of a death, and there is nothing to clean up after it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Living:
    """The numbers of the writers of other processes that live; use one for each process (POSIX locks are)."""

    def __init__(self, database: Path) -> None:
        """Raises OSError."""
        path = database.with_name(database.name + "-writers")
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def enter(self, number: int) -> None:
        """This process is the writer of that number, from now until it ends. Raises OSError."""
        fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)

    def __contains__(self, number: object) -> bool:
        """Whether another process is the writer of that number. Do not ask of an own number."""
        if not isinstance(number, int):
            return False
        try:
            fcntl.lockf(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, number)
        except OSError:
            return True
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, number)
        return False

    def close(self) -> None:
        """This process writes no more."""
        os.close(self._file)
