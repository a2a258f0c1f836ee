"""Processes that share a database write in turn, and none is passed over."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from gateway.store.turn import Turn

PATIENCE = 10.0  # seconds


def await_waiting(path: Path, number: int = 1) -> None:
    """Until the kernel says that so many wait for a lock on the file. Raises TimeoutError."""
    inode = f":{path.stat().st_ino} "
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        locks = Path("/proc/locks").read_text().splitlines()
        if sum("->" in line and inode in line for line in locks) >= number:
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
    await_waiting(tmp_path / "store.db-turn")
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


def test_who_goes_first_is_kept_waiting_by_one_turn_alone(tmp_path: Path) -> None:
    """Behind a turn under way and one who waits, who goes first is next; who let it pass comes then."""
    path = tmp_path / "store.db"
    turns = {"under way": Turn(path), "waiting": Turn(path), "first": Turn(path, goes_first=True)}
    order: list[str] = []

    def write(name: str) -> None:
        turns[name].take()
        order.append(name)
        turns[name].give_up()

    turns["under way"].take()
    writers = [threading.Thread(target=write, args=[name], daemon=True) for name in ("waiting", "first")]
    for number, writer in enumerate(writers, 1):
        writer.start()
        await_waiting(tmp_path / "store.db-turn", number)
    turns["under way"].give_up()
    for writer in writers:
        writer.join(PATIENCE)
    for turn in turns.values():
        turn.close()
    assert order == ["first", "waiting"]


def test_who_goes_first_again_and_again_does_not_keep_others_out(tmp_path: Path) -> None:
    """A flood of objections does not keep mail from being decided on: a turn lets one pass, no more."""
    path = tmp_path / "store.db"
    mail, objections = Turn(path), Turn(path, goes_first=True)
    decided = threading.Event()

    def flood() -> None:
        while not decided.is_set():
            objections.take()
            objections.give_up()

    flooding = threading.Thread(target=flood, daemon=True)
    flooding.start()
    deciding = threading.Thread(target=lambda: (mail.take(), decided.set(), mail.give_up()), daemon=True)
    deciding.start()
    assert decided.wait(PATIENCE)
    for thread in (deciding, flooding):
        thread.join(PATIENCE)
    mail.close()
    objections.close()
