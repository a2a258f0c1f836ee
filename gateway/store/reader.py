"""Reading off the hot path: short reads on connections of their own (design section 6).

Every read opens its own connection. So no read transaction outlives one page, none pins the write-ahead
log, and none goes on reading a file that was moved away or replaced (I3: reads go to the primary).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVarTuple
from urllib.parse import quote

from sqlalchemy import URL, Row, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from gateway.ports import StoreUnavailableError

Columns = TypeVarTuple("Columns")

_PATIENCE = 2.0  # seconds SQLite waits where a reader must wait at all


class Reader:
    """Runs one statement at a time against an existing database."""

    def __init__(self, path: Path) -> None:
        url = URL.create(
            "sqlite+aiosqlite",
            database=f"file:{quote(str(path.absolute()))}",
            query={"mode": "rw", "uri": "true"},  # rw: a reader may have to recover the log
        )
        self._engine = create_async_engine(url, poolclass=NullPool, connect_args={"timeout": _PATIENCE})

    async def rows(self, statement: Select[*Columns]) -> Sequence[Row[*Columns]]:
        """Every row of the statement, in one read. Raises StoreUnavailableError."""
        try:
            async with self._engine.connect() as connection:
                return (await connection.execute(statement)).all()
        except DBAPIError as error:
            raise StoreUnavailableError(f"the store cannot be read ({error.orig})") from error

    async def close(self) -> None:
        """Let go of the engine."""
        await self._engine.dispose()
