"""The journal, as ports.Journal asks: decisions, fates, claims, and what a mail was (I2, I5)."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import bindparam, select

from gateway.envelope import Fate
from gateway.ports import Sent, StoreUnavailableError, Verdict, Wave
from gateway.store import claims
from gateway.store.claims import Ended
from gateway.store.deciding import Asked, Deciding
from gateway.store.glance import Glance
from gateway.store.job import Kind
from gateway.store.reader import Reader
from gateway.store.settling import Came, Settling
from gateway.store.spelling import micros, moment
from gateway.store.tables import decision_details, decisions
from gateway.store.writer import PATIENCE, Writer


class Journal:
    """What happened to mail, on the writer's and the reader's connections."""

    def __init__(self, writer: Writer, reader: Reader, lives: Callable[[int], bool]) -> None:
        """`lives` says of a writer whether it may still work on what it claimed (I5)."""
        self._writer = writer
        self._reader = reader
        self._glance = Glance(reader.path, _SENT)
        self._configuration: bytes | None = None
        deciding = Deciding(writer.chain, lambda: self._configuration, writer.ids.next, writer.entropy, lives)
        settling = Settling(writer.chain, writer.entropy)
        self._settle: Kind[Came, None] = Kind(settling.settle, rank=1)
        self._decide: Kind[Asked, list[Verdict]] = Kind(deciding.verdicts, rank=3)  # sees all of its round
        self._claimed: dict[int, set[Ended]] = {}  # by submission, until it ends

    def rests_on(self, configuration: bytes) -> None:
        """From now on, decisions are on record as made under the configuration of this digest."""
        self._configuration = configuration

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
            claimed = self._claimed.setdefault(wave.submission, set())  # the same again while one is busy
            claimed.update((wave.fingerprint, who.hash, wave.submission) for who in wave.people)
        return await self._writer.run_with(self._decide, (wave, now), timeout)

    def settle(self, fates: Sequence[Fate], now: datetime) -> Awaitable[None]:
        """Queue fates at once; the awaitable ends when they are committed (I2).

        It raises StoreUnavailableError when that failed for now: the fates are held and written later.
        """
        return self._writer.keep_with(self._settle, (tuple(fates), micros(now)), PATIENCE)

    def release(self, submission: int) -> None:
        """The client heard its 250: drop the submission's claims (I5)."""
        self._end(submission, _RELEASING)

    def leave(self, submission: int) -> None:
        """The client went unanswered, or heard 4yz: the next try of this message is a retry (I5)."""
        self._end(submission, _LEAVING)

    def _end(self, submission: int, how: Kind[Sequence[Ended], None]) -> None:
        if claimed := self._claimed.pop(submission, None):
            self._writer.keep_with(how, list(claimed))

    async def sent(self, decision: int) -> Sent | None:
        """What is known of a mail by its decision's id; None if there is no such decision.

        Raises StoreUnavailableError.
        """
        glimpsed = self.glimpse(decision)  # nearly always there, and a tenth of what a reader's thread takes
        return glimpsed or _sent(await self._reader.rows(_SENT.params(key=decision)))

    def glimpse(self, decision: int) -> Sent | None:
        """The same at once, on the loop's own thread; None also where that cannot be (glance.py)."""
        with suppress(StoreUnavailableError):
            return _sent(self._glance.rows(decision))
        return None

    def close(self) -> None:
        """Let go of what this has open by itself."""
        self._glance.close()


_SENT = (
    select(
        decisions.c.controller,
        decisions.c.person,
        decisions.c.category,
        decisions.c.ground,
        decision_details.c.address,
        decisions.c.decided_at,
        decisions.c.evidence,
    )
    .select_from(decisions.outerjoin(decision_details, decision_details.c.decision == decisions.c.id))
    .where(decisions.c.id == bindparam("key"))
)


def _sent(found: Sequence[Any]) -> Sent | None:
    if not found:
        return None
    controller, person, category, ground, address, at, evidence = found[0]
    rests_on = tuple(json.loads(evidence))
    return Sent(controller, person, category or "", ground or "", address or "", moment(at), rests_on)


def _ending(
    how: Callable[[sqlite3.Connection, Sequence[Ended]], None], rank: int
) -> Kind[Sequence[Ended], None]:
    def do(connection: sqlite3.Connection, ended: Sequence[Sequence[Ended]]) -> list[None]:
        how(connection, list(chain.from_iterable(ended)))
        return [None] * len(ended)

    return Kind(do, rank)


_LEAVING = _ending(claims.leave, rank=2)
_RELEASING = _ending(claims.release, rank=2)
