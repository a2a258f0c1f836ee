"""Erasure in the store, as erasing.Erasure asks: details and salts go, rows stay (I7).

Rules of this file:

1. What is held is read in short reads; what is deleted, in short transactions (design section 6).
2. What a legal term keeps is recorded in the very transaction that deletes the rest of that row's details.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Table, and_, bindparam, delete, func, or_, select

from gateway.erasing import Held, HeldRow, Kept
from gateway.ports import NewEvidence, StoreUnavailableError
from gateway.store import evidence
from gateway.store.acts import ERASE, KEEP, Acting
from gateway.store.batches import in_batches
from gateway.store.compiling import text_of
from gateway.store.purging import purge
from gateway.store.reader import Reader
from gateway.store.spelling import micros, moment
from gateway.store.tables import (
    act_details,
    acts,
    decision_details,
    decisions,
    fate_details,
    fates,
    idempotency,
    ledger,
    ledger_details,
)
from gateway.store.writer import PATIENCE, Writer

DAYS = 90  # of the journal looked at in one read
PAGE = 2000  # rows of evidence read at once
RELAYING = timedelta(minutes=10)  # no relay lasts longer (RFC 5321 section 4.5.3.2.6)


def deleting(details: Table) -> str:
    """The text that deletes the details of one row, by `:row`."""
    return text_of(delete(details).where(details.c[0] == bindparam("row")))


_EVIDENCE, _MAIL, _FATE, _ACT = map(deleting, (ledger_details, decision_details, fate_details, act_details))
_ANSWERS = text_of(delete(idempotency))


@dataclass(slots=True)
class _Mail:
    """What the journal holds of a person."""

    ids: list[int] = field(default_factory=list)
    rested: dict[int, int] = field(default_factory=dict)
    under_way: bool = False


class Erasure:
    """Erasure on the writer's and the reader's connections, and in the files."""

    def __init__(self, path: Path, writer: Writer, reader: Reader) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._acting = Acting(writer.chain, writer.ids.next, writer.entropy)

    async def held(self, controller: str, person: bytes, now: datetime) -> Held:
        """What is held on a person. Raises StoreUnavailableError."""
        rows = [row async for row in self._rows(controller, person)]
        mail = await self._mail(controller, person, now)
        done = await self._reader.rows(
            select(acts.c.id, acts.c.act, act_details.c.details)
            .select_from(acts.join(act_details, act_details.c.act == acts.c.id))
            .where(acts.c.controller == controller, acts.c.person == person)
        )
        kept = [one for _, act, text in done if act == KEEP for one in kept_in(text)]
        gone = [number for number, act, text in done if _may_go(act, text, now)]
        rested = {number: moment(at) for number, at in mail.rested.items()}
        still = [one for one in kept if one.until > now]
        return Held(rows, rested, mail.ids, gone, still, mail.under_way)

    async def _rows(self, controller: str, person: bytes) -> AsyncIterator[HeldRow]:
        last = -1
        while True:
            found = await self._reader.rows(
                select(*evidence.COLUMNS, ledger_details.c.address, ledger_details.c.details)
                .select_from(ledger.outerjoin(ledger_details, ledger_details.c.evidence == ledger.c.id))
                .where(ledger.c.controller == controller, ledger.c.person == person, ledger.c.id > last)
                .order_by(ledger.c.id)
                .limit(PAGE)
            )
            for *row, address, details in found:
                holds = details is not None and (address or details != "{}")
                beside = json.loads(details) | {"address": address} if holds else None
                yield HeldRow(evidence.evidence_of(*row), beside)
            if len(found) < PAGE:
                return
            last = found[-1].id

    async def _mail(self, controller: str, person: bytes, now: datetime) -> _Mail:
        mail = _Mail()
        edges = [func.min(decisions.c.day), func.max(decisions.c.day)]
        days = [
            (await self._reader.rows(select(edge).where(decisions.c.controller == controller)))[0][0]
            for edge in edges  # apart: SQLite finds each by the index alone
        ]
        if days[0] is None:
            return mail
        beside = decisions.outerjoin(decision_details, decision_details.c.decision == decisions.c.id)
        beside = beside.outerjoin(fate_details, fate_details.c.decision == decisions.c.id)
        beside = beside.outerjoin(fates, fates.c.decision == decisions.c.id)
        statement = select(
            decisions.c.id,
            decisions.c.decided_at,
            decisions.c.evidence,
            or_(decision_details.c.decision.is_not(None), fate_details.c.decision.is_not(None)),
            and_(
                fates.c.decision.is_(None),
                or_(decisions.c.decision == "send", decisions.c.relaxed == 1),
                decisions.c.decided_at > micros(now - RELAYING),
            ),
        ).select_from(beside)
        for first in range(days[0], days[1] + 1, DAYS):
            span = range(first, min(first + DAYS, days[1] + 1))
            found = await self._reader.rows(
                statement.where(
                    decisions.c.controller == controller,
                    decisions.c.day.in_(span),
                    decisions.c.person == person,
                )
            )
            for number, at, rests_on, has_details, is_under_way in found:
                mail.ids += [number] if has_details else []
                mail.under_way |= bool(is_under_way)
                note_rested(mail.rested, rests_on, at)
        return mail

    async def begin(
        self,
        controller: str,
        person: bytes,
        at: datetime,
        details: Mapping[str, object],
        closing: NewEvidence | None,
    ) -> None:
        """Record the act and the closing row; forget the answers kept for clients, which may quote anything.

        Raises StoreUnavailableError.
        """
        acting, writer = self._acting, self._writer

        def work(connection: sqlite3.Connection) -> None:
            acting.record(connection, ERASE, micros(at), controller, person, details)
            if closing:
                number, entropy = writer.ids.next, writer.entropy
                evidence.append(connection, [closing], number, entropy, writer.chain, again=False)
            connection.execute(_ANSWERS)

        await writer.run(work, PATIENCE)

    async def erase(
        self, controller: str, person: bytes, at: datetime, held: Held, kept: Sequence[Kept]
    ) -> None:
        """Delete what is held (rule 2). Raises StoreUnavailableError."""
        by_row = {one.evidence: one for one in kept}

        def evidence_gone(connection: sqlite3.Connection, batch: Sequence[HeldRow]) -> None:
            ids = [row.fact.id for row in batch]
            keeping = [by_row[number] for number in ids if number in by_row]
            if keeping:
                told = {"rows": [_told(one) for one in keeping]}
                self._acting.record(connection, KEEP, micros(at), controller, person, told)
            connection.executemany(_EVIDENCE, _each(ids))

        def mail_gone(connection: sqlite3.Connection, batch: Sequence[int]) -> None:
            connection.executemany(_MAIL, _each(batch))
            connection.executemany(_FATE, _each(batch))

        await in_batches(self._writer, held.evidence, evidence_gone)
        await in_batches(self._writer, held.mail, mail_gone)
        await in_batches(
            self._writer, held.acts, lambda connection, batch: connection.executemany(_ACT, _each(batch))
        )

    async def purge(self, patience: float) -> bool:
        """Whether no byte of what was deleted is left in any file. Raises StoreUnavailableError."""
        try:
            return await asyncio.to_thread(purge, self._path, patience)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailableError(str(error)) from error


def _may_go(act: str, details: str, now: datetime) -> bool:
    """Whether the details of an act about a person go with theirs: not those that say why, or keep by law."""
    if act == KEEP:
        return all(one.until <= now for one in kept_in(details))
    return act != ERASE


def note_rested(rested: dict[int, int], rests_on: str, at: int) -> None:
    """A decision of that moment rests on these rows: a JSON list of ids."""
    if rests_on != "[]":
        for number in json.loads(rests_on):
            rested[number] = max(rested.get(number, at), at)


def kept_in(text: str) -> list[Kept]:
    """What the details of an act say is kept."""
    return [
        Kept(one["evidence"], one["class"], moment(one["until"]), one["reason"], one["details"])
        for one in json.loads(text)["rows"]
    ]


def _told(one: Kept) -> dict[str, object]:
    return {
        "evidence": one.evidence,
        "class": one.kind,
        "until": micros(one.until),
        "reason": one.reason,
        "details": dict(one.details),
    }


def _each(ids: Iterable[int]) -> list[dict[str, int]]:
    return [{"row": number} for number in ids]
