"""Every decision on record with what it rested on, made again (gateway/replay.py)."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, TypeAlias

from sqlalchemy import CTE, Select, and_, bindparam, select

from gateway.address import AddressError, parse
from gateway.law.record import Law
from gateway.replay import Outcome, Placed, Recorded, Replayed, Result, replay
from gateway.store.compiling import Matching, text_of
from gateway.store.configurations import digest_of, law_of
from gateway.store.evidence import COLUMNS, evidence_of
from gateway.store.spelling import moment
from gateway.store.tables import configurations, decision_details, decisions, ledger
from gateway.store.verifying.pages import LEAST, paged

PEOPLE = 100  # whose evidence is in memory at once
LAWS = 100  # configurations in memory at once
UNREADABLE = (ValueError, KeyError, TypeError, OverflowError)  # what altered rows raise when they are read

Person: TypeAlias = tuple[str, bytes]  # controller and keyed hash

DECISIONS = select(
    decisions.c.id,
    decisions.c.id,
    decisions.c.controller,
    decisions.c.person,
    decisions.c.category,
    decisions.c.channel,
    decisions.c.decided_at,
    decisions.c.head,
    decisions.c.configuration,
    decisions.c.relaxed,
    decisions.c.decision,
    decisions.c.ground,
    decisions.c.reason,
    decisions.c.evidence,
    decisions.c.customer,
    decisions.c.pack,
    decisions.c.pack_version,
    decision_details.c.address,
).select_from(decisions.outerjoin(decision_details, decision_details.c.decision == decisions.c.id))
_CONTENT = text_of(select(configurations.c.content).where(configurations.c.digest == bindparam("digest")))


def _of_people(wanted: CTE) -> Select[Any]:
    whose = and_(ledger.c.controller == wanted.c.controller, ledger.c.person == wanted.c.person)
    return select(ledger.c.controller, ledger.c.person, ledger.c.place, *COLUMNS).select_from(
        wanted.join(ledger, whose)
    )


_EVIDENCE = Matching((ledger.c.controller, ledger.c.person), _of_people)


def replays(connection: sqlite3.Connection, first: int) -> Iterator[tuple[int, Replayed]]:
    """Each decision's id from `first` on, and how it came out made again. Raises sqlite3.Error."""
    laws = _Laws(connection)
    rows = paged(connection, DECISIONS, [decisions.c.id], [max(first - 1, LEAST)])
    while batch := list(islice(rows, PEOPLE)):
        sound = {(row[1], row[2]) for row in batch if row[1].isprintable()}  # altered, it may be no text
        evidence = _evidence(connection, sound)
        for row in batch:
            yield row[0], _replayed(row, laws, evidence[row[1], row[2]])


def _replayed(row: tuple[Any, ...], laws: _Laws, evidence: Sequence[Placed]) -> Replayed:
    try:
        recorded = recorded_of(row)
    except UNREADABLE:
        return Replayed(Result.NOT_REPLAYABLE, "its row cannot be read")
    return replay(recorded, laws.of(row[7]), evidence)


class _Laws:
    """Configurations by digest, each read once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._read: dict[bytes, Law | None] = {}

    def of(self, digest: bytes | None) -> Law | None:
        """The law of that digest; None where it is not on record, or not as it was."""
        if digest is None:
            return None
        if digest not in self._read:
            if len(self._read) == LAWS:
                self._read.clear()
            self._read[digest] = self._law(digest)
        return self._read[digest]

    def _law(self, digest: bytes) -> Law | None:
        found = self._connection.execute(_CONTENT, {"digest": digest}).fetchone()
        try:
            return law_of(found[0]) if found and digest_of(found[0]) == digest else None
        except UNREADABLE:  # another version's
            return None


def _evidence(connection: sqlite3.Connection, people: set[Person]) -> dict[Person, list[Placed]]:
    found: dict[Person, list[Placed]] = defaultdict(list)
    rows: list[tuple[Any, ...]] = _EVIDENCE(connection, list(people))
    for controller, person, place, *row in rows:
        with suppress(*UNREADABLE):  # what is missing then is named
            found[controller, person].append(Placed(place, evidence_of(*row)))
    return found


def recorded_of(row: Sequence[Any]) -> Recorded:
    """The decision that a row of DECISIONS holds. Raises what UNREADABLE names."""
    number, controller, _, category, channel, decided_at, head, _, relaxed, *outcome, address = row
    decision, ground, reason, evidence, *rest = outcome
    return Recorded(
        id=number,
        controller=controller,
        category=category,
        channel=channel,
        decided_at=moment(decided_at),
        head=head,
        local_part=_local_part(address),
        relaxed=bool(relaxed),
        outcome=Outcome(decision, ground, reason, tuple(json.loads(evidence)), *rest),
    )


def _local_part(address: str | None) -> str | None:
    """Of the mailbox mailed; None where it was erased."""
    try:
        return parse(address).local_part if address else None
    except AddressError:
        return None
