"""What a reader asks of SQLite: every statement as it was run, its plan, and what it took."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import event

from gateway.store.opening import Store

EACH = 100  # instructions of SQLite's machine after which it is asked


@dataclass
class Statements:
    """Statements with their parameters, in order."""

    run: list[tuple[str, Any]] = field(default_factory=list)

    def plans(self, path: Path) -> dict[str, list[str]]:
        """The steps of each statement's plan, by its text."""
        with closing(sqlite3.connect(path)) as database:
            return {
                text: [step[3] for step in database.execute(f"EXPLAIN QUERY PLAN {text}", given)]
                for text, given in self.run
            }

    def cost(self, path: Path) -> int:
        """Instructions, in hundreds, that running them all takes: the same however busy the machine is."""
        counted = 0

        def count() -> int:
            nonlocal counted
            counted += 1
            return 0

        with closing(sqlite3.connect(path)) as database:
            database.set_progress_handler(count, EACH)
            for text, given in self.run:
                database.execute(text, given).fetchall()
        return counted


@contextmanager
def statements(store: Store) -> Iterator[Statements]:
    """Those that the store's reader runs in this block."""
    found = Statements()
    engine = store.withheld._reader._engine

    def note(_connection: object, _cursor: object, text: str, given: object, *_: object) -> None:
        found.run.append((text, given))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)
