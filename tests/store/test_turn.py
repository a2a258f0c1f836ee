"""Processes that share a database write in turn, and none is passed over."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from gateway.store.turn import Turn

PATIENCE = 10.0  # seconds


def await_one_who_waits(path: Path) -> None:
    """Until the kernel says that somebody waits for a lock on the file. Raises TimeoutError."""
    inode = f":{path.stat().st_ino} "
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if any("->" in line and inode in line for line in Path("/proc/locks").read_text().splitlines()):
            return
        os.sched_yield()
    raise TimeoutError


def test_who_waits_comes_before_who_wrote_last(tmp_path: Path) -> None:
    """Who gives up the turn and wants it again at once gets it after whoever waited meanwhile."""
    one, other = Turn(tmp_path / "store.db"), Turn(tmp_path / "store.db")
    order: list[str] = []

    def write() -> None:
        other.take()
        order.append("other")
        other.give_up()

    one.take()
    waiting = threading.Thread(target=write)
    waiting.start()
    await_one_who_waits(tmp_path / "store.db-turn")
    one.give_up()
    one.take()
    order.append("one again")
    waiting.join(PATIENCE)
    one.close()
    other.close()
    assert order == ["other", "one again"]


def test_a_process_that_ends_lets_the_next_one_write(tmp_path: Path) -> None:
    """Who leaves without a word, as the dead do, holds up nobody."""
    gone, next_one = Turn(tmp_path / "store.db"), Turn(tmp_path / "store.db")
    gone.take()
    gone.close()
    next_one.take()
    next_one.give_up()
    next_one.close()
