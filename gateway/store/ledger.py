"""The ledger, as ports.Ledger asks: append-only evidence, committed before it is acknowledged (I3)."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter
from typing import TypeAlias

from sqlalchemy import bindparam, literal_column, select

from gateway.law.evidence import Evidence
from gateway.ports import Appended, ErasedError, NewEvidence, Proof, StoreUnavailableError
from gateway.store import evidence as rows_of
from gateway.store.glance import Glance
from gateway.store.job import Kind
from gateway.store.reader import Reader
from gateway.store.spelling import micros
from gateway.store.tables import ledger, ledger_details
from gateway.store.writer import PATIENCE, Writer

FIRST_BATCH, LARGEST_BATCH = 50, 500  # rows
SHORT = 0.020  # seconds a transaction of a bulk append may last (design section 6)
YIELD = 0.002  # seconds between two of them: longer than another writer's pause between tries
GLANCED = 50  # rows of one person at most that are read on the caller's own thread; few have so many

Asked: TypeAlias = tuple[Sequence[NewEvidence], bool]  # rows, and `again` (ports.Ledger.append)
Became: TypeAlias = list[Appended] | ErasedError


class Ledger:
    """Evidence on the writer's and the reader's connections."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader
        self._glance = Glance(reader.path, _THEIRS)
        self._append = _appending(writer)

    async def append(
        self, rows: Sequence[NewEvidence], *, again: bool = False, patience: float = PATIENCE
    ) -> list[Appended]:
        """Commit the rows, all or none, in order; see ports.Ledger.append.

        Raises StoreUnavailableError or ErasedError.
        """
        done = await self._writer.run_with(self._append, (rows, again), patience)
        if isinstance(done, ErasedError):
            raise done
        return done

    async def append_in_batches(self, rows: Iterable[NewEvidence]) -> AsyncIterator[list[Appended]]:
        """Commit any number of rows in short transactions, and let others write in between.

        Yields what became of each batch once it is committed. Raises StoreUnavailableError; what was
        yielded stays.
        """
        clock = asyncio.get_running_loop()
        waiting = iter(rows)
        size = FIRST_BATCH
        while batch := list(islice(waiting, size)):
            started = clock.time()
            appended = await self.append(batch)
            took = clock.time() - started
            size = max(1, size // 2) if took > SHORT else min(size * 2, LARGEST_BATCH)
            yield appended
            await asyncio.sleep(YIELD)

    async def evidence(
        self, controller: str, person: bytes, recorded_by: datetime | None = None
    ) -> list[Evidence]:
        """The facts on record for a person, oldest first. Raises StoreUnavailableError."""
        if recorded_by is None:
            with suppress(StoreUnavailableError):  # then the reader waits for what a glance does not wait for
                found = self._glance.rows(person, controller=controller)
                if len(found) <= GLANCED:
                    return [rows_of.evidence_of(*row) for row in found]
        return await evidence(self._reader, controller, person, recorded_by)

    async def evidence_of_many(
        self, controller: str, people: Collection[bytes]
    ) -> Mapping[bytes, list[Evidence]]:
        """The facts on record for each of some hundred people, oldest first, in one read.

        Who has none is left out. Raises StoreUnavailableError.
        """
        statement = select(ledger.c.person, *rows_of.COLUMNS).where(
            ledger.c.controller == controller, ledger.c.person.in_(people)
        )
        found: defaultdict[bytes, list[Evidence]] = defaultdict(list)
        for person, *row in await self._reader.rows(statement.order_by(ledger.c.id)):
            found[person].append(rows_of.evidence_of(*row))
        return dict(found)

    async def find(self, controller: str, person: bytes, number: int) -> Evidence | None:
        """The row of that id, if it is this person's of this controller (I8): what a correction may name."""
        return await find(self._reader, controller, person, number)

    async def proofs(self, controller: str, person: bytes, numbers: Collection[int]) -> list[Proof]:
        """Of the rows of these ids those of this person of this controller (I8); see ports.ProvenLedger."""
        statement = (
            select(*rows_of.COLUMNS, ledger_details.c.details)
            .select_from(ledger.outerjoin(ledger_details, ledger_details.c.evidence == ledger.c.id))
            .where(ledger.c.id.in_(numbers), ledger.c.controller == controller, ledger.c.person == person)
            .order_by(ledger.c.id)
        )
        found = await self._reader.rows(statement)
        return [Proof(rows_of.evidence_of(*row), _source(details)) for *row, details in found]

    def close(self) -> None:
        """Let go of what this has open by itself."""
        self._glance.close()


def _appending(writer: Writer) -> Kind[Asked, Became]:
    """Appends for all who ask in one round at once: their rows are few, and each statement costs the same."""
    number, entropy, chain = writer.ids.next, writer.entropy, writer.chain

    def together(
        connection: sqlite3.Connection, asked: list[Sequence[NewEvidence]], again: bool
    ) -> list[Became]:
        older = [rows_of.erased(connection, rows) for rows in asked]
        fit = [row for rows, old in zip(asked, older, strict=True) if not old for row in rows]
        appended = iter(rows_of.append(connection, fit, number, entropy, chain, again=again))
        return [
            ErasedError(old) if old else list(islice(appended, len(rows)))
            for rows, old in zip(asked, older, strict=True)
        ]

    def do(connection: sqlite3.Connection, asked: Sequence[Asked]) -> list[Became]:
        became: list[Became] = []
        for again, those in groupby(asked, key=itemgetter(1)):
            became += together(connection, [rows for rows, _ in those], again)
        return became

    return Kind(do, rank=1)  # before decisions, which see all of their round


_THEIRS = (
    select(*rows_of.COLUMNS)
    .where(ledger.c.controller == bindparam("controller"), ledger.c.person == bindparam("key"))
    .order_by(ledger.c.id)
    .limit(literal_column(str(GLANCED + 1)))
    .offset(literal_column("0"))
)


def _source(details: str | None) -> str | None:
    return None if details is None else str(json.loads(details).get("source", ""))


async def find(reader: Reader, controller: str, person: bytes, number: int) -> Evidence | None:
    """The row of that id, if it is this person's, for whoever only reads. Raises StoreUnavailableError."""
    statement = select(*rows_of.COLUMNS).where(
        ledger.c.id == number, ledger.c.controller == controller, ledger.c.person == person
    )
    found = await reader.rows(statement)
    return rows_of.evidence_of(*found[0]) if found else None


async def evidence(
    reader: Reader, controller: str, person: bytes, recorded_by: datetime | None = None
) -> list[Evidence]:
    """The facts on record for a person, for whoever only reads. Raises StoreUnavailableError."""
    statement = select(*rows_of.COLUMNS).where(ledger.c.controller == controller, ledger.c.person == person)
    if recorded_by is not None:
        statement = statement.where(ledger.c.recorded_at <= micros(recorded_by))
    return [rows_of.evidence_of(*row) for row in await reader.rows(statement.order_by(ledger.c.id))]
