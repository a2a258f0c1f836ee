"""The text of SQLAlchemy Core statements, compiled once for the writer's connection (design section 6).

A statement that deals with many rows at once is one call of SQLite instead of many, and each call gives up
the interpreter's lock, for which others wait. Its text depends on how many rows there are: rows are inserted
by a text for just so many, and keys looked up by one of a few, filled up with keys that nothing matches.
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
MOST = 32  # rows, or keys, of one statement


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
        for at in range(0, len(rows), MOST):
            some = rows[at : at + MOST]
            connection.execute(self._text(len(some)), list(chain.from_iterable(some)))

    def _text(self, size: int) -> str:
        if size not in self._texts:
            row = dict.fromkeys(self._table.columns.keys())
            statement = self._finish(insert(self._table).values([row]))
            one = f"({', '.join('?' * len(row))})"  # said so often; to compile 32 rows takes milliseconds
            text = str(statement.compile(dialect=_POSITIONAL))
            self._texts[size] = text.replace(one, ", ".join([one] * size), 1)
        return self._texts[size]


class Matching:
    """A statement over the rows that match any of a number of keys."""

    def __init__(
        self,
        columns: Sequence[Column[Any]],
        build: Callable[[CTE], ClauseElement],
        most: int = MOST,
    ) -> None:
        """`build` makes it from a table of the keys `wanted`, with columns named as `columns` are.

        `most` is how many keys one statement takes, a power of two.
        """
        self._most = most
        self._columns = [column(it.name, it.type) for it in columns]
        self._nothing = (None,) * len(columns)  # NULL equals no key
        self._build = build
        self._texts: dict[int, str] = {}

    def __call__(
        self, connection: sqlite3.Connection, keys: Sequence[tuple[object, ...]]
    ) -> list[tuple[object, ...]]:
        """What it yields for these keys, in no order. Raises sqlite3.Error."""
        found: list[tuple[object, ...]] = []
        for at in range(0, len(keys), self._most):
            some = keys[at : at + self._most]
            size = 1 << (len(some) - 1).bit_length()
            filled = (*some, *[self._nothing] * (size - len(some)))
            found += connection.execute(self._text(size), list(chain.from_iterable(filled))).fetchall()
        return found

    def _text(self, size: int) -> str:
        if size not in self._texts:
            any_key = ("",) * len(self._columns)  # for None there would be no parameter
            wanted = values(*self._columns, name="wanted").data([any_key] * size).cte("wanted")
            self._texts[size] = str(self._build(wanted).compile(dialect=_POSITIONAL))
        return self._texts[size]
