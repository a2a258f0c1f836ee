"""Whose turn it is to write, among the processes that share a database: first come, first served.

SQLite's own lock can only be asked for again and again, by which one of two busy writers starves. The kernel
wakes who waits for these locks as soon as they are free, and frees them when their holder dies. They order
those who take them; what keeps others out is still SQLite's.

Who wants to write waits at the gate first, and takes it along until it is their turn: so there is one at most
who waits for the turn itself, and who gave it up must queue again behind all that came meanwhile.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

_NEW = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC


class Turn:
    """One process's place in the queue of a database."""

    def __init__(self, database: Path) -> None:
        self._paths = [database.with_name(f"{database.name}-{name}") for name in ("gate", "turn")]
        self._files: list[int] = []

    def take(self) -> None:
        """Wait until it is our turn. Raises OSError."""
        if not self._files:
            self._files = [os.open(path, _NEW, 0o600) for path in self._paths]
        gate, turn = self._files
        fcntl.flock(gate, fcntl.LOCK_EX)
        try:
            fcntl.flock(turn, fcntl.LOCK_EX)
        finally:
            fcntl.flock(gate, fcntl.LOCK_UN)

    def give_up(self) -> None:
        """Let the next one write."""
        if self._files:
            fcntl.flock(self._files[1], fcntl.LOCK_UN)

    def close(self) -> None:
        """Leave the queue."""
        while self._files:
            os.close(self._files.pop())
