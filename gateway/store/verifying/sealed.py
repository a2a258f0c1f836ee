"""Seals, checked: who signed, and whether what was signed is what is on record (seals.py)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select

from gateway.store.chain import Head
from gateway.store.seals import signed_octets
from gateway.store.spelling import moment
from gateway.store.tables import seals
from gateway.store.verifying.fault import Fault
from gateway.store.verifying.following import Row
from gateway.store.verifying.pages import paged

_SEALS = select(seals.c.id, *seals.c)
_MADE = """
    CREATE TABLE sealed (stream, writer, n, link, seal, at, PRIMARY KEY (stream, writer, n, link))
    WITHOUT ROWID
"""


class Sealed:
    """What the seals say each row's link was: in a file of its own, since there may be millions."""

    def __init__(self) -> None:
        self._notes = sqlite3.connect("", isolation_level=None)  # SQLite removes it when it is closed
        self._notes.execute("PRAGMA journal_mode=OFF")
        self._notes.execute(_MADE)
        self.count = 0
        self.newest = 0  # microseconds

    def close(self) -> None:
        """Let go of the notes."""
        self._notes.close()

    def read(self, connection: sqlite3.Connection, key: bytes, after: int) -> Iterator[Fault]:
        """Note every seal after that id; what is wrong with them. `key` is the public key of ours."""
        for number, at, writer, heads, own, signature in paged(connection, _SEALS, [seals.c.id], [after]):
            if own != key:
                yield Fault("seals", str(number), f"sealed with another key, {own.hex()}")
            elif not _is_signed(own, signature, at, writer, heads):
                yield Fault("seals", str(number), "altered: its signature does not hold")
            else:
                self.count += 1
                self.newest = max(self.newest, at)
                rows = [
                    (stream, of, n, bytes.fromhex(link), number, at)
                    for of, stream, n, link in json.loads(heads)
                ]
                self._notes.executemany("INSERT OR IGNORE INTO sealed VALUES (?, ?, ?, ?, ?, ?)", rows)

    def fault(self, stream: str, row: Row) -> str:
        """What a seal says against this row; empty when none does."""
        query = "SELECT link, seal, at FROM sealed WHERE stream = ? AND writer = ? AND n = ?"
        for link, seal, at in self._notes.execute(query, (stream, row.writer, row.n)):
            if link != row.link:
                return f"not as it was sealed at {moment(at).isoformat()} by seal {seal}"
        return ""

    def missing(self, stream: str, until: Mapping[int, Head]) -> Iterator[Fault]:
        """What was sealed beyond the heads on record."""
        query = "SELECT writer, max(n), seal FROM sealed WHERE stream = ? GROUP BY writer"
        for writer, n, seal in self._notes.execute(query, (stream,)).fetchall():
            if writer not in until or until[writer].n < n:
                yield Fault(
                    stream, str(n), f"row {n} of writer {writer} is missing, which seal {seal} covers"
                )


def _is_signed(key: bytes, signature: bytes, at: int, writer: int, heads: Any) -> bool:
    try:
        signed = signed_octets(at, writer, heads)
        Ed25519PublicKey.from_public_bytes(key).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True
