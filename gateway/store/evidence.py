"""Evidence on the writer's connection: reading a person's rows, and appending one (I3, I7)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import CTE, Select, and_, bindparam, func, literal_column, or_, select

from gateway.law.evidence import Evidence, Objection, Withdrawal, from_facts, kind_of, to_facts
from gateway.ports import Appended, NewEvidence
from gateway.store.chain import Chain
from gateway.store.compiling import Inserting, Matching, text_of
from gateway.store.spelling import SALT, canonical, digest, micros, moment
from gateway.store.tables import ledger, ledger_details

_THE_PERSON = (
    ledger.c.controller == bindparam("controller"),
    ledger.c.person == bindparam("person"),
)
COLUMNS = (ledger.c.id, ledger.c.kind, ledger.c.occurred_at, ledger.c.recorded_at, ledger.c.facts)
_BY_ID = itemgetter(2)  # of a row of _READ


def _of_people(wanted: CTE) -> Select[Any]:
    """Everything on record for these people, each of one controller."""
    whose = and_(ledger.c.controller == wanted.c.controller, ledger.c.person == wanted.c.person)
    return select(ledger.c.controller, ledger.c.person, *COLUMNS).select_from(wanted.join(ledger, whose))


_READ = Matching((ledger.c.controller, ledger.c.person), _of_people)
_SAME = text_of(
    select(ledger.c.id, ledger.c.recorded_at)
    .where(*_THE_PERSON, ledger.c.content == bindparam("content"))
    .order_by(ledger.c.id.desc())
)
_CONSENT_SINCE = text_of(
    select(ledger.c.id).where(
        *_THE_PERSON,
        ledger.c.kind == literal_column("'consent'"),
        or_(ledger.c.recorded_at >= bindparam("recorded_at"), ledger.c.id > bindparam("id")),
    )
)
_PLACE = text_of(
    select(func.coalesce(func.max(ledger.c.place), literal_column("0")) + literal_column("1")).where(
        *_THE_PERSON
    )
)
_APPEND = Inserting(ledger)
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


def append(
    connection: sqlite3.Connection,
    row: NewEvidence,
    number: Callable[[], int],
    entropy: Callable[[int], bytes],
    chain: Chain,
    *,
    again: bool,
) -> Appended:
    """Append one row unless it is on record already (ports.Ledger.append)."""
    known = connection.execute(
        _SAME, {"controller": row.controller, "person": row.person, "content": row.content}
    ).fetchone()
    if known and not (again and _was_lifted(connection, row, *known)):
        return Appended(known[0], new=False)
    identity = number()
    salt = entropy(SALT)
    details = dict(row.details)
    (place,) = connection.execute(_PLACE, {"controller": row.controller, "person": row.person}).fetchone()
    values = (
        identity,
        row.controller,
        row.person,
        kind_of(row.fact),
        micros(row.fact.occurred_at),
        micros(row.fact.recorded_at),
        canonical(to_facts(row.fact)),
        row.content,
        digest(salt, details),
        place,
    )
    _APPEND(connection, [chain.linked(ledger, values)])
    address = str(details.pop("address", ""))
    _APPEND_DETAILS(connection, [(identity, salt, address, canonical(details))])
    return Appended(identity, new=True)


def _was_lifted(connection: sqlite3.Connection, row: NewEvidence, number: int, recorded_at: int) -> bool:
    """Whether a consent recorded since may have lifted this refusal (law.md section 2); in doubt it has."""
    if not isinstance(row.fact, Objection | Withdrawal):
        return False
    newer = connection.execute(
        _CONSENT_SINCE,
        {
            "controller": row.controller,
            "person": row.person,
            "recorded_at": recorded_at,
            "id": number,
        },
    )
    return newer.fetchone() is not None
