"""The text of SQLAlchemy Core statements, compiled once for the writer's connection (design section 6).

A statement that deals with many rows at once is one call of SQLite instead of many, and each call gives up
the interpreter's lock. Its text depends on how many rows there are, so these come in a few sizes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import CTE, ClauseElement, Column, ColumnElement, Table, column, literal_column, values
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import Insert, insert

_NAMED = sqlite.dialect(paramstyle="named")
_POSITIONAL = sqlite.dialect(paramstyle="qmark")
SIZES = (32, 16, 8, 4, 2, 1)  # rows of one statement


def unindexed(named: Column[Any]) -> ColumnElement[Any]:
    """A column that SQLite tests, and finds no rows by: what else is asked for finds fewer."""
    return literal_column(f"+{named}", named.type)


def text_of(statement: ClauseElement) -> str:
    """The statement's text, its parameters written `:name`."""
    return str(statement.compile(dialect=_NAMED))


class Inserting:
    """INSERT of any number of rows, each a tuple in the order of the table's columns."""

    def __init__(
        self, table: Table, finish: Callable[[Insert], Insert] = lambda statement: statement
    ) -> None:
        """`finish` adds what is to happen on a conflict."""
        self._table = table
        self._finish = finish
        self._texts: dict[int, str] = {}

    def __call__(self, connection: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
        """Insert them in order. Raises sqlite3.Error."""
        at = 0
        for size in SIZES:
            while len(rows) - at >= size:
                connection.execute(self._text(size), list(chain.from_iterable(rows[at : at + size])))
                at += size

    def _text(self, size: int) -> str:
        if size not in self._texts:
            row = dict.fromkeys(self._table.columns.keys())
            statement = self._finish(insert(self._table).values([row] * size))
            self._texts[size] = str(statement.compile(dialect=_POSITIONAL))
        return self._texts[size]


class Matching:
    """A statement over the rows that match any of a number of keys."""

    def __init__(
        self,
        columns: Sequence[Column[object]],
        build: Callable[[CTE], ClauseElement],
        sizes: Sequence[int] = SIZES,
    ) -> None:
        """`build` makes it from a table of the keys `wanted`, with columns named as `columns` are.

        `sizes` are how many keys one statement takes, the most first, down to 1.
        """
        self._sizes = sizes
        self._columns = [column(it.name, it.type) for it in columns]
        self._build = build
        self._texts: dict[int, str] = {}

    def __call__(
        self, connection: sqlite3.Connection, keys: Sequence[tuple[object, ...]]
    ) -> list[tuple[object, ...]]:
        """What it yields for these keys, in no order. Raises sqlite3.Error."""
        found: list[tuple[object, ...]] = []
        at = 0
        for size in self._sizes:
            while len(keys) - at >= size:
                cursor = connection.execute(self._text(size), list(chain.from_iterable(keys[at : at + size])))
                found += cursor.fetchall()
                at += size
        return found

    def _text(self, size: int) -> str:
        if size not in self._texts:
            empty = tuple("" for _ in self._columns)
            wanted = values(*self._columns, name="wanted").data([empty] * size).cte("wanted")
            self._texts[size] = str(self._build(wanted).compile(dialect=_POSITIONAL))
        return self._texts[size]
