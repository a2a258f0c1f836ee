"""Whether the store is whole and unaltered: all that can be checked of it, table by table.

Flat in memory, and each read is short, so that it can be done beside a live gateway.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from gateway.ids import first_at
from gateway.replay import Result
from gateway.store import database
from gateway.store.spelling import micros
from gateway.store.verifying.checking import (
    configuration_faults,
    place_faults,
    stray_details,
    stream_faults,
)
from gateway.store.verifying.fault import Fault
from gateway.store.verifying.gone import Gone
from gateway.store.verifying.pages import LEAST, MOST, connect
from gateway.store.verifying.replaying import replays
from gateway.store.verifying.sealed import Sealed
from gateway.store.verifying.streams import STREAMS

_EARLIER = timedelta(minutes=10)  # an id lags its row's time by a round at most


@dataclass(slots=True)
class Verified:
    """What has been checked so far."""

    rows: Counter[str] = field(default_factory=Counter)  # by table
    faults: int = 0
    seals: int = 0
    sealed_at: int = 0  # microseconds, of the newest seal; 0 without any
    replayed: Counter[Result] = field(default_factory=Counter)


@contextmanager
def opened(path: Path, keys_check: str) -> Iterator[sqlite3.Connection]:
    """The store, to be read. Raises SchemaError, KeysMismatchError or sqlite3.Error."""
    with closing(connect(path)) as connection:
        database.verify(connection, keys_check)
        yield connection


def faults(
    connection: sqlite3.Connection,
    key: bytes,
    verified: Verified,
    *,
    since: datetime | None = None,
    replay: bool = False,
) -> Iterator[Fault | None]:
    """Everything that is wrong; None for each row that was looked at and is right.

    `key` is the public key of this installation's seals. With `since`, only what was written from then on.
    With `replay`, each decision is made again. `verified` counts along. Raises sqlite3.Error.
    """
    for fault in _faults(connection, key, verified, since, replay):
        verified.faults += fault is not None
        yield fault


def _faults(
    connection: sqlite3.Connection, key: bytes, verified: Verified, since: datetime | None, replay: bool
) -> Iterator[Fault | None]:
    first = min(first_at(since - _EARLIER), MOST) if since else LEAST
    moment = micros(since - _EARLIER) if since else LEAST
    with closing(Sealed()) as sealed, closing(Gone(connection)) as gone:
        yield from sealed.read(connection, key, first)  # before the heads: what is sealed is not beyond them
        verified.seals, verified.sealed_at = sealed.count, sealed.newest
        for stream in STREAMS:
            for fault in stream_faults(connection, stream, sealed, gone, first, moment):
                verified.rows[stream.name] += fault is None
                yield fault
            yield from stray_details(connection, stream, first)
    if since is None:
        yield from place_faults(connection)
    yield from configuration_faults(connection)
    if replay:
        for number, replayed in replays(connection, first):
            verified.replayed[replayed.result] += 1
            different = replayed.result is Result.DIFFERENT
            yield Fault("decisions", str(number), f"decided otherwise: {replayed.why}") if different else None
