"""Details that are gone: whether an act on record says that they were erased (I7; acts.py says how)."""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from typing import Any

from sqlalchemy import bindparam, literal_column, select

from gateway.store.acts import ERASE, RETENTION
from gateway.store.compiling import text_of
from gateway.store.tables import act_details, acts, heads
from gateway.store.verifying.pages import LEAST, paged

_ERASED = text_of(
    select(acts.c.id).where(
        acts.c.act == literal_column(f"'{ERASE}'"),
        acts.c.controller == bindparam("controller"),
        acts.c.person == bindparam("person"),
        acts.c.at >= bindparam("at"),
    )
)
_RETENTIONS = (
    select(acts.c.id, acts.c.controller, act_details.c.details)
    .select_from(acts.join(act_details, act_details.c.act == acts.c.id))
    .where(acts.c.act == literal_column(f"'{RETENTION}'"))
)
_HEADS = text_of(select(heads.c.writer, heads.c.n).where(heads.c.stream == literal_column(f"'{acts.name}'")))
_ALL = ""  # the controller of an act for all of them


class Gone:
    """What acts of retention erased: in a file of its own, since it may be most of the store."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._notes = sqlite3.connect("", isolation_level=None)  # SQLite removes it when it is closed
        self._notes.execute("PRAGMA journal_mode=OFF")
        self._notes.execute(
            "CREATE TABLE gone (stream, controller, id, PRIMARY KEY (stream, controller, id)) WITHOUT ROWID"
        )
        self._before: dict[str, int] = {}  # by controller: what of the journal is gone
        self._read_at: object = None  # the heads when the acts were read

    def close(self) -> None:
        """Let go of the notes."""
        self._notes.close()

    def is_explained(self, stream: str, key: int, controller: str, person: bytes | None, at: int) -> bool:
        """Whether an act says why details are gone, which were recorded `at` a moment in microseconds."""
        erased = self._connection.execute(_ERASED, {"controller": controller, "person": person, "at": at})
        if erased.fetchone():
            return True
        return self._is_past_its_term(stream, key, controller) or (
            self._read_again() and self._is_past_its_term(stream, key, controller)
        )

    def _is_past_its_term(self, stream: str, key: int, controller: str) -> bool:
        if stream in ("decisions", "fates"):
            return key < max(self._before.get(whose, LEAST) for whose in (_ALL, controller))
        query = "SELECT 1 FROM gone WHERE stream = ? AND controller IN (?, ?) AND id = ?"
        return self._notes.execute(query, (stream, _ALL, controller, key)).fetchone() is not None

    def _read_again(self) -> bool:
        """Read the acts, if there are others than when they were last read; whether there were."""
        now = sorted(self._connection.execute(_HEADS).fetchall())
        if now == self._read_at:
            return False
        self._read_at = now
        for controller, text in paged(self._connection, _RETENTIONS, [acts.c.id], [LEAST]):
            with suppress(ValueError, TypeError, AttributeError):  # altered, which its own digest tells
                self._note(controller, json.loads(text))
        return True

    def _note(self, controller: str, details: dict[str, Any]) -> None:
        for stream in ("ledger", "acts"):
            rows = [(stream, controller, number) for number in details.get(stream, ())]
            self._notes.executemany("INSERT OR IGNORE INTO gone VALUES (?, ?, ?)", rows)
        if "before" in details:
            self._before[controller] = max(details["before"], self._before.get(controller, LEAST))
