"""Whose turn it is to write, among the processes that share a database: first come, first served.

SQLite's own lock can only be asked for again and again, by which one of two busy writers starves. The kernel
wakes who waits for these locks as soon as they are free, and frees them when their holder dies. They order
those who take them; what keeps others out is still SQLite's.

Who wants to write waits at the gate first, and takes it along until it is their turn: so there is one at most
who waits for the turn itself, and who gave it up must queue again behind all that came meanwhile.

The process that people wait for, an objection acknowledged only once it is committed, passes the gate by, and
shows that it waits: whose turn it is then lets it go first, once, so that nobody is kept waiting without end.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

_NEW = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


class Turn:
    """One process's place in the queue of a database."""

    def __init__(self, database: Path, *, goes_first: bool = False) -> None:
        """`goes_first` is for a process that seldom writes, and for which people wait."""
        names = ("gate", "turn", "first")
        self._paths = [database.with_name(f"{database.name}-{name}") for name in names]
        self._files: list[int] = []
        self._goes_first = goes_first

    def take(self) -> None:
        """Wait until it is our turn. Raises OSError."""
        if not self._files:
            self._files = [os.open(path, _NEW, 0o600) for path in self._paths]
        gate, turn, first = self._files
        if self._goes_first:
            fcntl.flock(first, fcntl.LOCK_EX)
            fcntl.flock(turn, fcntl.LOCK_EX)
            return
        fcntl.flock(gate, fcntl.LOCK_EX)
        try:
            fcntl.flock(turn, fcntl.LOCK_EX)
            if not _is_free(first):
                fcntl.flock(turn, fcntl.LOCK_UN)
                fcntl.flock(first, fcntl.LOCK_SH)  # which is free once that turn is over
                fcntl.flock(first, fcntl.LOCK_UN)
                fcntl.flock(turn, fcntl.LOCK_EX)
        finally:
            fcntl.flock(gate, fcntl.LOCK_UN)

    def give_up(self) -> None:
        """Let the next one write."""
        if self._files:
            _, turn, first = self._files
            fcntl.flock(turn, fcntl.LOCK_UN)
            if self._goes_first:
                fcntl.flock(first, fcntl.LOCK_UN)

    def close(self) -> None:
        """Leave the queue."""
        while self._files:
            os.close(self._files.pop())


def _is_free(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(file, fcntl.LOCK_UN)
    return True
