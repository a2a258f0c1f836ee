"""Which configuration was in force when: recorded at every start and reload of a process that serves.

Each configuration is kept once, under a digest of its content; each decision names that digest.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from gateway.law.record import Law, Plain, from_plain, to_plain
from gateway.store.compiling import Inserting, text_of
from gateway.store.reader import Reader
from gateway.store.spelling import canonical, micros
from gateway.store.tables import configurations, in_force
from gateway.store.writer import PATIENCE, Writer

DIGEST = 16  # octets of the content's SHA-256

_KEEP = text_of(insert(configurations).on_conflict_do_nothing())
_RECORD = Inserting(in_force)


def digest_of(content: str) -> bytes:
    """By what a configuration is known: 16 octets of the SHA-256 of its canonical JSON."""
    return hashlib.sha256(content.encode("utf-8", "surrogateescape")).digest()[:DIGEST]


def law_of(content: str) -> Law:
    """The law that a row's content holds. Raises ValueError, KeyError or TypeError where it is damaged."""
    plain: Plain = json.loads(content)
    return from_plain(plain)


class Configurations:
    """Configurations on the writer's and the reader's connections."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def put_in_force(self, law: Law, now: datetime) -> bytes:
        """Record that this law is in force from now on; its digest. Raises StoreUnavailableError."""
        content = canonical(to_plain(law))
        digest = digest_of(content)
        number, chain = self._writer.ids.next, self._writer.chain

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_KEEP, {"digest": digest, "content": content})
            _RECORD(connection, [chain.linked(in_force, (number(), micros(now), digest))])

        await self._writer.run(work, PATIENCE)
        return digest

    async def at(self, moment: datetime) -> Law | None:
        """The law in force at a moment: the newest put in force by then. Raises StoreUnavailableError."""
        statement = (
            select(configurations.c.content)
            .select_from(in_force.join(configurations, configurations.c.digest == in_force.c.configuration))
            .where(in_force.c.since <= micros(moment))
            .order_by(in_force.c.since.desc(), in_force.c.id.desc())
            .limit(1)
        )
        found = await self._reader.rows(statement)
        return law_of(found[0][0]) if found else None
