"""Claims: who works on which message for whom, so that a retry mails nobody twice (invariant I5).

Rules of this file:

1. A claim is written in the transaction of its decision and dropped once the client heard its 250.
2. A claim being worked on is somebody's: nobody else touches it. One that was left (its client went
   unanswered, its worker died) is a retry's: the fate of its decision says what already happened.
3. Claims are working state, not evidence: they are updated, deleted, and expire.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, literal_column, select, tuple_, update
from sqlalchemy.dialects.sqlite import insert

from gateway.envelope import Answer, FateKind, Kind, Stage
from gateway.ports import Settled, Wave
from gateway.store.compiling import text_of
from gateway.store.tables import claims, fate_details, fates

WEEK = 7 * 24 * 60 * 60 * 1_000_000  # microseconds
HOUR = 60 * 60 * 1_000_000
FEW = 20  # expired claims dropped with one wave

_THE_CLAIM = (claims.c.fingerprint == bindparam("message"), claims.c.person == bindparam("whom"))
_READ = text_of(
    select(
        claims.c.working,
        fates.c.fate,
        fates.c.stage,
        fates.c.code,
        fates.c.enhanced,
        fate_details.c.text,
    )
    .select_from(
        claims.outerjoin(fates, fates.c.decision == claims.c.decision).outerjoin(
            fate_details, fate_details.c.decision == claims.c.decision
        )
    )
    .where(*_THE_CLAIM, claims.c.expires_at > bindparam("now"))
)
_insert = insert(claims)
_TAKE = text_of(
    _insert.on_conflict_do_update(
        index_elements=["fingerprint", "person"],
        set_={
            name: _insert.excluded[name]
            for name in ("submission", "writer", "decision", "working", "expires_at")
        },
    )
)
_TAKE_SETTLED = text_of(
    update(claims)
    .where(*_THE_CLAIM)
    .values(
        submission=bindparam("by"),
        writer=bindparam("process"),
        working=literal_column("1"),
        expires_at=bindparam("until"),
    )
)
_DROP = text_of(delete(claims).where(*_THE_CLAIM))
_HELD_BY = (claims.c.fingerprint == bindparam("message"), claims.c.submission == bindparam("by"))
_RELEASE = text_of(delete(claims).where(*_HELD_BY))
_LEAVE = text_of(update(claims).where(*_HELD_BY).values(working=literal_column("0")))
_expired = (
    select(claims.c.fingerprint, claims.c.person)
    .where(claims.c.expires_at <= bindparam("now"))
    .order_by(claims.c.expires_at)
    .limit(literal_column(str(FEW)))
    .offset(literal_column("0"))
)
_DROP_EXPIRED = text_of(delete(claims).where(tuple_(claims.c.fingerprint, claims.c.person).in_(_expired)))
_WORKING = text_of(select(claims.c.writer).where(claims.c.working == literal_column("1")).distinct())
_LEAVE_ALL = text_of(
    update(claims)
    .where(claims.c.writer == bindparam("process"), claims.c.working == literal_column("1"))
    .values(working=literal_column("0"))
)

_FINAL = frozenset({FateKind.RELAYED.value, FateKind.REFUSED.value})


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that has not expired: still being worked on, or left with what its decision came to."""

    working: bool
    settled: Settled | None  # when its copy was relayed or finally refused


def claims_on(connection: sqlite3.Connection, wave: Wave, now: int) -> Mapping[bytes, Claim]:
    """The claims that this wave meets, by person; none where nothing is claimed."""
    if not wave.fingerprint or wave.only_withheld:
        return {}
    met = {}
    for person in wave.people:
        row = connection.execute(
            _READ, {"message": wave.fingerprint, "whom": person.hash, "now": now}
        ).fetchone()
        if row is not None:
            met[person.hash] = Claim(bool(row[0]), _settled(*row[1:]))
    return met


def _settled(fate: str | None, stage: str, code: int, enhanced: str, text: str | None) -> Settled | None:
    """What a retry is answered with. Only replies are final, so that is the kind of answer it was."""
    if fate not in _FINAL:
        return None
    return Settled(FateKind(fate), Answer(Kind.REPLY, Stage(stage), code, enhanced, text or ""))


def expiry(wave: Wave, now: int) -> int:
    """When a claim of this wave ends by itself: sooner without a Message-ID, which retries would share."""
    return now + (WEEK if wave.message_id else HOUR)


def take(
    connection: sqlite3.Connection, wave: Wave, decided: Mapping[bytes, int], writer: int, now: int
) -> None:
    """Claim those decided to be relayed to, with their decision's id, over any claim left or expired."""
    until = expiry(wave, now)
    connection.executemany(
        _TAKE,
        [
            {
                "fingerprint": wave.fingerprint,
                "person": person,
                "submission": wave.submission,
                "writer": writer,
                "decision": decision,
                "working": 1,
                "expires_at": until,
            }
            for person, decision in decided.items()
        ],
    )


def take_settled(
    connection: sqlite3.Connection, wave: Wave, people: Iterable[bytes], writer: int, now: int
) -> None:
    """Claim those already served, whose decision stays the one that served them: dropped with the rest."""
    until = expiry(wave, now)
    connection.executemany(
        _TAKE_SETTLED,
        [
            {
                "message": wave.fingerprint,
                "whom": person,
                "by": wave.submission,
                "process": writer,
                "until": until,
            }
            for person in people
        ],
    )


def drop(connection: sqlite3.Connection, wave: Wave, people: Iterable[bytes]) -> None:
    """Drop the claims left on those who are now withheld."""
    connection.executemany(_DROP, [{"message": wave.fingerprint, "whom": person} for person in people])


def drop_expired(connection: sqlite3.Connection, now: int) -> None:
    """Drop a few of the claims that have expired."""
    connection.execute(_DROP_EXPIRED, {"now": now})


def release(connection: sqlite3.Connection, message: bytes, submission: int) -> None:
    """The client heard its 250: the next message like this one is a new one."""
    connection.execute(_RELEASE, {"message": message, "by": submission})


def leave(connection: sqlite3.Connection, message: bytes, submission: int) -> None:
    """The client went unanswered: the next message like this one is a retry."""
    connection.execute(_LEAVE, {"message": message, "by": submission})


def leave_of_the_dead(connection: sqlite3.Connection, living: Collection[int]) -> None:
    """Leave every claim held by a writer that no longer lives."""
    for (writer,) in connection.execute(_WORKING).fetchall():
        if writer not in living:
            connection.execute(_LEAVE_ALL, {"process": writer})
