"""The store, opened: everything the rest of the house is given of it, and taken back in order."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from gateway.ids import Ids
from gateway.store.audit import Audit
from gateway.store.campaigns import Campaigns
from gateway.store.configurations import Configurations
from gateway.store.counts import Counts
from gateway.store.database import path_of
from gateway.store.dossiers import Dossiers
from gateway.store.doubts import Doubts
from gateway.store.erasure import Erasure
from gateway.store.idempotency import Idempotency
from gateway.store.journal import Journal
from gateway.store.ledger import Ledger
from gateway.store.living import Living
from gateway.store.log import Log
from gateway.store.operators import Operators
from gateway.store.reader import Reader
from gateway.store.relaxed import Relaxed
from gateway.store.retention import Retention
from gateway.store.withheld import Withheld
from gateway.store.writer import PATIENCE, Writer


@dataclass(frozen=True, slots=True)
class Store:
    """The rooms of an open store. `ids` makes every id of this process."""

    ledger: Ledger
    journal: Journal
    log: Log
    withheld: Withheld
    counts: Counts
    campaigns: Campaigns
    doubts: Doubts
    dossiers: Dossiers
    erasure: Erasure
    retention: Retention
    relaxed: Relaxed
    idempotency: Idempotency
    configurations: Configurations
    audit: Audit
    operators: Operators
    ids: Ids
    writer: Writer

    async def ready(self, patience: float = PATIENCE) -> None:
        """Raises StoreUnavailableError unless a transaction can be begun and committed now (/readyz)."""
        await self.writer.run(lambda _connection: None, patience)


@asynccontextmanager
async def opened(
    url: str,
    keys_check: str,
    seal_key: bytes,
    now: Callable[[], datetime],
    *,
    serving: bool = False,
    goes_first: bool = False,
    entropy: Callable[[int], bytes] = os.urandom,
) -> AsyncIterator[Store]:
    """The store at `url`, which must exist, fit this version and be bound to these keys (`Keys.check`).

    `seal_key` is an Ed25519 private key, 32 bytes (`Keys.seed`), for the seals over what is written.
    `serving` says that this process relays: what it claims is its own while it lives, and what the dead
    had claimed it leaves to retries. `goes_first`: people wait for what it writes (turn.py).
    Raises SchemaError, KeysMismatchError, StoreUnavailableError, ValueError or OSError.
    """
    path = path_of(url)
    writer = Writer(path, keys_check, seal_key, now, entropy, goes_first=goes_first)
    reader = Reader(path)
    await writer.open()
    living: Living | None = None
    journal: Journal | None = None
    ledger: Ledger | None = None
    try:
        living = Living(path, writer.number) if serving else None
        journal = Journal(writer, reader, living.has if living else lambda _writer: True)
        ledger = Ledger(writer, reader)
        audit = Audit(writer, reader)
        yield Store(
            ledger,
            journal,
            Log(reader),
            Withheld(reader),
            Counts(reader),
            Campaigns(reader),
            Doubts(ledger, reader),
            Dossiers(reader),
            Erasure(path, writer, reader),
            Retention(path, writer, reader),
            Relaxed(reader),
            Idempotency(writer, reader),
            Configurations(writer, reader),
            audit,
            Operators(writer, reader, audit),
            writer.ids,
            writer,
        )
    finally:
        await writer.close()
        await reader.close()
        for reading in (journal, ledger):
            if reading:
                reading.close()
        if living:
            living.close()
