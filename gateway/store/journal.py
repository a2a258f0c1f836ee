"""The journal, as ports.Journal asks: decisions, fates, claims, and what a mail was (I2, I5)."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert

from gateway.envelope import Fate
from gateway.ports import Sent, Verdict, Wave
from gateway.store import claims
from gateway.store.compiling import text_of
from gateway.store.deciding import Deciding
from gateway.store.reader import Reader
from gateway.store.spelling import micros, storable
from gateway.store.tables import decision_details, decisions, fate_details, fates
from gateway.store.writer import PATIENCE, Writer

_SETTLE = text_of(insert(fates).on_conflict_do_nothing())  # a copy has one fate: the first
_SETTLE_DETAILS = text_of(insert(fate_details).on_conflict_do_nothing())


class Journal:
    """What happened to mail, on the writer's and the reader's connections."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._reader = reader
        self._deciding = Deciding(writer.number, writer.ids.next, writer.entropy)
        self._claimed: dict[int, set[bytes]] = {}  # fingerprints by submission, until it ends

    async def take_over(self, living: Collection[int] = ()) -> None:
        """At the start of serving: claims of writers neither this one nor `living` are left (I5).

        `living` holds the numbers of other serving writers. Raises StoreUnavailableError.
        """
        known = {*living, self._writer.number}
        await self._writer.run(partial(claims.leave_of_the_dead, living=known), PATIENCE)

    async def decide(
        self,
        wave: Wave,
        now: datetime,
        timeout: float,  # noqa: ASYNC109 - the port's own parameter
    ) -> list[Verdict]:
        """One verdict per person, in order, committed (I2); Busy for everybody when anybody is.

        With `only_withheld` a Decided that relays was not recorded and has id 0. Raises
        StoreUnavailableError, also when `timeout` seconds pass.
        """
        if wave.fingerprint and not wave.only_withheld:
            self._claimed.setdefault(wave.submission, set()).add(wave.fingerprint)
        return await self._writer.run(partial(self._deciding.verdicts, wave=wave, now=now), timeout)

    def settle(self, fates: Sequence[Fate], now: datetime) -> Awaitable[None]:
        """Queue fates at once; the awaitable ends when they are committed (I2).

        It raises StoreUnavailableError when that failed for now: the fates are held and written later.
        """
        return self._writer.keep(partial(_settle, fates=tuple(fates), at=micros(now)), PATIENCE)

    def release(self, submission: int) -> None:
        """The client heard its 250: drop the submission's claims (I5)."""
        self._end(submission, claims.release)

    def leave(self, submission: int) -> None:
        """The client went unanswered, or heard 4yz: the next try of this message is a retry (I5)."""
        self._end(submission, claims.leave)

    def _end(self, submission: int, how: Callable[[sqlite3.Connection, bytes, int], None]) -> None:
        for fingerprint in self._claimed.pop(submission, ()):
            self._writer.keep(_on_claims(how, fingerprint, submission))

    async def sent(self, decision: int) -> Sent | None:
        """What is known of a mail by its decision's id; None if there is no such decision.

        Raises StoreUnavailableError.
        """
        found = await self._reader.rows(
            select(
                decisions.c.controller,
                decisions.c.person,
                decisions.c.category,
                decisions.c.ground,
                decision_details.c.address,
            )
            .select_from(decisions.outerjoin(decision_details, decision_details.c.decision == decisions.c.id))
            .where(decisions.c.id == decision)
        )
        if not found:
            return None
        controller, person, category, ground, address = found[0]
        return Sent(controller, person, category or "", ground or "", address or "")


def _on_claims(
    how: Callable[[sqlite3.Connection, bytes, int], None], fingerprint: bytes, submission: int
) -> Callable[[sqlite3.Connection], None]:
    return lambda connection: how(connection, fingerprint, submission)


def _settle(connection: sqlite3.Connection, fates: Sequence[Fate], at: int) -> None:
    connection.executemany(
        _SETTLE,
        [
            {
                "decision": fate.decision,
                "fate": fate.kind.value,
                "at": at,
                "code": fate.answer.code,
                "enhanced": fate.answer.enhanced,
                "stage": fate.answer.stage.value,
            }
            for fate in fates
        ],
    )
    details = [
        {"decision": fate.decision, "text": storable(fate.answer.text)} for fate in fates if fate.answer.text
    ]
    connection.executemany(_SETTLE_DETAILS, details)
