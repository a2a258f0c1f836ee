"""The store, opened: everything the rest of the house is given of it, and taken back in order."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from gateway.ids import Ids
from gateway.store.database import path_of
from gateway.store.journal import Journal
from gateway.store.ledger import Ledger
from gateway.store.living import Living
from gateway.store.log import Log
from gateway.store.reader import Reader
from gateway.store.writer import PATIENCE, Writer


@dataclass(frozen=True, slots=True)
class Store:
    """The rooms of an open store. `ids` makes every id of this process."""

    ledger: Ledger
    journal: Journal
    log: Log
    ids: Ids
    writer: Writer
    living: Living | None = None  # of a process that serves

    async def take_over(self) -> None:
        """Leave to retries what dead processes had claimed (I5). Raises StoreUnavailableError."""
        await self.journal.take_over(() if self.living is None else self.living)

    async def ready(self, patience: float = PATIENCE) -> None:
        """Raises StoreUnavailableError unless a transaction can be begun and committed now (/readyz)."""
        await self.writer.run(lambda _connection: None, patience)


@asynccontextmanager
async def opened(
    url: str,
    keys_check: str,
    now: Callable[[], datetime],
    *,
    serving: bool = False,
    entropy: Callable[[int], bytes] = os.urandom,
) -> AsyncIterator[Store]:
    """The store at `url`, which must exist, fit this version and be bound to these keys (`Keys.check`).

    `serving` says that this process relays: claims of those that did and live no more are left to retries.
    Raises SchemaError, KeysMismatchError, StoreUnavailableError, ValueError; OSError when `serving`.
    """
    path = path_of(url)
    writer = Writer(path, keys_check, now, entropy)
    reader = Reader(path)
    await writer.open()
    living: Living | None = None
    try:
        journal = Journal(writer, reader)
        if serving:
            living = Living(path)
            living.enter(writer.number)  # before it claims anything
            await journal.take_over(living)
        yield Store(Ledger(writer, reader), journal, Log(reader), writer.ids, writer, living)
    finally:
        await writer.close()
        await reader.close()
        if living:
            living.close()
