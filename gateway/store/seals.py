"""Seals: signatures over the heads of chains, so that no chain can be rewritten whole (I7).

Rules of this file:

1. A seal is written in the transaction of the rows it covers: with the first one that comes ten seconds or
   more after the seal before it, and at drain.
2. It covers every head that moved since it was last sealed, of whichever writer: a dead writer's chain is
   sealed as found.
3. Heads also go to the log: a key on the same host proves nothing against its owner, a log elsewhere does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import bindparam, insert, select, update

from gateway.store.chain import Chain
from gateway.store.compiling import Inserting, text_of
from gateway.store.spelling import canonical, micros
from gateway.store.tables import heads, seals

EVERY = timedelta(seconds=10)  # of activity

_MOVE = Inserting(
    heads,
    lambda statement: statement.on_conflict_do_update(
        index_elements=[heads.c.writer, heads.c.stream],
        set_={"n": statement.excluded.n, "link": statement.excluded.link},
    ),
)
_UNSEALED = text_of(
    select(heads.c.writer, heads.c.stream, heads.c.n, heads.c.link).where(heads.c.n > heads.c.sealed)
)
_SEALED = text_of(
    update(heads)
    .where(heads.c.writer == bindparam("of"), heads.c.stream == bindparam("in"))
    .values(sealed=bindparam("at_n"))
)
_SEAL = text_of(insert(seals))

log = structlog.get_logger()


def signed_octets(at: int, writer: int, heads_text: str) -> bytes:
    """What a seal's signature is over; `at` in microseconds, `heads_text` as stored."""
    return f"sendright seal\n{at}\n{writer}\n{heads_text}".encode()


def public_key_of(key: bytes) -> bytes:
    """The public key, 32 bytes, by which seals made with this private one are checked."""
    return Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()


class Sealer:
    """Seals for one writer with one key."""

    def __init__(self, key: bytes, now: Callable[[], datetime], number: Callable[[], int]) -> None:
        """`key` is the Ed25519 private key, 32 bytes; `number` makes ids."""
        self._key = Ed25519PrivateKey.from_private_bytes(key)
        self._public = public_key_of(key)
        self._now = now
        self._number = number
        self._due = now() + EVERY

    def note(self, connection: sqlite3.Connection, chain: Chain) -> None:
        """At the end of a transaction that moved heads: record where they are, and seal when it is time."""
        _MOVE(connection, [(chain.writer, name, head.n, head.link, 0) for name, head in chain.moved.items()])
        if self._now() >= self._due:
            self.seal(connection, chain.writer)

    def seal(self, connection: sqlite3.Connection, writer: int) -> None:
        """Sign every head that moved since it was last signed, if any did."""
        moved = connection.execute(_UNSEALED).fetchall()
        now = self._now()
        self._due = now + EVERY
        if not moved:
            return
        text = canonical([[of, stream, n, link.hex()] for of, stream, n, link in moved])
        at = micros(now)
        connection.execute(
            _SEAL,
            {
                "id": self._number(),
                "at": at,
                "writer": writer,
                "heads": text,
                "key": self._public,
                "signature": self._key.sign(signed_octets(at, writer, text)),
            },
        )
        connection.executemany(_SEALED, [{"of": of, "in": stream, "at_n": n} for of, stream, n, _ in moved])
        log.info("sealed", heads=text)
