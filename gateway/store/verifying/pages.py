"""Reading a table of any length in short reads, along an index (design section 6)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, bindparam, cast, tuple_

from gateway.store import database
from gateway.store.compiling import text_of

PAGE = 1000  # rows of one read
LEAST, MOST = -(1 << 63), (1 << 63) - 1
_PATIENCE = 2.0  # seconds SQLite waits where a reader must wait at all


def connect(path: Path) -> sqlite3.Connection:
    """A connection that only reads, and reads text that is no text any more. Raises sqlite3.Error."""
    connection = database.connect(path, patience=_PATIENCE)
    connection.execute("PRAGMA query_only=ON")
    connection.text_factory = lambda octets: octets.decode("utf-8", "surrogateescape")
    return connection


def paged(
    connection: sqlite3.Connection,
    statement: Select[Any],
    key: Sequence[ColumnElement[Any]],
    after: Sequence[object],
    **more: object,
) -> Iterator[tuple[Any, ...]]:
    """Every row of the statement in the order of `key`, from the one after `after`.

    The statement's first columns are the key's; its values for them are not yielded. `more` holds its own
    parameters. No read goes on while a row is looked at.
    """
    names = [f"key_{place}" for place in range(len(key))]
    last = tuple_(*key) > tuple_(*map(_bound, key, names))
    text = f"{text_of(statement.where(last).order_by(*key))} LIMIT {PAGE}"
    while True:
        values = dict(zip(names, map(_octets, after), strict=True)) | more
        rows = connection.execute(text, values).fetchall()
        for row in rows:
            yield row[len(key) :]
        if len(rows) < PAGE:
            return
        after = rows[-1][: len(key)]


def _bound(column: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    """Text goes in as its octets, lest what is no text any more cannot be said."""
    return cast(bindparam(name), Text) if isinstance(column.type, Text) else bindparam(name)


def _octets(value: object) -> object:
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
