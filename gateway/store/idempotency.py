"""Answers kept for a while, as ports.Idempotency asks: working state, not evidence."""

from __future__ import annotations

import sqlite3
from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert

from gateway.ports import Answered
from gateway.store.compiling import text_of
from gateway.store.reader import Reader
from gateway.store.spelling import micros
from gateway.store.tables import idempotency
from gateway.store.writer import PATIENCE, Writer

_FORGET = text_of(delete(idempotency).where(idempotency.c.expires_at <= bindparam("now")))
_KEEP = text_of(insert(idempotency).on_conflict_do_nothing())


class Idempotency:
    """Answers by token and key."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader

    async def find(self, token: str, key: str, now: datetime) -> Answered | None:
        """What was answered, unless it expired by `now`. Raises StoreUnavailableError."""
        found = await self._reader.rows(
            select(idempotency.c.body, idempotency.c.answer).where(
                idempotency.c.token == token,
                idempotency.c.key == key,
                idempotency.c.expires_at > micros(now),
            )
        )
        return Answered(*found[0]) if found else None

    async def keep(
        self, token: str, key: str, answered: Answered, now: datetime, expires_at: datetime
    ) -> None:
        """Keep an answer until it expires, and forget those that have. Raises StoreUnavailableError."""

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_FORGET, {"now": micros(now)})
            connection.execute(
                _KEEP,
                {
                    "token": token,
                    "key": key,
                    "body": answered.body,
                    "answer": answered.answer,
                    "expires_at": micros(expires_at),
                },
            )

        await self._writer.run(work, PATIENCE)
