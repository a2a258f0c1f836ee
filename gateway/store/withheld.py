"""The withheld log: newest first, whatever is asked for, and page after page at the same cost.

Rules of this file:

1. The index decisions_withheld has what was withheld by its sort (controller, login, category, reason), and
   each sort by id. However long the journal, there are few sorts; they are found by skipping along the index.
2. A page merges the sorts that are asked for: one look-up in the index for each sort, and one for each row.
3. The tallies say in which hours, and from which id to which, a campaign has any.
4. What no index tells, the exact time and the campaign's name, is tested on the rows found. How many of them
   a page looks at is bounded; what is left to look at is another page.
5. An id never lags its mail's time by more than ten minutes, and leads it by no more, but where the clock was
   set back: such hours have an index of their own (tallies_ahead), and are looked at beside the others.
6. SQLite takes a partial index only where its condition stands in the statement as it is in the index.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Text,
    and_,
    column,
    func,
    literal_column,
    or_,
    select,
    text,
)

from gateway.ids import first_at, time_of
from gateway.oversight import NEWEST, Sort, WithheldEntry, WithheldMail, WithheldPage, is_within
from gateway.ports import Filters
from gateway.store.compiling import unindexed
from gateway.store.explaining import explained
from gateway.store.log import EARLIER, ENTRY, conditions, days_of, entry_of, of_people
from gateway.store.reader import Reader
from gateway.store.spelling import day, hour, micros, moment, start_of
from gateway.store.tables import decisions, tallies

LOOKED = 1000  # rows looked at in one read, once the first did not suffice
READS = 10  # for one page
DAYS = 400  # looked at in one read, where people are asked for
EXPORTED = 1000  # entries of a page of an export
RANGES = (150, 600, 5000)  # hours of a campaign merged at once; more where fewer tell too little

WITHHOLD: ColumnElement[str] = literal_column("'withhold'")  # rule 6
_CONDITION = "decision = 'withhold'"

_SORTS = text(
    f"""
    SELECT controller, login, category, reason FROM (
      SELECT controller, login, category, reason FROM decisions
      WHERE {_CONDITION} AND controller > '' ORDER BY controller, login, category, reason LIMIT 1)
    UNION ALL
    SELECT it.controller, it.login, it.category, it.reason
    FROM sort CROSS JOIN decisions AS it ON it.id = coalesce(
      (SELECT id FROM decisions
       WHERE {_CONDITION} AND controller = sort.controller AND login = sort.login
         AND category IS sort.category AND reason > sort.reason ORDER BY reason LIMIT 1),
      (SELECT id FROM decisions
       WHERE {_CONDITION} AND controller = sort.controller AND login = sort.login
         AND category > coalesce(sort.category, '') ORDER BY category, reason LIMIT 1),
      (SELECT id FROM decisions
       WHERE {_CONDITION} AND controller = sort.controller AND login > sort.login
       ORDER BY login, category, reason LIMIT 1),
      (SELECT id FROM decisions
       WHERE {_CONDITION} AND controller > sort.controller
       ORDER BY controller, login, category, reason LIMIT 1))
    """  # noqa: S608 -- made of nothing but this file's own words
)
_SORT = _SORTS.columns(
    column("controller", Text), column("login", Text), column("category", Text), column("reason", Text)
).cte("sort", recursive=True)
SORTS = select(*_SORT.c)


def _newest(of: Sequence[str], before: str) -> str:
    """The newest of a range before an id, by one look-up; `of` names what a range has."""
    controller, login, category, reason, first = of
    return (
        f"(SELECT id FROM decisions WHERE {_CONDITION} AND controller = {controller} AND login = {login}"  # noqa: S608
        f" AND category IS {category} AND reason = {reason} AND id >= {first} AND id < {before}"
        " ORDER BY id DESC LIMIT 1)"
    )


_GIVEN = [f"json_extract(ranges.value, '$[{place}]')" for place in range(6)]
_NAMES = ("controller", "login", "category", "reason", "first")

# Rule 2. Of what it has found, SQLite takes up the newest first (ORDER BY in a recursive statement): so each
# step yields the newest row that is left, and looks up the next of the same range.
_MERGED = text(
    f"""
    SELECT {", ".join(_GIVEN[:5])}, {_newest(_GIVEN[:5], _GIVEN[5])} FROM json_each(:ranges) AS ranges
    UNION ALL
    SELECT {", ".join(_NAMES)}, {_newest([f"found.{name}" for name in _NAMES], "found.id")}
    FROM found WHERE found.id IS NOT NULL
    ORDER BY 6 DESC LIMIT :looked
    """  # noqa: S608 -- made of nothing but this file's own words
)
_FOUND = _MERGED.columns(
    *(column(name, Text) for name in _NAMES[:4]), column("first", BigInteger), column("id", BigInteger)
).cte("found", recursive=True)
MERGED = ENTRY.join(_FOUND, _FOUND.c.id == decisions.c.id)

HOURS = select(
    tallies.c.controller,
    tallies.c.hour,
    tallies.c.login,
    tallies.c.category,
    tallies.c.outcome,
    tallies.c.first,
    tallies.c.last,
).where(tallies.c.decision == WITHHOLD)

_AHEAD = text("(last >> 22) > hour * 3600000 - 1735685400000")  # as the index tallies_ahead has it

Rows: TypeAlias = Sequence[Row[*tuple[Any, ...]]]
Look: TypeAlias = tuple[Rows, int | None]  # rows that were looked at, and before which id to go on


class _Range(NamedTuple):
    """A part of a sort: ids from `first` on, before `end`."""

    controller: str
    login: str
    category: str | None
    reason: str
    first: int
    end: int


class Withheld:
    """Reads the journal, as oversight.Withheld asks."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def sorts(self) -> list[Sort]:
        """Every sort there is. Raises StoreUnavailableError."""
        return [Sort(*row) for row in await self._reader.rows(SORTS)]

    async def entries(self, filters: Filters) -> AsyncIterator[WithheldEntry]:
        """All of them, newest first. Raises StoreUnavailableError."""
        before: int | None = NEWEST
        while before is not None:
            page = await self.page(filters, before, EXPORTED)
            for entry in page.entries:
                yield entry
            before = page.next

    async def page(self, filters: Filters, before: int = NEWEST, most: int = EXPORTED) -> WithheldPage:
        """See oversight.Withheld.page. Raises StoreUnavailableError."""
        found: list[WithheldEntry] = []
        reads = 0
        async for rows, following in self._looks(filters, before, most + 1):
            found += [_shown(row) for row in rows if _passes(row, filters)]
            reads += 1
            if len(found) > most:
                return WithheldPage(found[:most], found[most - 1].id)
            if following is None or reads == READS:
                return WithheldPage(found, following)
        return WithheldPage(found, None)

    async def one(self, number: int) -> WithheldMail | None:
        """See oversight.Withheld.one. Raises StoreUnavailableError."""
        rows = await self._reader.rows(
            ENTRY.where(decisions.c.id == number, decisions.c.decision == WITHHOLD)
        )
        return await explained(self._reader, _shown(rows[0])) if rows else None

    def _looks(self, filters: Filters, before: int, most: int) -> AsyncIterator[Look]:
        if filters.people is not None:
            return self._of_people(filters, filters.people, before, most)
        return self._of_sorts(filters, before, most)

    async def _of_sorts(self, filters: Filters, before: int, most: int) -> AsyncIterator[Look]:
        """Read after read: the first of about a page, each further one twice as large."""
        sorts = {one for one in await self.sorts() if _is_asked_for(one, filters)}
        end, ahead = await self._end(filters, sorts)
        hours: Rows = ()
        left = before if filters.campaign is not None else None  # before it, hours have not been read yet
        size, following = most if filters.campaign is None else 2 * most, before if sorts else None
        while following is not None:
            if filters.campaign is None:
                ranges = _of_all(filters, sorts, min(following, end)) + _of_hours(ahead, end, following)
            else:
                if following == left:
                    hours, left = await self._hours(filters, following)
                ranges = _of_hours(hours, max(_first(filters), left or 0), following)
            rows = await self._merged(_apart(one for one in ranges if Sort(*one[:4]) in sorts), size)
            following = rows[-1].id if len(rows) == size else left
            yield rows, following
            size = min(2 * size, LOOKED)

    async def _merged(self, ranges: Iterable[_Range], looked: int) -> Rows:
        wanted = json.dumps(list(ranges))
        rows = await self._reader.rows(MERGED.params(ranges=wanted, looked=looked))
        return sorted(rows, key=lambda row: row.id, reverse=True)

    async def _hours(self, filters: Filters, before: int) -> tuple[Rows, int | None]:
        """The newest hours in which a campaign has any before that id, and before which id there are more."""
        latest = min(time_of(before), filters.until or time_of(before)) + EARLIER
        hours = tallies.c.hour.between(
            hour(micros(filters.since)) if filters.since else 0, hour(micros(latest))
        )
        newest = HOURS.where(tallies.c.campaign == filters.campaign_mark, hours).order_by(
            tallies.c.hour.desc()
        )
        for most in RANGES:
            rows = await self._reader.rows(newest.limit(most))
            if len(rows) < most:
                return rows, None
            # What comes after this id is in the hours that are here whole, or ahead of its hour.
            left = first_at(start_of(rows[-1].hour + 1) + EARLIER)
            if left < before:
                break
        else:  # so many in so short a time: then some hours whole, however many they are
            whole = hour(micros(latest)) - 2
            rows = await self._reader.rows(newest.where(tallies.c.hour >= whole))
            left = first_at(start_of(whole) + EARLIER)
        ahead = HOURS.where(_AHEAD, unindexed(tallies.c.campaign) == filters.campaign_mark)
        earlier = tallies.c.hour <= hour(micros(time_of(left) - EARLIER)) - 1
        more = await self._reader.rows(ahead.where(earlier, tallies.c.last >= left))
        return [*rows, *more], left

    async def _end(self, filters: Filters, sorts: Collection[Sort]) -> tuple[int, Rows]:
        """An id before which is all that was decided by `until`, and of a full hour little else.

        And the hours that have more, ahead of them (rule 5).
        """
        if filters.until is None:
            return NEWEST, ()
        last = hour(micros(filters.until) - 1)
        newest = select(func.max(tallies.c.last)).where(
            tallies.c.controller.in_({one.controller for one in sorts}),
            tallies.c.hour.between(last - 1, last),
        )
        ((found,),) = await self._reader.rows(newest)
        end = max((found or 0) + 1, first_at(start_of(last) + EARLIER))
        ahead = HOURS.where(_AHEAD, tallies.c.hour <= last, tallies.c.last >= end)
        return end, await self._reader.rows(ahead)

    async def _of_people(
        self, filters: Filters, people: Sequence[tuple[str, bytes]], before: int, most: int
    ) -> AsyncIterator[Look]:
        """Some days after others, since the index of people is by day."""
        first, last = await days_of(self._reader, people)
        first = max(first, day(micros(filters.since))) if filters.since else first
        last = min(last, day(micros(filters.until))) if filters.until else last
        last = min(last, await self._day_of(before))
        the_day = unindexed(decisions.c.day)
        asked = conditions(replace(filters, withheld=True))
        for end in range(last, first - 1, -DAYS):
            days = range(max(first, end - DAYS + 1), end + 1)
            rows: Rows | None = None
            while rows is None or len(rows) == most:
                earlier = or_(the_day < last, and_(the_day == last, decisions.c.id < before))
                statement = ENTRY.where(of_people(people, days), earlier, *asked)
                newest = statement.order_by(decisions.c.day.desc(), decisions.c.id.desc())
                rows = await self._reader.rows(newest.limit(most))
                if rows:
                    before, last = rows[-1].id, await self._day_of(rows[-1].id)
                yield rows, before

    async def _day_of(self, number: int) -> int:
        """The day of that decision, or that its id was made in."""
        found = await self._reader.rows(select(decisions.c.day).where(decisions.c.id == number))
        return found[0][0] if found else day(micros(time_of(number)))


def _first(filters: Filters) -> int:
    return first_at(filters.since - EARLIER) if filters.since else 0


def _of_all(filters: Filters, sorts: Iterable[Sort], end: int) -> list[_Range]:
    """All of each sort, from `since` on."""
    first = _first(filters)
    return [_Range(it.controller, it.login, it.category, it.reason, first, end) for it in sorts]


def _of_hours(hours: Rows, first: int, end: int) -> list[_Range]:
    """What the tallies say of each hour and sort, between two ids."""
    return [
        _Range(
            row.controller,
            row.login,
            row.category or None,
            row.outcome,
            max(row.first, first),
            min(row.last + 1, end),
        )
        for row in hours
    ]


def _apart(ranges: Iterable[_Range]) -> list[_Range]:
    """The same in ranges of which no two have a mail in common: with two clocks, hours may share some ids."""
    found: list[_Range] = []
    for one in sorted(ranges, key=lambda it: (*it[:2], it.category or "", it.reason, it.first)):
        before = found[-1] if found and found[-1][:4] == one[:4] else None
        if one.first >= one.end:
            continue
        if before and one.first < before.end:
            found[-1] = before._replace(end=max(before.end, one.end))
        else:
            found.append(one)
    return found


def _is_asked_for(sort: Sort, filters: Filters) -> bool:
    return all(
        wanted in (None, own)
        for wanted, own in (
            (filters.controller, sort.controller),
            (filters.login, sort.login),
            (filters.category, sort.category),
            (filters.reason, sort.reason),
        )
    )


def _passes(row: Row[*tuple[Any, ...]], filters: Filters) -> bool:
    """Rule 4."""
    return is_within(moment(row.decided_at), filters) and filters.campaign in (None, row.campaign)


def _shown(row: Row[*tuple[Any, ...]]) -> WithheldEntry:
    return WithheldEntry(row.id, entry_of(row), bool(row.relaxed))
