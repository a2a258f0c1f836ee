"""The decision log: who was mailed or withheld, when, why, and what became of it (contract section 2, `log`).

Oldest first, in pages: each is one short read over a bounded part of the journal, found by its key or by
its index, so that a long log never holds up the writer (design section 6).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, false, func, or_, select

from gateway.envelope import FateKind
from gateway.ids import first_at, ref
from gateway.store.reader import Reader
from gateway.store.spelling import micros, moment
from gateway.store.tables import decision_details, decisions, fates

PAGE = 2000  # decisions looked at in one read
DAYS = 90  # looked at in one read, where people are asked for
_NEWEST = (1 << 63) - 1
# An id lags its decision's time by a round at most, and leads it by what a clock set back has lost.
_EARLIER, _LATER = timedelta(minutes=10), timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which decisions to show; what is None or empty does not narrow."""

    withheld: bool = False
    since: datetime | None = None  # included
    until: datetime | None = None  # not included
    reason: str | None = None
    category: str | None = None
    campaign: str | None = None
    login: str | None = None
    controller: str | None = None
    people: tuple[tuple[str, bytes], ...] | None = None  # controller and keyed hash, one for each controller
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One decision (contract section 2). Details that were erased are empty."""

    time: datetime
    ref: str  # of the submission, as the client was told
    login: str
    controller: str
    category: str | None
    campaign: str
    message_id: str
    address: str
    decision: str  # send or withhold
    ground: str | None
    reason: str | None
    fate: str | None  # None when no copy was to go


_ENTRY = select(
    decisions.c.decided_at,
    decisions.c.submission,
    decisions.c.login,
    decisions.c.controller,
    decisions.c.category,
    decision_details.c.campaign,
    decision_details.c.message_id,
    decision_details.c.address,
    decisions.c.decision,
    decisions.c.ground,
    decisions.c.reason,
    decisions.c.relaxed,
    fates.c.fate,
).select_from(
    decisions.outerjoin(decision_details, decision_details.c.decision == decisions.c.id).outerjoin(
        fates, fates.c.decision == decisions.c.id
    )
)


class Log:
    """Reads the journal."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def entries(self, filters: Filters) -> AsyncIterator[LogEntry]:
        """The decisions that pass the filters, oldest first. Raises StoreUnavailableError."""
        left = filters.limit
        conditions = _conditions(filters)
        async for window in self._windows(filters):
            if left == 0:
                return
            statement = _ENTRY.where(window, *conditions).order_by(decisions.c.id).limit(left)
            for row in await self._reader.rows(statement):
                yield _entry(row)
                left = left - 1 if left is not None else None

    async def _windows(self, filters: Filters) -> AsyncIterator[ColumnElement[bool]]:
        """The parts of the journal to look at, each small enough for one read, in order."""
        if filters.people is not None:
            first, last = await self._days(filters.people)
            for start in range(first, last + 1, DAYS):
                yield _of_people(filters.people, range(start, min(start + DAYS, last + 1)))
            return
        first = first_at(filters.since - _EARLIER) if filters.since else 0
        last = first_at(filters.until + _LATER) if filters.until else _NEWEST
        while first <= last:
            end = await self._end_of_page(first, last)
            yield decisions.c.id.between(first, end)
            first = end + 1

    async def _end_of_page(self, first: int, last: int) -> int:
        """The id that ends a page beginning at `first`."""
        statement = select(decisions.c.id).where(decisions.c.id.between(first, last))
        found = await self._reader.rows(statement.order_by(decisions.c.id).limit(1).offset(PAGE - 1))
        return found[0][0] if found else last

    async def _days(self, people: Iterable[tuple[str, bytes]]) -> tuple[int, int]:
        """The first and last day on which these controllers have decisions: two index look-ups each."""
        days = []
        for controller in {controller for controller, _ in people}:
            for edge in (func.min, func.max):
                statement = select(edge(decisions.c.day)).where(decisions.c.controller == controller)
                days += [found for (found,) in await self._reader.rows(statement) if found is not None]
        return (min(days), max(days)) if days else (0, -1)


def _of_people(people: Iterable[tuple[str, bytes]], days: range) -> ColumnElement[bool]:
    return or_(
        false(),
        *(
            and_(
                decisions.c.controller == controller, decisions.c.day.in_(days), decisions.c.person == person
            )
            for controller, person in people
        ),
    )


def _conditions(filters: Filters) -> list[ColumnElement[bool]]:
    conditions = [
        column == value
        for column, value in (
            (decisions.c.reason, filters.reason),
            (decisions.c.category, filters.category),
            (decision_details.c.campaign, filters.campaign),
            (decisions.c.login, filters.login),
            (decisions.c.controller, filters.controller),
        )
        if value is not None
    ]
    if filters.withheld:
        conditions.append(decisions.c.decision == "withhold")
    if filters.since is not None:
        conditions.append(decisions.c.decided_at >= micros(filters.since))
    if filters.until is not None:
        conditions.append(decisions.c.decided_at < micros(filters.until))
    return conditions


def _entry(row: Row[*tuple[Any, ...]]) -> LogEntry:
    copy_went = row.decision == "send" or row.relaxed
    return LogEntry(
        time=moment(row.decided_at),
        ref=ref(row.submission),
        login=row.login,
        controller=row.controller,
        category=row.category,
        campaign=row.campaign or "",
        message_id=row.message_id or "",
        address=row.address or "",
        decision=row.decision,
        ground=row.ground,
        reason=row.reason,
        fate=(row.fate or FateKind.UNKNOWN.value) if copy_went else None,  # I2
    )
