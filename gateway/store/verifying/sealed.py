"""Seals, checked: who signed, and whether what was signed is what is on record (seals.py)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import literal_column, select

from gateway.store.chain import Head
from gateway.store.compiling import text_of
from gateway.store.seals import signed_octets
from gateway.store.spelling import moment
from gateway.store.tables import heads, seals
from gateway.store.verifying.fault import Fault
from gateway.store.verifying.following import Row
from gateway.store.verifying.pages import paged

_SEALS = select(seals.c.id, *seals.c)
_SEALED = text_of(
    select(heads.c.stream, heads.c.writer, heads.c.sealed).where(heads.c.sealed > literal_column("0"))
)
_MADE = """
    CREATE TABLE sealed (stream, writer, n, link, seal, at, PRIMARY KEY (stream, writer, n, link))
    WITHOUT ROWID
"""


def sealed_now(connection: sqlite3.Connection) -> list[tuple[str, int, int]]:
    """How far each chain is said to be sealed: stream, writer, n."""
    return connection.execute(_SEALED).fetchall()


class Sealed:
    """What the seals say each row's link was: in a file of its own, since there may be millions."""

    def __init__(self) -> None:
        self._notes = sqlite3.connect("", isolation_level=None)  # SQLite removes it when it is closed
        self._notes.execute("PRAGMA journal_mode=OFF")
        self._notes.execute(_MADE)
        self.count = 0
        self.newest = 0  # microseconds
        self._altered = False  # whether any is not as it was made

    def close(self) -> None:
        """Let go of the notes."""
        self._notes.close()

    def read(self, connection: sqlite3.Connection, key: bytes, after: int) -> Iterator[Fault]:
        """Note every seal after that id; what is wrong with them. `key` is the public key of ours."""
        for number, at, writer, covered, own, signature in paged(connection, _SEALS, [seals.c.id], [after]):
            sound = own == key and _is_signed(own, signature, at, writer, covered)
            self._altered |= not sound
            if own != key:
                yield Fault("seals", str(number), f"sealed with another key, {own.hex()}")
            elif not sound:
                yield Fault("seals", str(number), "altered: its signature does not hold")
            else:
                self.count += 1
                self.newest = max(self.newest, at)
                rows = [
                    (stream, of, n, bytes.fromhex(link), number, at)
                    for of, stream, n, link in json.loads(covered)
                ]
                self._notes.executemany("INSERT OR IGNORE INTO sealed VALUES (?, ?, ?, ?, ?, ?)", rows)

    def fault(self, stream: str, row: Row) -> str:
        """What a seal says against this row; empty when none does."""
        query = "SELECT link, seal, at FROM sealed WHERE stream = ? AND writer = ? AND n = ?"
        for link, seal, at in self._notes.execute(query, (stream, row.writer, row.n)):
            if link != row.link:
                return f"not as it was sealed at {moment(at).isoformat()} by seal {seal}"
        return ""

    def lacking(self, said: Iterable[tuple[str, int, int]]) -> Iterator[Fault]:
        """Seals that were made and are not there; `said` as of `sealed_now`, before the seals were read.

        Where a seal is there and altered, that is the fault.
        """
        query = "SELECT 1 FROM sealed WHERE stream = ? AND writer = ? AND n = ?"
        for stream, writer, n in () if self._altered else said:
            known = stream.isprintable() and self._notes.execute(query, (stream, writer, n)).fetchone()
            if not known:
                yield Fault(
                    "heads", f"{stream} of writer {writer}", f"is said to be sealed up to row {n}, by no seal"
                )

    def missing(self, stream: str, until: Mapping[int, Head]) -> Iterator[Fault]:
        """What was sealed beyond the heads on record."""
        query = "SELECT writer, max(n), seal FROM sealed WHERE stream = ? GROUP BY writer"
        for writer, n, seal in self._notes.execute(query, (stream,)).fetchall():
            if writer not in until or until[writer].n < n:
                yield Fault(
                    stream, str(n), f"row {n} of writer {writer} is missing, which seal {seal} covers"
                )


def _is_signed(key: bytes, signature: bytes, at: int, writer: int, covered: Any) -> bool:
    try:
        signed = signed_octets(at, writer, covered)
        Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True
