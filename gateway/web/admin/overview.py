"""/admin: what was sent and withheld over time and why, who objected, and how the gateway is."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias
from urllib.parse import urlencode

from aiohttp import web

from gateway import oversight
from gateway.config import Config, warnings
from gateway.law.reason import Ground, Reason
from gateway.law.remedy import REMEDIES
from gateway.oversight import Count, Span
from gateway.ports import Clock
from gateway.web.admin.operator import Operator
from gateway.web.admin.pages import shown
from gateway.web.admin.plot import Part, Plot, plot
from gateway.web.admin.route import AdminRoute

Parts: TypeAlias = Callable[[], Awaitable[Mapping[str, str]]]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
USUAL = "30d"
# By name: what it is called, the width of a part in hours, and how many.
RANGES: Mapping[str, tuple[str, int, int]] = {
    "24h": ("24 hours", 1, 24),
    "7d": ("7 days", 6, 28),
    "30d": ("30 days", 24, 30),
    "90d": ("90 days", 3 * 24, 30),
    "365d": ("365 days", 7 * 24, 53),
}


class Rooms(Protocol):
    """What this page asks of the house."""

    @property
    def config(self) -> Config:
        """Which controllers there are, and what they lack."""
        ...

    @property
    def clock(self) -> Clock:
        """When it is asked."""
        ...

    @property
    def withheld(self) -> oversight.Withheld:
        """Of which controllers anything was withheld."""
        ...

    @property
    def counts(self) -> oversight.Counts:
        """What was decided and refused."""
        ...


@dataclass(frozen=True, slots=True)
class Total:
    """How many decisions of one ground or reason, and what is to be said of it."""

    code: str
    number: int
    relaxed: int
    sentence: str
    remedy: str
    link: str


class Overview:
    """The first page."""

    def __init__(self, rooms: Rooms, parts: Parts) -> None:
        self._rooms = rooms
        self._parts = parts

    def routes(self) -> list[AdminRoute]:
        """What it answers."""
        return [AdminRoute("GET", "/admin", self.show, "viewer")]

    async def show(self, request: web.Request, operator: Operator) -> web.Response:
        """The page, for a range of time and for one controller or all."""
        chosen, whose = request.query.get("range", USUAL), request.query.get("controller", "")
        known = sorted({one.controller for one in await self._rooms.withheld.sorts()} | self._configured)
        if chosen not in RANGES or (whose and whose not in known):
            raise web.HTTPNotFound
        span = span_of(chosen, self._rooms.clock.now())
        controllers = [whose] if whose else known
        counts = await self._rooms.counts.decisions(controllers, span)
        refusals = await self._rooms.counts.refusals(controllers, span)
        columns = Columns(span, whose, counts)
        return shown(
            "overview.html",
            operator,
            ranges=RANGES,
            range=chosen,
            controllers=known,
            controller=whose,
            columns=columns,
            refusals=refusals,
            refused=columns.of_refusals(refusals.parts),
            parts=await self._parts(),
            readiness=await asyncio.to_thread(_readiness, self._rooms.config),  # it reads key files
        )

    @property
    def _configured(self) -> set[str]:
        return set(self._rooms.config.controllers)


class Columns:
    """Counts over time, one column for each part of the span."""

    def __init__(self, span: Span, controller: str, counts: Collection[Count]) -> None:
        self._span = span
        self._controller = controller
        self._by_outcome: defaultdict[str, Counter[str]] = defaultdict(Counter)  # by decision
        self._relaxed: Counter[str] = Counter()
        self._cells: Counter[tuple[int, str, str]] = Counter()
        for one in counts:
            self._by_outcome[one.decision][one.outcome] += one.number
            self._relaxed[one.outcome] += one.number if one.relaxed else 0
            self._cells[one.part, one.decision, one.outcome] += one.number

    @property
    def sent(self) -> int:
        """How many were sent on a ground."""
        return self._by_outcome["send"].total()

    @property
    def withheld(self) -> int:
        """How many were withheld, those that report mode relayed among them."""
        return self._by_outcome["withhold"].total()

    @property
    def relaxed(self) -> int:
        """How many report mode relayed all the same."""
        return self._relaxed.total()

    @property
    def grounds(self) -> list[Total]:
        """Each ground in use, most used first."""
        return [
            Total(code, number, 0, Ground(code).sentence if code in set(Ground) else "", "", "")
            for code, number in self._by_outcome["send"].most_common()
        ]

    @property
    def reasons(self) -> list[Total]:
        """Each reason, most frequent first."""
        return [
            Total(
                code,
                number,
                self._relaxed[code],
                Reason(code).sentence if code in set(Reason) else "",
                REMEDIES[Reason(code)] if code in set(Reason) else "",
                self._link(0, self._span.parts, reason=code),
            )
            for code, number in self._by_outcome["withhold"].most_common()
        ]

    @property
    def stacked(self) -> list[Total]:
        """The same in the order in which bars are stacked: kindred reasons beside each other."""
        order = list(Reason)
        return sorted(self.reasons, key=lambda one: order.index(Reason(one.code)) if one.sentence else -1)

    @property
    def plot_of_sent(self) -> Plot:
        """How many were sent in each part; each leads to what was withheld then."""
        return plot(
            [
                (self._tick(at), [self._part("send", "sent", self._sent_in(at), at)])
                for at in range(self._span.parts)
            ]
        )

    @property
    def plot_of_withheld(self) -> Plot:
        """How many were withheld in each part, by reason."""
        return plot([(self._tick(at), list(self._withheld_in(at))) for at in range(self._span.parts)])

    def of_refusals(self, parts: Sequence[int]) -> Plot:
        """How many objected or withdrew in each part."""
        return plot(
            [
                (self._tick(at), [Part("refused", number, f"{number:,} recorded, {self._name(at)}", "")])
                for at, number in enumerate(parts)
            ]
        )

    @property
    def rows(self) -> list[tuple[str, int, list[int]]]:
        """The plots as a table: each part's name, how many were sent, how many withheld by each reason."""
        codes = [one.code for one in self.reasons]
        return [
            (self._name(at), self._sent_in(at), [self._cells[at, "withhold", code] for code in codes])
            for at in range(self._span.parts)
        ]

    def _sent_in(self, at: int) -> int:
        return sum(self._cells[at, "send", ground] for ground in self._by_outcome["send"])

    def _withheld_in(self, at: int) -> Iterator[Part]:
        for one in self.stacked:
            yield self._part(one.code, one.code, self._cells[at, "withhold", one.code], at, reason=one.code)

    def _part(self, kind: str, words: str, number: int, at: int, **asked: str) -> Part:
        return Part(kind, number, f"{number:,} {words}, {self._name(at)}", self._link(at, at + 1, **asked))

    def _link(self, first: int, end: int, **asked: str) -> str:
        """To the log of these parts."""
        more = {"controller": self._controller} if self._controller else {}
        since, until = (f"{self._start(at):%Y-%m-%dT%H:%MZ}" for at in (first, end))
        return f"/admin/withheld?{urlencode({'since': since, 'until': until, **asked, **more})}"

    def _start(self, at: int) -> datetime:
        return _BEGINNING + (self._span.first + at * self._span.width) * HOUR

    def _tick(self, at: int) -> str:
        return f"{self._start(at):%H:%M}" if self._span.width == 1 else f"{self._start(at):%d %b}"

    def _name(self, at: int) -> str:
        """When it was, in words."""
        start, width = self._start(at), self._span.width
        if width < 24:
            return f"{start:%Y-%m-%d %H:%M} to {start + width * HOUR:%H:%M} UTC"
        return f"{start:%Y-%m-%d}" + (f" to {start + width * HOUR - DAY:%Y-%m-%d}" if width > 24 else "")


def span_of(name: str, now: datetime) -> Span:
    """The range of that name that ends now: whole hours, or whole days (UTC)."""
    _, width, parts = RANGES[name]
    hours = (now - _BEGINNING) // HOUR + 1
    end = hours if width == 1 else -(-hours // min(width, 24)) * min(width, 24)
    return Span(end - width * parts, width, parts)


def _readiness(config: Config) -> list[tuple[str, str, list[object]]]:
    """Of each controller its name, for whom it works, and what it lacks (L20 to L22) with the mend."""
    found = warnings(config)
    return [
        (
            one.name,
            f"{one.on_behalf_of}, agreed on {one.processing_agreement_date}" if one.on_behalf_of else "",
            [each for each in found if each.key.startswith(f"controller[{one.id}].")],
        )
        for one in config.controller
    ]
