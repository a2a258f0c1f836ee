"""Retention in the store, as retaining.Retaining asks: read in pages, ended in short transactions (I7).

Rules of this file:

1. The act that says what lost its details is recorded in the transaction that deletes them; for the journal,
   of which all before one decision goes, before the first of them.
2. A row that a decision came to rest on after the plan was made is left: the journal is read on, up to the
   newest decision, in the very transaction that deletes.
"""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Table, bindparam, delete, func, literal_column, select

from gateway.ids import first_at
from gateway.law.evidence import Consent, Evidence, Purchase, Register
from gateway.ports import NewEvidence, StoreUnavailableError
from gateway.retaining import AUDIT, Due, HeldPerson, OldAct
from gateway.store import evidence
from gateway.store.acts import KEEP, RETENTION, Acting
from gateway.store.batches import YIELD, in_batches
from gateway.store.compiling import text_of
from gateway.store.erasure import deleting, kept_in, note_rested
from gateway.store.purging import purge
from gateway.store.reader import Reader
from gateway.store.spelling import micros, moment
from gateway.store.tables import (
    act_details,
    acts,
    decision_details,
    decisions,
    fate_details,
    ledger,
    ledger_details,
)
from gateway.store.writer import PATIENCE, Writer

PAGE = 2000  # rows read at once
AT_ONCE = 250  # details deleted in one transaction: some 5 ms
_LAST = b"\xff" * 16
_LAG = timedelta(minutes=10)  # an id may lag its decision's time by so much, at most
_EVIDENCE, _ACT = deleting(ledger_details), deleting(act_details)
_ROW = text_of(
    select(ledger.c.controller, ledger.c.person, *evidence.COLUMNS).where(ledger.c.id == bindparam("row"))
)
_NEWER = text_of(
    select(decisions.c.evidence).where(
        decisions.c.id >= bindparam("first"), decisions.c.evidence != literal_column("'[]'")
    )
)


def _ending(details: Table) -> str:
    """The text that deletes the oldest details of those before `:before`."""
    key = details.c.decision
    oldest = (
        select(key)
        .where(key < bindparam("before"))
        .order_by(key)
        .limit(bindparam("most"))
        .offset(literal_column("0"))
    )
    return text_of(delete(details).where(key.in_(oldest)))


_MAIL, _FATES = _ending(decision_details), _ending(fate_details)


class Retention:
    """Retention on the writer's and the reader's connections, and in the files."""

    def __init__(self, path: Path, writer: Writer, reader: Reader) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._acting = Acting(writer.chain, writer.ids.next, writer.entropy)

    async def people(self) -> AsyncIterator[HeldPerson]:
        """Everybody on record, of every controller, also of those no longer configured."""
        controller = ""
        while True:
            following = select(func.min(ledger.c.controller)).where(ledger.c.controller > controller)
            controller = (await self._reader.rows(following))[0][0]
            if controller is None:
                return
            async for person in self._people_of(controller):
                yield person

    async def _people_of(self, controller: str) -> AsyncIterator[HeldPerson]:
        first, last = b"", b""
        while last != _LAST:
            ends = await self._reader.rows(
                select(ledger.c.person)
                .where(ledger.c.controller == controller, ledger.c.person > first)
                .order_by(ledger.c.person)
                .limit(1)
                .offset(PAGE - 1)
            )
            last = ends[0][0] if ends else _LAST
            people: dict[bytes, tuple[list[Evidence], set[int]]] = {}
            for person, holds, *row in await self._page(controller, first, last):
                rows, detailed = people.setdefault(person, ([], set()))
                rows.append(evidence.evidence_of(*row))
                if holds:
                    detailed.add(row[0])
            for rows, detailed in people.values():
                yield HeldPerson(controller, rows, frozenset(detailed))
            first = last

    async def _page(self, controller: str, first: bytes, last: bytes) -> Sequence[Any]:
        holds = (ledger_details.c.address != "") | (ledger_details.c.details != "{}")
        return await self._reader.rows(
            select(ledger.c.person, holds, *evidence.COLUMNS)
            .select_from(ledger.outerjoin(ledger_details, ledger_details.c.evidence == ledger.c.id))
            .where(ledger.c.controller == controller, ledger.c.person > first, ledger.c.person <= last)
        )

    async def rested(self, rows: Mapping[int, object], since: datetime) -> dict[int, datetime]:
        """One pass over the journal since then. Raises StoreUnavailableError."""
        found: dict[int, int] = {}
        last = first_at(since - _LAG) - 1
        while True:
            page = await self._reader.rows(
                select(decisions.c.id, decisions.c.decided_at, decisions.c.evidence)
                .where(decisions.c.id > last)
                .order_by(decisions.c.id)
                .limit(PAGE)
            )
            cited: dict[int, int] = {}
            for _, at, rests_on in page:
                note_rested(cited, rests_on, at)
            for number in cited.keys() & rows.keys():
                found[number] = max(found.get(number, cited[number]), cited[number])
            if len(page) < PAGE:
                return {number: moment(at) for number, at in found.items()}
            last = page[-1].id

    async def decisions(self) -> AsyncIterator[tuple[int, datetime]]:
        """Those with details, in the order of ids. Raises StoreUnavailableError."""
        last = -1
        while True:
            page = await self._reader.rows(
                select(decisions.c.id, decisions.c.decided_at)
                .select_from(decision_details.join(decisions, decisions.c.id == decision_details.c.decision))
                .where(decision_details.c.decision > last)
                .order_by(decision_details.c.decision)
                .limit(PAGE)
            )
            for number, at in page:
                yield number, moment(at)
            if len(page) < PAGE:
                return
            last = page[-1].id

    async def acts(self) -> AsyncIterator[OldAct]:
        """Every act with details but those that prove why others are gone. Raises StoreUnavailableError."""
        last = -1
        while True:
            page = await self._reader.rows(
                select(acts.c.id, acts.c.act, acts.c.at, act_details.c.details)
                .select_from(acts.join(act_details, act_details.c.act == acts.c.id))
                .where(acts.c.id > last, acts.c.act != RETENTION)
                .order_by(acts.c.id)
                .limit(PAGE)
            )
            for number, act, at, details in page:
                if act == KEEP:
                    kept = kept_in(details)
                    yield OldAct(number, kept[0].kind, max(one.until for one in kept))
                else:
                    yield OldAct(number, AUDIT, moment(at))
            if len(page) < PAGE:
                return
            last = page[-1].id

    async def end_evidence(self, kind: str, due: Sequence[Due], now: datetime, seen_since: datetime) -> None:
        """Rules 1 and 2. Raises StoreUnavailableError."""
        resting: dict[int, int] = {}
        first = first_at(seen_since - _LAG)

        def work(connection: sqlite3.Connection, batch: Sequence[Due]) -> None:
            for (rests_on,) in connection.execute(_NEWER, {"first": first}):
                note_rested(resting, rests_on, 0)
            going = [one for one in batch if not (one.counts and one.id in resting)]
            if not going:
                return
            self._record(connection, now, {"class": kind, "ledger": [one.id for one in going]})
            self._correct(connection, [one.id for one in going if one.counts], now)
            connection.executemany(_EVIDENCE, [{"row": one.id} for one in going])

        await in_batches(self._writer, due, work)

    def _record(self, connection: sqlite3.Connection, now: datetime, details: Mapping[str, object]) -> None:
        self._acting.record(connection, RETENTION, micros(now), "", None, details)

    def _correct(self, connection: sqlite3.Connection, ids: Sequence[int], now: datetime) -> None:
        """Put on record that these rows count no more, if they did (retaining.py, rule 3)."""
        writer, corrections = self._writer, []
        for number in ids:
            controller, person, *row = connection.execute(_ROW, {"row": number}).fetchone()
            if changed := _unproven(evidence.evidence_of(*row)):
                fact = replace(changed, id=0, recorded_at=now, corrects=number)
                content = hashlib.sha256(f"retention {number}".encode()).digest()[:16]
                corrections.append(NewEvidence(controller, person, fact, content))
        number_of, entropy = writer.ids.next, writer.entropy
        evidence.append(connection, corrections, number_of, entropy, writer.chain, again=False)

    async def end_decisions(self, before: int, now: datetime) -> None:
        """Raises StoreUnavailableError."""
        told = {"class": "journal", "before": before}
        await self._writer.run(lambda connection: self._record(connection, now, told), PATIENCE)
        for statement in (_MAIL, _FATES):
            end = partial(_end_some, statement=statement, before=before)
            ended = AT_ONCE
            while ended == AT_ONCE:
                ended = await self._writer.run(end, PATIENCE)
                await asyncio.sleep(YIELD)

    async def end_acts(self, kind: str, due: Sequence[int], now: datetime) -> None:
        """Raises StoreUnavailableError."""

        def work(connection: sqlite3.Connection, batch: Sequence[int]) -> None:
            self._record(connection, now, {"class": kind, "acts": list(batch)})
            connection.executemany(_ACT, [{"row": number} for number in batch])

        await in_batches(self._writer, due, work)

    async def purge(self, patience: float) -> bool:
        """Whether no byte of what was deleted is left in any file. Raises StoreUnavailableError."""
        try:
            return await asyncio.to_thread(purge, self._path, patience)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailableError(str(error)) from error


def _end_some(connection: sqlite3.Connection, statement: str, before: int) -> int:
    """How many details were deleted."""
    return connection.execute(statement, {"before": before, "most": AT_ONCE}).rowcount


def _unproven(fact: Evidence) -> Evidence | None:
    """The row as it is without its proof; None where it proved nothing that mail rests on."""
    if isinstance(fact, Consent) and fact.proven:
        return replace(fact, proven=False)
    if isinstance(fact, Purchase) and fact.optout_offered_how:
        return replace(fact, optout_offered_how=False)
    if isinstance(fact, Register) and not fact.listed and fact.proven:
        return replace(fact, proven=False)
    return None
