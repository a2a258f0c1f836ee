"""Any number of rows in transactions of at most 20 ms, and others have their turn (design section 6)."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from gateway.store.writer import PATIENCE, Writer

T = TypeVar("T")

FIRST_BATCH, LARGEST_BATCH = 50, 500  # rows
SHORT = 0.020  # seconds a transaction may last
YIELD = 0.002  # seconds between two of them: longer than another writer's pause between tries


async def in_batches(
    writer: Writer, items: Sequence[T], do: Callable[[sqlite3.Connection, Sequence[T]], object]
) -> None:
    """Do this to all items, some in each transaction. Raises StoreUnavailableError; what was done stays."""
    size, at = FIRST_BATCH, 0
    while batch := items[at : at + size]:
        took = await writer.run(lambda database, batch=batch: _timed(database, batch, do), PATIENCE)  # type: ignore[misc]  # mypy does not see the default's type
        at += len(batch)
        size = max(1, size // 2) if took > SHORT / 2 else min(size * 2, LARGEST_BATCH)
        await asyncio.sleep(YIELD)


def _timed(
    database: sqlite3.Connection,
    batch: Sequence[T],
    do: Callable[[sqlite3.Connection, Sequence[T]], object],
) -> float:
    started = time.perf_counter()
    do(database, batch)
    return time.perf_counter() - started
