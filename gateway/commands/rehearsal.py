"""A ledger that records nothing: what an import would do (`import --dry-run`)."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, tuple_

from gateway import keys as keys_file
from gateway.config import Config
from gateway.keys import Keys
from gateway.law.evidence import Evidence
from gateway.opening import SystemClock, store_of
from gateway.ports import Appended, Clock, ErasedError, NewEvidence
from gateway.store import database
from gateway.store.acts import ERASE
from gateway.store.evidence import too_old
from gateway.store.ledger import evidence, find
from gateway.store.reader import Reader
from gateway.store.tables import acts, ledger

ROWS = 200  # looked up in one read


class RehearsedLedger:
    """As ports.Ledger, but a row is only looked up; without a store, nothing is on record."""

    def __init__(self, reader: Reader | None) -> None:
        self.reader = reader
        self._notes = sqlite3.connect("", isolation_level=None)  # SQLite removes it when it is closed
        self._notes.execute("PRAGMA journal_mode=OFF")
        self._notes.execute("CREATE TABLE taken (content PRIMARY KEY) WITHOUT ROWID")

    def close(self) -> None:
        """Let go of the notes."""
        self._notes.close()

    async def append(self, rows: Sequence[NewEvidence], *, again: bool = False) -> list[Appended]:
        """Which rows are on record already, or came before. Raises StoreUnavailableError or ErasedError."""
        if older := too_old(rows, await self._erased(rows)):
            raise ErasedError(older)
        known: dict[tuple[bytes, bytes], int] = {}
        for start in range(0, len(rows), ROWS):
            known |= await self._known(rows[start : start + ROWS])
        found = [known.get((row.person, row.content)) for row in rows]
        return [
            Appended(number or 0, new=again or (number is None and self._take(row.content)))
            for row, number in zip(rows, found, strict=True)
        ]

    def _take(self, content: bytes) -> bool:
        """Note that such a row came; whether it is the first."""
        return self._notes.execute("INSERT OR IGNORE INTO taken VALUES (?)", (content,)).rowcount == 1

    async def _known(self, rows: Sequence[NewEvidence]) -> dict[tuple[bytes, bytes], int]:
        if self.reader is None or not rows:
            return {}
        statement = select(ledger.c.person, ledger.c.content, ledger.c.id).where(
            ledger.c.controller == rows[0].controller,
            ledger.c.person.in_({row.person for row in rows}),
            tuple_(ledger.c.person, ledger.c.content).in_([(row.person, row.content) for row in rows]),
        )
        return {(person, content): number for person, content, number in await self.reader.rows(statement)}

    async def _erased(self, rows: Sequence[NewEvidence]) -> dict[tuple[str, bytes], int]:
        if self.reader is None or not rows:
            return {}
        statement = (
            select(acts.c.controller, acts.c.person, func.max(acts.c.at))
            .where(
                acts.c.act == ERASE,
                acts.c.controller == rows[0].controller,
                acts.c.person.in_({row.person for row in rows}),
            )
            .group_by(acts.c.controller, acts.c.person)
        )
        return {(controller, person): at for controller, person, at in await self.reader.rows(statement)}

    async def evidence(
        self, controller: str, person: bytes, recorded_by: datetime | None = None
    ) -> list[Evidence]:
        """The facts on record for a person. Raises StoreUnavailableError."""
        return await evidence(self.reader, controller, person, recorded_by) if self.reader else []

    async def find(self, controller: str, person: bytes, number: int) -> Evidence | None:
        """The row of that id, if it is this person's. Raises StoreUnavailableError."""
        return await find(self.reader, controller, person, number) if self.reader else None


@dataclass(frozen=True, slots=True)
class RehearsalRooms:
    """What an import asks of the house, without anything that could change it."""

    config: Config
    keys: Keys
    ledger: RehearsedLedger
    clock: Clock


@asynccontextmanager
async def rehearsal(config: Config) -> AsyncIterator[RehearsalRooms]:
    """The rooms for a rehearsal; before the first start, with keys and a store that are never made.

    Raises KeysError, FileNotFoundError where one of the two lacks, SchemaError or KeysMismatchError.
    """
    path, url = config.gateway.keys_file, config.store.url
    if not path.exists() and not database.path_of(url).exists():
        with closing(RehearsedLedger(None)) as rehearsed:
            yield RehearsalRooms(config, keys_file.fresh(), rehearsed, SystemClock())
        return
    store_of(config)
    keys = keys_file.load(path)
    state = database.check(url)
    if state.fault:
        raise database.SchemaError(state.fault)
    database.verify_keys(url, keys.check)
    reader = Reader(database.path_of(url))
    try:
        with closing(RehearsedLedger(reader)) as rehearsed:
            yield RehearsalRooms(config, keys, rehearsed, SystemClock())
    finally:
        await reader.close()
