"""Decisions counted in the very transaction that records them: what an overview shows is never behind."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import NamedTuple

from sqlalchemy import func
from sqlalchemy.dialects.sqlite import Insert

from gateway.store.compiling import Inserting
from gateway.store.tables import tallies


class Tally(NamedTuple):
    """What decisions have in common that are counted together, in the order of the table's key."""

    controller: str
    hour: int
    login: str
    category: str
    campaign: bytes
    decision: str
    outcome: str
    relaxed: int


def _added(statement: Insert) -> Insert:
    more = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=list(tallies.primary_key),
        set_={
            "count": tallies.c.count + more.count,
            "first": func.min(tallies.c.first, more.first),
            "last": func.max(tallies.c.last, more.last),
        },
    )


_ADD = Inserting(tallies, _added)
MOST = 500  # campaigns that one process counts apart in an hour


class Campaigns:
    """Which campaigns are counted apart: some tools name one for each message, which would count nothing."""

    def __init__(self) -> None:
        self._hour = 0
        self._apart: set[bytes] = set()

    def counted(self, mark: bytes, hour: int) -> bytes:
        """The mark that a mail of this hour is counted under: none, once there are too many."""
        if hour != self._hour:
            self._hour, self._apart = hour, set()
        if mark not in self._apart and len(self._apart) >= MOST:
            return b""
        self._apart.add(mark)
        return mark


class Tallies:
    """The decisions of one round, counted."""

    def __init__(self) -> None:
        self._counts: Counter[Tally] = Counter()
        self._ids: dict[Tally, tuple[int, int]] = {}  # of the first and the last

    def note(self, tally: Tally, decision: int) -> None:
        """One more, with the id of its row; ids rise."""
        self._counts[tally] += 1
        first, _ = self._ids.setdefault(tally, (decision, decision))
        self._ids[tally] = first, decision

    def record(self, connection: sqlite3.Connection) -> None:
        """Add them to those there are."""
        _ADD(connection, [(*tally, count, *self._ids[tally]) for tally, count in self._counts.items()])
