"""The chain of what one writer wrote, by which an altered, lost or added row shows (invariant I7).

Rules of this file:

1. One chain per writer and stream (a table of evidence), so that writers share no lock.
2. A row's link is SHA-256 of the link before it and of the row's own digest; the first follows 32 zeros.
3. A row's digest covers every column before `link`: its values as a canonical JSON list, octets in hex.
4. Heads move with the transaction that wrote the rows: kept after COMMIT, forgotten after ROLLBACK.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic_core import to_json
from sqlalchemy import Table, bindparam, select

from gateway.store.compiling import text_of
from gateway.store.tables import heads

BEGINNING = bytes(32)
_HEADS = text_of(select(heads.c.stream, heads.c.n, heads.c.link).where(heads.c.writer == bindparam("of")))


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row of a chain: its place, from 1, and its link (32 bytes)."""

    n: int = 0
    link: bytes = BEGINNING


def row_digest(values: Sequence[object]) -> bytes:
    """The digest of a row's values before `link`, in the order of its columns; 32 bytes."""
    plain = [value.hex() if isinstance(value, bytes) else value for value in values]
    return hashlib.sha256(to_json(plain)).digest()  # of plain values the same octets as `canonical` has


def next_link(before: bytes, digest: bytes) -> bytes:
    """The link of a row whose digest this is, after the link `before`; 32 bytes."""
    return hashlib.sha256(before + digest).digest()


class Chain:
    """The chains of one writer, by stream."""

    def __init__(self, writer: int) -> None:
        self.writer = writer
        self._kept: dict[str, Head] = {}
        self._moved: dict[str, Head] = {}

    def linked(self, stream: Table, values: tuple[object, ...]) -> tuple[object, ...]:
        """The whole row: these values, then writer, place and link."""
        before = self._moved.get(stream.name) or self._kept.get(stream.name) or Head()
        row = (*values, self.writer, before.n + 1)
        link = next_link(before.link, row_digest(row))
        self._moved[stream.name] = Head(before.n + 1, link)
        return (*row, link)

    def resume(self, connection: sqlite3.Connection) -> None:
        """Go on from what is on record, after an outage in which the end of a COMMIT was not heard."""
        rows = connection.execute(_HEADS, {"of": self.writer}).fetchall()
        self._kept = {stream: Head(n, link) for stream, n, link in rows}

    @property
    def moved(self) -> Mapping[str, Head]:
        """The heads that moved in the transaction under way."""
        return self._moved

    def keep(self) -> None:
        """The transaction was committed."""
        self._kept |= self._moved
        self._moved.clear()

    def forget(self) -> None:
        """The transaction was rolled back."""
        self._moved.clear()
