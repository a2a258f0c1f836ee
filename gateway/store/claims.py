"""Claims: who works on which message for whom, so that a retry mails nobody twice (invariant I5).

Rules of this file:

1. A claim is written in the transaction of its decision and dropped once the client heard its 250.
2. A claim being worked on is somebody's: nobody else touches it. One that was left (its client went
   unanswered) or whose worker died is a retry's: the fate of its decision says what already happened.
3. Claims are working state, not evidence: they are updated, deleted, and expire.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import (
    CTE,
    ColumnElement,
    Select,
    and_,
    bindparam,
    delete,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.sqlite import Insert

from gateway.envelope import Answer, FateKind, Kind, Stage
from gateway.ports import Settled, Wave
from gateway.store.compiling import Inserting, Matching, text_of
from gateway.store.tables import claims, fate_details, fates

WEEK = 7 * 24 * 60 * 60 * 1_000_000  # microseconds
HOUR = 60 * 60 * 1_000_000
FEW = 20  # expired claims dropped with one wave

_KEY = (claims.c.fingerprint, claims.c.person)
_THE_CLAIM = (claims.c.fingerprint == bindparam("message"), claims.c.person == bindparam("whom"))


def _met(wanted: CTE) -> Select[Any]:
    """The claims on these messages and people, each with what its decision came to."""
    claim = and_(claims.c.fingerprint == wanted.c.fingerprint, claims.c.person == wanted.c.person)
    return select(
        *_KEY,
        claims.c.working,
        claims.c.writer,
        claims.c.decision,
        claims.c.expires_at,
        fates.c.fate,
        fates.c.stage,
        fates.c.code,
        fates.c.enhanced,
        fate_details.c.text,
    ).select_from(
        wanted.join(claims, claim)
        .outerjoin(fates, fates.c.decision == claims.c.decision)
        .outerjoin(fate_details, fate_details.c.decision == claims.c.decision)
    )


def _over(statement: Insert) -> Insert:
    taken = {column.name: statement.excluded[column.name] for column in claims.c if column not in _KEY}
    return statement.on_conflict_do_update(index_elements=_KEY, set_=taken)


_READ = Matching(_KEY, _met)
_TAKE = Inserting(claims, _over)
_DROP = text_of(delete(claims).where(*_THE_CLAIM))
_HELD = (*_KEY, claims.c.submission)


def _held(wanted: CTE) -> ColumnElement[bool]:
    """Whether a claim is one of these, held by the submission named beside it."""
    return tuple_(*_HELD).in_(select(wanted))


_RELEASE = Matching(_HELD, lambda wanted: delete(claims).where(_held(wanted)))
_LEAVE = Matching(
    _HELD, lambda wanted: update(claims).where(_held(wanted)).values(working=literal_column("0"))
)
_expired = (
    select(claims.c.fingerprint, claims.c.person)
    .where(claims.c.expires_at <= bindparam("now"))
    .order_by(claims.c.expires_at)
    .limit(literal_column(str(FEW)))
    .offset(literal_column("0"))
)
_DROP_EXPIRED = text_of(delete(claims).where(tuple_(claims.c.fingerprint, claims.c.person).in_(_expired)))

_FINAL = frozenset({FateKind.RELAYED.value, FateKind.REFUSED.value})


Key: TypeAlias = tuple[bytes, bytes]  # fingerprint and person
Row: TypeAlias = tuple[object, ...]  # of the table, in its order
Ended: TypeAlias = tuple[bytes, bytes, int]  # fingerprint, person and submission


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim: being worked on, or left, and what its decision came to."""

    writer: int | None  # who works on it, if that process lives; nobody since it was left
    decision: int = 0  # id
    settled: Settled | None = None  # when its copy was relayed or finally refused


def met(connection: sqlite3.Connection, keys: Sequence[Key], now: int) -> dict[Key, Claim]:
    """The claims that these messages to these people meet, and that have not expired."""
    rows: Iterable[tuple[Any, ...]] = _READ(connection, keys)
    return {
        (fingerprint, person): Claim(writer if working else None, decision, _settled(*fate))
        for fingerprint, person, working, writer, decision, expires_at, *fate in rows
        if expires_at > now
    }


def _settled(fate: str | None, stage: str, code: int, enhanced: str, text: str | None) -> Settled | None:
    """What a retry is answered with. Only replies are final, so that is the kind of answer it was."""
    if fate not in _FINAL:
        return None
    return Settled(FateKind(fate), Answer(Kind.REPLY, Stage(stage), code, enhanced, text or ""))


def expiry(wave: Wave, now: int) -> int:
    """When a claim of this wave ends by itself: sooner without a Message-ID, which retries would share."""
    return now + (WEEK if wave.message_id else HOUR)


def claim(wave: Wave, person: bytes, decision: int, writer: int, now: int) -> Row:
    """The claim on a person, with the decision whose fate answers a retry."""
    return wave.fingerprint, person, wave.submission, writer, decision, 1, expiry(wave, now)


def take(connection: sqlite3.Connection, taken: Sequence[Row]) -> None:
    """Claim these, over any claim left or expired."""
    _TAKE(connection, taken)


def drop(connection: sqlite3.Connection, dropped: Sequence[Key]) -> None:
    """Drop the claims left on those who are now withheld."""
    connection.executemany(_DROP, [{"message": message, "whom": person} for message, person in dropped])


def drop_expired(connection: sqlite3.Connection, now: int) -> None:
    """Drop a few of the claims that have expired."""
    connection.execute(_DROP_EXPIRED, {"now": now})


def release(connection: sqlite3.Connection, ended: Sequence[Ended]) -> None:
    """The client heard its 250: the next message like this one is a new one."""
    _RELEASE(connection, ended)


def leave(connection: sqlite3.Connection, ended: Sequence[Ended]) -> None:
    """The client went unanswered: the next message like this one is a retry."""
    _LEAVE(connection, ended)
