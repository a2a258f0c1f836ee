"""The story of retention: a plan of what has been kept long enough, and its end (GDPR 5(1)(e), L24).

    terms of the configuration + what is held -> Plan -> details gone, some at a time -> acts on record

Rules of this file:

1. Nothing goes before its maximum is over, and so never within its minimum. A class without terms stays.
2. Rows stay, as keyed hashes and digests; their details go. Refusals have no term and are left as they are.
3. What lost its proof counts no more: a consent that still counted is corrected to an unproven one (L2), a
   purchase to one without word of the way out (L9), a word that the register does not list them to an
   unproven one (L28).
4. Memory is bounded by the number of rows whose own dates are past their maximum: only for these does it
   matter whether a decision rested on them since, which one pass over the journal tells.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from gateway.config import Config
from gateway.config.schema import RETENTION_CLASSES, Retention
from gateway.erasing import present_ids
from gateway.law.evidence import Evidence, kind_of
from gateway.law.terms import TERMED, begins, stopped
from gateway.ports import Clock

JOURNAL, AUDIT = "journal", "audit"
PATIENCE = 30.0  # seconds, for readers to leave


@dataclass(frozen=True, slots=True)
class HeldPerson:
    """The rows of one person, and the ids of those that have details."""

    controller: str
    rows: Sequence[Evidence]
    detailed: frozenset[int]


@dataclass(slots=True)
class ClassPlan:
    """What goes of a class, and what stays: within its minimum, or still within its maximum.

    `oldest` and `newest` are when the rows that go occurred.
    """

    name: str
    term: Retention | None
    goes: int = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    must_stay: int = 0
    may_stay: int = 0

    def is_over(self, started: datetime, now: datetime) -> bool:
        """Whether the maximum is over of what has its term run since `started`."""
        return self.term is not None and started + timedelta(days=self.term.keep_at_most_days) <= now

    def add(self, occurred_at: datetime, started: datetime, now: datetime) -> bool:
        """Count a row; whether it goes."""
        if self.is_over(started, now):
            self.go(occurred_at)
            return True
        self.stay(started, now)
        return False

    def go(self, occurred_at: datetime) -> None:
        """Count a row that goes."""
        self.goes += 1
        self.oldest = min(self.oldest or occurred_at, occurred_at)
        self.newest = max(self.newest or occurred_at, occurred_at)

    def stay(self, started: datetime, now: datetime) -> None:
        """Count a row that stays: because it must, or because it still may."""
        if self.term is not None and started + timedelta(days=self.term.keep_at_least_days) > now:
            self.must_stay += 1
        else:
            self.may_stay += 1


@dataclass(frozen=True, slots=True)
class Due:
    """A row of evidence past its maximum; `counts` if it might still permit mail."""

    id: int
    counts: bool


@dataclass(slots=True)
class Plan:
    """What goes, by class; and the rows, decisions and acts themselves."""

    at: datetime
    classes: Mapping[str, ClassPlan]
    evidence: dict[str, list[Due]] = field(default_factory=dict)
    acts: dict[str, list[int]] = field(default_factory=dict)
    before: int = 0  # decisions with lower ids go

    @property
    def is_empty(self) -> bool:
        """Whether nothing goes."""
        return not any(one.goes for one in self.classes.values())


@dataclass(frozen=True, slots=True)
class OldAct:
    """An act with details: those of a `kind` of evidence, kept by law until `at`; or `audit`."""

    id: int
    kind: str
    at: datetime


class Retaining(Protocol):
    """What this story asks of the store. Everything raises StoreUnavailableError."""

    def people(self) -> AsyncIterator[HeldPerson]:
        """Everybody on record, of every controller."""
        ...

    async def rested(self, rows: Mapping[int, object], since: datetime) -> dict[int, datetime]:
        """The last decision since then that rests on each of these rows, where there is one."""
        ...

    def decisions(self) -> AsyncIterator[tuple[int, datetime]]:
        """Id and time of each decision with details, in the order of ids."""
        ...

    def acts(self) -> AsyncIterator[OldAct]:
        """Every act whose details have a term."""
        ...

    async def end_evidence(self, kind: str, due: Sequence[Due], now: datetime, seen_since: datetime) -> None:
        """Delete details, correct what counts, record it; not of rows that a decision rested on since."""
        ...

    async def end_decisions(self, before: int, now: datetime) -> None:
        """Delete the details of all decisions and fates before this one, and record it."""
        ...

    async def end_acts(self, kind: str, due: Sequence[int], now: datetime) -> None:
        """Delete the details of these acts, and record it."""
        ...

    async def purge(self, patience: float) -> bool:
        """Whether nothing that was deleted is left in any file, within so many seconds."""
        ...


class Rooms(Protocol):
    """What this story asks of the house."""

    @property
    def config(self) -> Config: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def retaining(self) -> Retaining: ...


async def plan(rooms: Rooms) -> Plan:
    """What has been kept long enough. Changes nothing. Raises StoreUnavailableError."""
    now = rooms.clock.now()
    terms = rooms.config.retention
    made = Plan(now, {name: ClassPlan(name, terms.get(name)) for name in RETENTION_CLASSES})
    await _plan_evidence(rooms, made)
    await _plan_journal(rooms, made)
    async for act in rooms.retaining.acts():
        if act.kind != AUDIT:  # kept by law, and no longer than that
            if act.at <= now:
                made.acts.setdefault(act.kind, []).append(act.id)
        elif made.classes[AUDIT].add(act.at, act.at, now):
            made.acts.setdefault(AUDIT, []).append(act.id)
    return made


async def apply(rooms: Rooms, patience: float = PATIENCE) -> tuple[Plan, bool]:
    """End what has been kept long enough; the plan that was carried out, and whether the files are clean.

    Raises StoreUnavailableError: what was ended by then is on record, and a second run goes on.
    """
    made = await plan(rooms)
    store = rooms.retaining
    for kind, due in made.evidence.items():
        await store.end_evidence(kind, due, made.at, made.at)
    for kind, numbers in made.acts.items():
        await store.end_acts(kind, numbers, made.at)
    if made.classes[JOURNAL].goes:
        await store.end_decisions(made.before, made.at)
    return made, await store.purge(patience)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A row whose own dates are past their maximum, and that did not stop counting."""

    kind: str
    occurred_at: datetime
    started: datetime


async def _plan_evidence(rooms: Rooms, made: Plan) -> None:
    candidates: dict[int, _Candidate] = {}
    async for person in rooms.retaining.people():
        ended = stopped(person.rows, present_ids(rooms.config, person.controller), made.at)
        for row in person.rows:
            kind = kind_of(row)
            if row.id not in person.detailed or kind not in TERMED:
                continue
            started = begins(row, ended.get(row.id), None)
            if made.classes[kind].is_over(started, made.at) and row.id not in ended:
                candidates[row.id] = _Candidate(kind, row.occurred_at, started)
            elif made.classes[kind].add(row.occurred_at, started, made.at):
                made.evidence.setdefault(kind, []).append(Due(row.id, counts=False))
    if not candidates:
        return
    longest = max(term.keep_at_most_days for term in rooms.config.retention.values())
    rested = await rooms.retaining.rested(candidates, made.at - timedelta(days=longest))
    for number, one in candidates.items():
        started = max(one.started, rested.get(number, one.started))
        if made.classes[one.kind].add(one.occurred_at, started, made.at):
            made.evidence.setdefault(one.kind, []).append(Due(number, counts=True))


async def _plan_journal(rooms: Rooms, made: Plan) -> None:
    """Decisions go in the order of ids, up to the first whose time is not over: clocks may have been set."""
    journal, going = made.classes[JOURNAL], True
    async for number, at in rooms.retaining.decisions():
        going = going and journal.is_over(at, made.at)
        if going:
            made.before = number + 1
            journal.go(at)
        else:
            journal.stay(at, made.at)
