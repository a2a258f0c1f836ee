"""Limits: how often a key may be tried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway import tries as module
from gateway.tries import Tries

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_a_key_may_be_tried_so_often_in_a_window() -> None:
    """The limit holds until the window has passed, and says how long that is."""
    tries = Tries(2, MINUTE)
    tries.count("a", NOON)
    assert tries.wait("a", NOON) == 0
    tries.count("a", NOON + MINUTE / 2)

    assert tries.wait("a", NOON + MINUTE / 2) == 31
    assert tries.wait("b", NOON) == 0
    assert tries.wait("a", NOON + MINUTE) == 0


def test_a_try_that_was_right_is_taken_back() -> None:
    """Who proved to be right is not held to it; earlier mistakes stay."""
    tries = Tries(2, MINUTE)
    for key in ("a", "a", "b"):
        tries.count(key, NOON)
    tries.take_back("a")
    assert tries.wait("a", NOON) == 0

    tries.count("a", NOON)
    assert tries.wait("a", NOON) == 61


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many keys the one whose window began first is forgotten, and no other."""
    monkeypatch.setattr(module, "MOST_KEYS", 3)
    tries = Tries(1, MINUTE)
    for number, key in enumerate("abcad"):
        tries.count(key, NOON + timedelta(seconds=number))

    assert [key for key in "abcd" if tries.wait(key, NOON + timedelta(seconds=5))] == ["b", "c", "d"]
