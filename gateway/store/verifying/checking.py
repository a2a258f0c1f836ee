"""What is checked of each row of evidence, and of what stands beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from functools import partial

from sqlalchemy import bindparam, func, literal_column, select

from gateway.envelope import FateKind
from gateway.store.compiling import text_of
from gateway.store.configurations import digest_of
from gateway.store.tables import configurations, decisions, fates, in_force, ledger
from gateway.store.verifying.beside import is_right
from gateway.store.verifying.fault import Fault
from gateway.store.verifying.following import Following
from gateway.store.verifying.gone import Gone
from gateway.store.verifying.pages import LEAST, paged
from gateway.store.verifying.sealed import Sealed
from gateway.store.verifying.streams import Found, Stream, before, heads_of, rows_of

_CONFIGURED = text_of(select(literal_column("1")).where(configurations.c.digest == bindparam("digest")))
_PERSON = [ledger.c.controller, ledger.c.person]
_PLACES = select(
    *_PERSON,
    *_PERSON,
    func.count(),
    func.count(ledger.c.place.distinct()),
    func.min(ledger.c.place),
    func.max(ledger.c.place),
    func.max(ledger.c.id),
).group_by(*_PERSON)


def stream_faults(
    connection: sqlite3.Connection, stream: Stream, sealed: Sealed, gone: Gone, first: int, since: int
) -> Iterator[Fault | None]:
    """What is wrong with a stream, row by row; None for each row that is as it was written."""
    until = heads_of(connection, stream)
    following = Following(stream.name, until, None if first == LEAST else partial(before, connection, stream))
    for found in rows_of(connection, stream, until, first, since):
        if following.is_later(found.row):
            continue
        what = following.follow(found.row) or sealed.fault(stream.name, found.row)
        faults = [
            one for one in (what, _of_details(stream, found, gone), _of_row(connection, stream, found)) if one
        ]
        yield Fault(stream.name, str(found.row.key), "; ".join(faults)) if faults else None
    yield from following.faults(heads_of(connection, stream))
    yield from sealed.missing(stream.name, until)


def _of_details(stream: Stream, found: Found, gone: Gone) -> str:
    if stream.details is None:
        return ""
    salt, *columns = found.beside
    if salt is not None:
        right = is_right(stream.name, found.values["digest"], salt, tuple(columns))
        return "" if right else "its details are not those of its digest"
    if gone.is_explained(stream.name, found.row.key, *found.whose):
        return ""
    return "its details are gone, and no act on record says why"


def _of_row(connection: sqlite3.Connection, stream: Stream, found: Found) -> str:
    """What only rows of this table have."""
    if stream.table is fates:
        return _of_fate(found)
    if stream.table in (decisions, in_force):
        digest = found.values["configuration"]
        known = digest is None or connection.execute(_CONFIGURED, {"digest": digest}).fetchone()
        return "" if known else f"its configuration {digest.hex()} is not on record"
    return ""


def _of_fate(found: Found) -> str:
    """I2: what was relayed was decided on first, and to be sent."""
    number, decision, relaxed = found.decision
    if number is None:
        return "the fate of no decision on record"
    if found.values["fate"] == FateKind.RELAYED and decision != "send" and relaxed != 1:
        return "a copy was relayed that was withheld"
    return ""


def stray_details(connection: sqlite3.Connection, stream: Stream, first: int) -> Iterator[Fault]:
    """Details of no row."""
    if stream.details is None:
        return
    key, owner = stream.details.c[0], stream.table.c[0]
    statement = select(key, key, owner).select_from(stream.details.outerjoin(stream.table, owner == key))
    for number, found in paged(connection, statement, [key], [max(first - 1, LEAST)]):
        if found is None:
            yield Fault(stream.details.name, str(number), "details of no row on record")


def place_faults(connection: sqlite3.Connection) -> Iterator[Fault]:
    """People whose rows of evidence are not all there: their places have a gap, or one is there twice."""
    for _, person, rows, places, least, most, newest in paged(connection, _PLACES, _PERSON, ["", b""]):
        if not rows == places == most or least != 1:
            what = f"of the {most} rows of person {person.hex()}, this one the newest, {places} are there"
            yield Fault("ledger", str(newest), what)


def configuration_faults(connection: sqlite3.Connection) -> Iterator[Fault]:
    """Configurations that are not what their digest says."""
    digest, content = configurations.c.digest, configurations.c.content
    for own, text in paged(connection, select(digest, digest, content), [digest], [b""]):
        if digest_of(text) != own:
            yield Fault("configurations", own.hex(), "altered: its content is not that of its digest")
