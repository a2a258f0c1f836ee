"""What was decided and what was refused over time: from the tallies, and from the index of refusals.

So what it costs depends on how much time is asked for, never on how many mails were decided on in it. Each
read is of a month at most (design section 6).
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import timedelta

from sqlalchemy import ColumnElement, case, func, literal_column, select, text

from gateway.oversight import LIVE, Count, Refusals, Span
from gateway.store.reader import Reader
from gateway.store.spelling import micros, start_of
from gateway.store.tables import ledger, tallies

MONTH = 31 * 24  # hours
TIMED = 10_000  # refusals of which the time to effect is looked at

_REFUSAL = text("kind IN ('objection', 'withdrawal')")  # as the index ledger_refusals has it
_LIVE: ColumnElement[int] = literal_column(str(LIVE // timedelta(microseconds=1)))
_HOUR: ColumnElement[int] = literal_column("3600000000")  # microseconds


class Counts:
    """Counts on the reader's connections."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def decisions(self, controllers: Collection[str], span: Span) -> list[Count]:
        """See oversight.Counts.decisions. Raises StoreUnavailableError."""
        part = (tallies.c.hour - span.first) / literal_column(str(span.width))
        by = (part, tallies.c.decision, tallies.c.outcome, tallies.c.relaxed)
        found: Counter[tuple[int, str, str, bool]] = Counter()
        for first, end in _months(span):
            statement = select(*by, func.sum(tallies.c.count)).where(
                tallies.c.controller.in_(controllers), tallies.c.hour >= first, tallies.c.hour < end
            )
            for at, decision, outcome, relaxed, number in await self._reader.rows(statement.group_by(*by)):
                found[int(at), decision, outcome, bool(relaxed)] += number
        return [Count(*what, number) for what, number in sorted(found.items())]

    async def refusals(self, controllers: Collection[str], span: Span) -> Refusals:
        """See oversight.Counts.refusals. Raises StoreUnavailableError."""
        counts = Counter[int]()
        later, took = 0, list[int]()
        wait = ledger.c.recorded_at - ledger.c.occurred_at
        loaded = func.sum(case((wait > _LIVE, literal_column("1")), else_=literal_column("0")))
        part = (ledger.c.recorded_at / _HOUR - span.first) / literal_column(str(span.width))
        for first, end in reversed(list(_months(span))):
            within = (
                _REFUSAL,
                ledger.c.controller.in_(controllers),
                ledger.c.recorded_at >= micros(start_of(first)),
                ledger.c.recorded_at < micros(start_of(end)),
            )
            statement = select(part, func.count(), loaded).where(*within)
            for at, number, of_them in await self._reader.rows(statement.group_by(part)):
                counts[int(at)] += number
                later += of_them
            times = select(wait).where(*within, wait <= _LIVE)
            newest = times.order_by(ledger.c.recorded_at.desc()).limit(TIMED - len(took))
            took += [time for (time,) in await self._reader.rows(newest)]
        return Refusals(
            parts=[counts[at] for at in range(span.parts)],
            later=later,
            timed=len(took),
            median=_time(statistics.median(took)) if took else None,
            longest=_time(max(took)) if took else None,
        )


def _months(span: Span) -> Iterator[tuple[int, int]]:
    """Where each read begins and ends, in hours."""
    for first in range(span.first, span.end, MONTH):
        yield first, min(first + MONTH, span.end)


def _time(microseconds: float) -> timedelta:
    return timedelta(microseconds=microseconds)
