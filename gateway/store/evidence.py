"""Evidence on the writer's connection: reading a person's rows, and appending one (I3, I7)."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, Subquery, and_, func, literal_column, select

from gateway.law.evidence import COMMON, Evidence, Objection, Withdrawal, facts_of, from_facts, own
from gateway.ports import Appended, NewEvidence
from gateway.store.chain import Chain
from gateway.store.compiling import Inserting, Matching
from gateway.store.spelling import SALT, canonical, canonical_flat, micros, moment
from gateway.store.tables import acts, ledger, ledger_details

COLUMNS = (ledger.c.id, ledger.c.kind, ledger.c.occurred_at, ledger.c.recorded_at, ledger.c.facts)
_BY_ID = itemgetter(2)  # of a row of _READ


def _of_people(*columns: ColumnElement[Any]) -> Callable[[CTE | Subquery], Select[Any]]:
    """These columns of everything on record for people, each of one controller."""

    def build(wanted: CTE | Subquery) -> Select[Any]:
        whose = and_(ledger.c.controller == wanted.c.controller, ledger.c.person == wanted.c.person)
        return select(ledger.c.controller, ledger.c.person, *columns).select_from(wanted.join(ledger, whose))

    return build


def _of_erased(wanted: CTE) -> Select[Any]:
    """When each of these people, each of one controller, was last erased."""
    whose = and_(acts.c.controller == wanted.c.controller, acts.c.person == wanted.c.person)
    return (
        select(acts.c.controller, acts.c.person, func.max(acts.c.at))
        .select_from(wanted.join(acts, whose))
        .where(acts.c.act == literal_column("'erase'"))
        .group_by(acts.c.controller, acts.c.person)
    )


# What a row to append is held against. A person may have rows by the thousand, and each batch of an import
# asks anew: so each of these goes over a person's rows once, within SQLite, and gives back next to nothing.


def _counted(wanted: CTE) -> Select[Any]:
    """How many rows each person has, told by the index alone: the place of the newest, for none ever goes."""
    return _of_people(func.count())(wanted).group_by(ledger.c.controller, ledger.c.person)


def _same(wanted: CTE) -> Select[Any]:
    """Their rows that were received with any of these contents."""
    who = select(wanted.c.controller, wanted.c.person).distinct().subquery("who")
    found = _of_people(ledger.c.id, ledger.c.recorded_at, ledger.c.content)(who)
    return found.where(ledger.c.content.in_(select(wanted.c.content)))


def _consented(wanted: CTE) -> Select[Any]:
    """The highest id and the latest recording of each person's consents."""
    highest = _of_people(func.max(ledger.c.id), func.max(ledger.c.recorded_at))(wanted)
    given = highest.where(ledger.c.kind == literal_column("'consent'"))
    return given.group_by(ledger.c.controller, ledger.c.person)


_ERASED = Matching((acts.c.controller, acts.c.person), _of_erased)
_READ = Matching((ledger.c.controller, ledger.c.person), _of_people(*COLUMNS))
_COUNTED = Matching((ledger.c.controller, ledger.c.person), _counted)
_SAME = Matching((ledger.c.controller, ledger.c.person, ledger.c.content), _same, most=512)
_CONSENTED = Matching((ledger.c.controller, ledger.c.person), _consented)
_APPEND = Inserting(ledger)
_KIND, _RECORDED_AT = (ledger.c.keys().index(name) for name in ("kind", "recorded_at"))
_APPEND_DETAILS = Inserting(ledger_details)


def evidence_of(number: int, kind: str, occurred_at: int, recorded_at: int, facts: str) -> Evidence:
    """The evidence that a row of COLUMNS holds."""
    return from_facts(
        kind,
        id=number,
        occurred_at=moment(occurred_at),
        recorded_at=moment(recorded_at),
        facts=json.loads(facts),
    )


def read(
    connection: sqlite3.Connection, people: Sequence[tuple[str, bytes]]
) -> dict[tuple[str, bytes], list[Evidence]]:
    """The rows of each person, by controller and keyed hash, oldest first.

    No other controller's are ever read (I8).
    """
    found: dict[tuple[str, bytes], list[Evidence]] = {whose: [] for whose in people}
    rows: list[tuple[Any, ...]] = sorted(_READ(connection, list(found)), key=_BY_ID)
    for controller, person, *row in rows:
        found[controller, person].append(evidence_of(*row))
    return found


def erased(connection: sqlite3.Connection, rows: Sequence[NewEvidence]) -> list[int]:
    """The places among these rows of those older than their person's erasure; refusals are never too old."""
    people = {(row.controller, row.person) for row in rows if not _refuses(row)}
    found: list[tuple[Any, ...]] = _ERASED(connection, list(people))
    return too_old(rows, {(controller, person): at for controller, person, at in found})


def too_old(rows: Sequence[NewEvidence], erased_at: Mapping[tuple[str, bytes], int]) -> list[int]:
    """The same, where it is known when people were erased: microseconds, by controller and keyed hash."""
    if not erased_at:
        return []
    return [
        place
        for place, row in enumerate(rows)
        if not _refuses(row)
        and micros(row.fact.occurred_at) <= erased_at.get((row.controller, row.person), -1)
    ]


@dataclass(slots=True)
class _Held:
    """What is on record of a person, as far as a new row is held against it."""

    place: int = 0  # of the newest row
    same: dict[bytes, tuple[int, int]] = field(default_factory=dict)  # newest id and recorded_at, by content
    consent: tuple[int, int] = (-1, -1)  # the highest id and recorded_at of any

    def add(self, number: int, kind: str, recorded_at: int, content: bytes) -> None:
        """One more row is on record, at the next place."""
        self.place += 1
        self.received(number, recorded_at, content)
        if kind == "consent":
            self.consented(number, recorded_at)

    def received(self, number: int, recorded_at: int, content: bytes) -> None:
        """A row of that content is on record."""
        self.same[content] = max(self.same.get(content, (-1, -1)), (number, recorded_at))

    def consented(self, number: int, recorded_at: int) -> None:
        """So is a consent, or several whose highest id and latest recording these are."""
        highest, latest = self.consent
        self.consent = max(highest, number), max(latest, recorded_at)

    def was_lifted(self, number: int, recorded_at: int) -> bool:
        """Whether a consent recorded since may have lifted that refusal (law.md section 2); if in doubt."""
        highest, latest = self.consent
        return highest > number or latest >= recorded_at


def _held(
    connection: sqlite3.Connection, rows: Sequence[NewEvidence], *, again: bool
) -> dict[tuple[str, bytes], _Held]:
    held = {(row.controller, row.person): _Held() for row in rows}
    counted: list[tuple[Any, ...]] = _COUNTED(connection, list(held))
    for controller, person, place in counted:
        held[controller, person].place = place
    received = list({(row.controller, row.person, row.content) for row in rows})
    same: list[tuple[Any, ...]] = _SAME(connection, received)
    for controller, person, *row in same:
        held[controller, person].received(*row)
    refusing = {(row.controller, row.person) for row in rows if again and _refuses(row)}
    consented: list[tuple[Any, ...]] = _CONSENTED(connection, list(refusing))
    for controller, person, *newest in consented:
        held[controller, person].consented(*newest)
    return held


def _refuses(row: NewEvidence) -> bool:
    return isinstance(row.fact, Objection | Withdrawal)


@lru_cache(maxsize=COMMON)
def _facts_text(kind: str, values: tuple[object, ...]) -> str:
    return canonical(facts_of(kind, values))


def append(
    connection: sqlite3.Connection,
    rows: Sequence[NewEvidence],
    number: Callable[[], int],
    entropy: Callable[[int], bytes],
    chain: Chain,
    *,
    again: bool,
) -> list[Appended]:
    """Append each row, in order, unless it is on record already (ports.Ledger.append).

    What is on record is read for all of them at once, and they are written at once: an import is many rows.
    """
    held = _held(connection, rows, again=again)
    new: list[tuple[object, ...]] = []
    beside: list[tuple[object, ...]] = []
    appended: list[Appended] = []
    for row in rows:
        mine = held[row.controller, row.person]
        known = mine.same.get(row.content)
        if known and not (again and _refuses(row) and mine.was_lifted(*known)):
            appended.append(Appended(known[0], new=False))
            continue
        identity, salt = number(), entropy(SALT)
        values = _values(row, identity, salt, mine.place + 1)
        mine.add(identity, values[_KIND], values[_RECORDED_AT], row.content)
        new.append(chain.linked(ledger, values))
        beside.append(_beside(row, identity, salt))
        appended.append(Appended(identity, new=True))
    _APPEND(connection, new)
    _APPEND_DETAILS(connection, beside)
    return appended


def _values(row: NewEvidence, identity: int, salt: bytes, place: int) -> tuple[Any, ...]:
    """The row of `ledger` up to `place`, in the order of its columns."""
    kind, own_values = own(row.fact)
    return (
        identity,
        row.controller,
        row.person,
        kind,
        micros(row.fact.occurred_at),
        micros(row.fact.recorded_at),
        _facts_text(kind, own_values),
        row.content,
        hashlib.sha256(salt + canonical_flat(row.details)).digest(),
        place,
    )


def _beside(row: NewEvidence, identity: int, salt: bytes) -> tuple[object, ...]:
    """The row of `ledger_details`."""
    details = dict(row.details)
    address = str(details.pop("address", ""))
    return identity, salt, address, canonical_flat(details).decode()
