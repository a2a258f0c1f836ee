"""The decision log: who was mailed or withheld, when, why, and what became of it (contract section 2, `log`).

Oldest first, in pages: each is one short read over a bounded part of the journal, found by its key or by
its index, so that a long log never holds up the writer (design section 6).
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, false, func, or_, select, true

from gateway.envelope import FateKind
from gateway.ids import first_at, ref
from gateway.ports import Filters, LogEntry, LogPage
from gateway.store.reader import Reader
from gateway.store.spelling import micros, moment
from gateway.store.tables import decision_details, decisions, fates

__all__ = ["Filters", "Log", "LogEntry"]

PAGE = 2000  # decisions looked at in one read
DAYS = 90  # looked at in one read, where people are asked for
READS = 25  # for one page, however few of what it looks at pass the filters
_NEWEST = (1 << 63) - 1
# An id lags its decision's time by a round at most, and leads it by what a clock set back has lost.
EARLIER, LATER = timedelta(minutes=10), timedelta(days=1)

ENTRY = select(
    decisions.c.id,
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


@dataclass(frozen=True, slots=True)
class _Window:
    """A part of the journal; `end` is the id it ends with, where parts are bounded by ids."""

    within: ColumnElement[bool]
    end: int | None = None


class Log:
    """Reads the journal, as ports.Log asks."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def entries(self, filters: Filters) -> AsyncIterator[LogEntry]:
        """The decisions that pass the filters, oldest first. Raises StoreUnavailableError."""
        left = filters.limit
        async for window in self._windows(filters, 0):
            if left == 0:
                return
            for row in await self._rows(window, filters, left):
                yield entry_of(row)
                left = left - 1 if left is not None else None

    async def page(self, filters: Filters, after: int, most: int) -> LogPage:
        """A page of them; see ports.Log.page. Raises StoreUnavailableError."""
        found: list[Row[*tuple[Any, ...]]] = []
        reads = 0
        async for window in self._windows(filters, after):
            found += await self._rows(window, filters, most + 1 - len(found))
            reads += 1
            if len(found) > most:
                return LogPage(tuple(map(entry_of, found[:most])), next=found[most - 1].id)
            if reads >= READS and window.end is not None and window.end < _NEWEST:
                return LogPage(tuple(map(entry_of, found)), next=window.end)
        return LogPage(tuple(map(entry_of, found)), next=None)

    async def _rows(
        self, window: _Window, filters: Filters, most: int | None
    ) -> Sequence[Row[*tuple[Any, ...]]]:
        """In the order of ids; where people are asked for, day by day, since windows are days there."""
        order = [decisions.c.day] if filters.people is not None else []
        statement = ENTRY.where(window.within, *conditions(filters))
        return await self._reader.rows(statement.order_by(*order, decisions.c.id).limit(most))

    async def _windows(self, filters: Filters, after: int) -> AsyncIterator[_Window]:
        """The parts of the journal to look at, each small enough for one read, in order."""
        if filters.people is not None:
            first, last = await days_of(self._reader, filters.people)
            later, day = await self._later(after)
            for start in range(max(first, day), last + 1, DAYS):
                days = range(start, min(start + DAYS, last + 1))
                yield _Window(and_(of_people(filters.people, days), later))
            return
        first = first_at(filters.since - EARLIER) if filters.since else 0
        first = max(first, after + 1)
        last = min(first_at(filters.until + LATER), _NEWEST) if filters.until else _NEWEST
        while first <= last:
            end = await self._end_of_page(first, last)
            yield _Window(decisions.c.id.between(first, end), end)
            first = end + 1

    async def _later(self, after: int) -> tuple[ColumnElement[bool], int]:
        """What comes after that decision, day by day, and its day."""
        found = await self._reader.rows(select(decisions.c.day).where(decisions.c.id == after))
        if not found:
            return true(), 0
        day = found[0][0]
        return or_(decisions.c.day > day, decisions.c.id > after), day

    async def _end_of_page(self, first: int, last: int) -> int:
        """The id that ends a page beginning at `first`."""
        statement = select(decisions.c.id).where(decisions.c.id.between(first, last))
        found = await self._reader.rows(statement.order_by(decisions.c.id).limit(1).offset(PAGE - 1))
        return found[0][0] if found else last


async def days_of(reader: Reader, people: Iterable[tuple[str, bytes]]) -> tuple[int, int]:
    """The first and last day on which their controllers have decisions: two index look-ups each."""
    days = []
    for controller in {controller for controller, _ in people}:
        for edge in (func.min, func.max):
            statement = select(edge(decisions.c.day)).where(decisions.c.controller == controller)
            days += [found for (found,) in await reader.rows(statement) if found is not None]
    return (min(days), max(days)) if days else (0, -1)


def of_people(people: Iterable[tuple[str, bytes]], days: range) -> ColumnElement[bool]:
    """The decisions about these people, each of one controller, in these days: an index look-up a day."""
    some = select(func.json_each(json.dumps(list(days))).table_valued("value").c.value)
    return or_(
        false(),
        *(
            and_(
                decisions.c.controller == controller, decisions.c.day.in_(some), decisions.c.person == person
            )
            for controller, person in people
        ),
    )


def conditions(filters: Filters) -> list[ColumnElement[bool]]:
    """What the filters ask of a row, but for people."""
    asked = [
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
        asked.append(decisions.c.decision == "withhold")
    if filters.since is not None:
        asked.append(decisions.c.decided_at >= micros(filters.since))
    if filters.until is not None:
        asked.append(decisions.c.decided_at < micros(filters.until))
    return asked


def entry_of(row: Row[*tuple[Any, ...]]) -> LogEntry:
    """The entry that a row of ENTRY holds."""
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
