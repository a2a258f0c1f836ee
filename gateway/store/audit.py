"""What operators did, as acts on record (acts.py): written with what they do, read newest first."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from gateway.ports import AuditEntry
from gateway.store.acts import KEEP, OPERATOR, Acting
from gateway.store.reader import Reader
from gateway.store.spelling import micros, moment
from gateway.store.tables import act_details, acts
from gateway.store.writer import PATIENCE, Writer


class Audit:
    """Acts of operators on the writer's and the reader's connections."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader
        self._acting = Acting(writer.chain, writer.ids.next, writer.entropy)

    async def record(
        self,
        operator: str,
        what: str,
        at: datetime,
        controller: str = "",
        person: bytes | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Put on record what an operator did. Raises StoreUnavailableError."""
        await self._writer.run(
            lambda connection: self.note(connection, operator, what, at, controller, person, details or {}),
            PATIENCE,
        )

    def note(
        self,
        connection: sqlite3.Connection,
        operator: str,
        what: str,
        at: datetime,
        controller: str,
        person: bytes | None,
        details: Mapping[str, object],
    ) -> None:
        """The same inside the transaction under way."""
        told = {**details, "operator": operator, "what": what}
        self._acting.record(connection, OPERATOR, micros(at), controller, person, told)

    async def page(self, before: int | None, most: int) -> Sequence[AuditEntry]:
        """At most so many acts, newest first, older than the one of id `before`.

        Raises StoreUnavailableError.
        """
        statement = (
            select(acts.c.id, acts.c.at, acts.c.act, acts.c.controller, acts.c.person, act_details.c.details)
            .select_from(acts.outerjoin(act_details, act_details.c.act == acts.c.id))
            .where(acts.c.act != KEEP)  # part of an erasure, which has an act of its own
            .order_by(acts.c.id.desc())
            .limit(most)
        )
        if before is not None:
            statement = statement.where(acts.c.id < before)
        return [_entry(*row) for row in await self._reader.rows(statement)]


def _entry(
    number: int, at: int, act: str, controller: str, person: bytes | None, details: str | None
) -> AuditEntry:
    told = json.loads(details) if details is not None else {}
    return AuditEntry(
        id=number,
        at=moment(at),
        operator=str(told.pop("operator", "")),
        what=str(told.pop("what", act)),
        controller=controller,
        person=person,
        details=told if details is not None else None,
    )
