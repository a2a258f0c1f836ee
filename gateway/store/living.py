"""Which writers live: each holds a lock as long as its process does, whatever ends it (I5).

One file beside the database has a byte for each writer number, locked by its owner. The kernel lets go of the
lock when the process ends, so nobody has to tell of a death, and there is nothing to clean up after it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Living:
    """The numbers of the writers that live; use one for each process (POSIX locks are)."""

    def __init__(self, database: Path, own: int) -> None:
        """This process is the writer of the number `own` until it ends. Raises OSError."""
        path = database.with_name(database.name + "-writers")
        self._own = own
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, own)

    def has(self, number: int) -> bool:
        """Whether the writer of that number lives: this process or another."""
        if number == self._own:  # which could take its own lock again, and let go of it
            return True
        try:
            fcntl.lockf(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, number)
        except OSError:
            return True
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, number)
        return False

    def close(self) -> None:
        """This process writes no more."""
        os.close(self._file)
