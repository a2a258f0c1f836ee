"""Fates inside the writer's transaction: what became of each copy, once (I2)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import select

from gateway.envelope import Fate
from gateway.store.chain import Chain
from gateway.store.compiling import Inserting, Matching
from gateway.store.spelling import SALT, digest, storable
from gateway.store.tables import fate_details, fates

Came: TypeAlias = tuple[tuple[Fate, ...], int]  # fates, and when they came in microseconds

_KNOWN = Matching(
    (fates.c.decision,),
    lambda wanted: select(fates.c.decision).select_from(
        wanted.join(fates, fates.c.decision == wanted.c.decision)
    ),
)
_RECORD = Inserting(fates)
_RECORD_DETAILS = Inserting(fate_details)


@dataclass(frozen=True, slots=True)
class Settling:
    """Records fates for one writer."""

    chain: Chain
    entropy: Callable[[int], bytes]

    def settle(self, connection: sqlite3.Connection, came: Sequence[Came]) -> list[None]:
        """Record them; a copy has one fate, the first: a COMMIT whose end was not heard is done again."""
        known = {
            row[0] for row in _KNOWN(connection, [(fate.decision,) for fates_, _ in came for fate in fates_])
        }
        rows, details = [], []
        for fates_, at in came:
            for fate in fates_:
                if fate.decision not in known:
                    known.add(fate.decision)
                    salt, text = self.entropy(SALT), storable(fate.answer.text)
                    rows.append(self.chain.linked(fates, (*_row(fate, at), digest(salt, {"text": text}))))
                    details.append((fate.decision, salt, text))
        _RECORD(connection, rows)
        _RECORD_DETAILS(connection, details)
        return [None] * len(came)


def _row(fate: Fate, at: int) -> tuple[object, ...]:
    """The row of `fates` up to `stage`, in the order of its columns."""
    answer = fate.answer
    return fate.decision, fate.kind.value, at, answer.code, answer.enhanced, answer.stage.value
