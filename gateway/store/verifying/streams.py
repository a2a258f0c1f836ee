"""The streams of evidence as they are read: each row with its details, a writer's in the order of its chain.

Ids rise along a writer's chain, so tables are read by id; fates, whose ids are their decisions', by place.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Column, FromClause, Select, Table, bindparam, select

from gateway.store.chain import Head
from gateway.store.compiling import text_of
from gateway.store.tables import (
    act_details,
    acts,
    decision_details,
    decisions,
    fate_details,
    fates,
    heads,
    in_force,
    ledger,
    ledger_details,
)
from gateway.store.verifying.following import Row
from gateway.store.verifying.pages import LEAST, MOST, paged

_HEADS = text_of(select(heads.c.writer, heads.c.n, heads.c.link).where(heads.c.stream == bindparam("stream")))
_PLACES = [fates.c.writer, fates.c.n, fates.c.decision]  # the last, lest rows in one place hide one another
_FATE_AT = text_of(
    select(fates.c.at)
    .where(fates.c.writer == bindparam("of"), fates.c.n >= bindparam("n"))
    .order_by(fates.c.n)
)

_MAIL = (decisions.c.controller, decisions.c.person, decisions.c.decided_at)


@dataclass(frozen=True, slots=True)
class Stream:
    """A table of evidence, the details beside it, and about whom and when these were recorded."""

    table: Table
    details: Table | None
    whose: tuple[Column[Any], ...] = ()  # controller, person, and the moment in microseconds

    @property
    def name(self) -> str:
        """The table's name, which names its chains too."""
        return self.table.name


STREAMS = (
    Stream(ledger, ledger_details, (ledger.c.controller, ledger.c.person, ledger.c.recorded_at)),
    Stream(decisions, decision_details, _MAIL),
    Stream(fates, fate_details, _MAIL),  # erased with their decision, even where they came a moment later
    Stream(acts, act_details, (acts.c.controller, acts.c.person, acts.c.at)),
    Stream(in_force, None),
)


@dataclass(frozen=True, slots=True)
class Found:
    """A row as it was read: its values by column, and those of its details, none where these are gone."""

    row: Row
    values: Mapping[str, Any]
    whose: tuple[Any, ...]  # as of its stream
    beside: tuple[Any, ...]  # salt, and the columns it is digested with
    decision: tuple[Any, ...] = ()  # of a fate: its decision's id, decision and relaxed


def heads_of(connection: sqlite3.Connection, stream: Stream) -> dict[int, Head]:
    """The heads of its chains that are on record now, by writer."""
    found = connection.execute(_HEADS, {"stream": stream.name})
    return {writer: Head(n, link) for writer, n, link in found.fetchall()}


def rows_of(
    connection: sqlite3.Connection, stream: Stream, until: Mapping[int, Head], first: int, since: int
) -> Iterator[Found]:
    """Its rows from the id `first` on, or of fates from the moment `since` on; LEAST for all."""
    names, details = stream.table.c.keys(), len(stream.details.c) if stream.details is not None else 0
    end = len(names)
    for columns in _read(connection, stream, until, first, since):
        row = Row(columns[0], columns[: end - 1], *columns[end - 3 : end])
        beside = columns[end + 1 : end + details]
        rest = columns[end + details :]
        whose, decision = rest[: len(stream.whose)], rest[len(stream.whose) :]
        yield Found(row, dict(zip(names, columns, strict=False)), whose, beside, decision)


def before(connection: sqlite3.Connection, stream: Stream, row: Row) -> Head | None:
    """What is on record before this row in its chain, whose link is taken as found."""
    table = stream.table
    if table is fates:
        known, order = fates.c.n == bindparam("n"), fates.c.n
    else:
        known, order = table.c.id < bindparam("key"), table.c.id
    statement = select(table.c.n, table.c.link).where(table.c.writer == bindparam("of"), known)
    text = text_of(statement.order_by(order.desc()))
    found = connection.execute(text, {"of": row.writer, "n": row.n - 1, "key": row.key}).fetchone()
    return Head(*found) if found else None


def _read(
    connection: sqlite3.Connection, stream: Stream, until: Mapping[int, Head], first: int, since: int
) -> Iterator[tuple[Any, ...]]:
    key = _PLACES if stream.table is fates else [stream.table.c.id]
    statement = _whole(stream, key)
    if stream.table is not fates:
        yield from paged(connection, statement, key, [max(first - 1, LEAST)])
    elif first == LEAST:
        yield from paged(connection, statement, key, [LEAST] * len(key))
    else:
        statement = statement.where(fates.c.writer == bindparam("of"))
        for writer, head in until.items():
            start = bisect_left(range(1, head.n + 1), since, key=partial(_fate_at, connection, writer))
            yield from paged(connection, statement, key, [writer, start, MOST], of=writer)


def _fate_at(connection: sqlite3.Connection, writer: int, n: int) -> int:
    """When the fate in that place came: one after another, but for those held through an outage."""
    found = connection.execute(_FATE_AT, {"of": writer, "n": n}).fetchone()
    return found[0] if found else MOST


def _whole(stream: Stream, key: list[Column[Any]]) -> Select[Any]:
    """Key, row, details, whose it is, and of a fate what its decision was."""
    table, details = stream.table, stream.details
    columns: list[Column[Any]] = [*key, *table.c]
    source: FromClause = table
    if details is not None:
        columns += details.c
        source = source.outerjoin(details, details.c[0] == table.c[0])
    columns += stream.whose
    if table is fates:
        columns += [decisions.c.id, decisions.c.decision, decisions.c.relaxed]
        source = source.outerjoin(decisions, decisions.c.id == fates.c.decision)
    return select(*columns).select_from(source)
