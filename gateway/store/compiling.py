"""The text of SQLAlchemy Core statements, compiled once for the writer's connection (design section 6)."""

from __future__ import annotations

from sqlalchemy import ClauseElement
from sqlalchemy.dialects import sqlite

_DIALECT = sqlite.dialect(paramstyle="named")


def text_of(statement: ClauseElement) -> str:
    """The statement's text, its parameters written `:name`."""
    return str(statement.compile(dialect=_DIALECT))
