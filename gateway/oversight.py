"""What those who answer for the mail look at: what was withheld, counts over time, campaigns.

These are questions to the store, for whoever shows the answers; nothing here decides or records.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from gateway.law.evidence import Evidence
from gateway.ports import Filters, LogEntry
from gateway.replay import Explained

NEWEST = (1 << 63) - 1  # before which is every id
LIVE = timedelta(days=1)  # between a refusal and its record, where it was recorded as it came in
FIRST = (1 << 31, 0)  # an hour since 1970, and an id: before which is every campaign


@dataclass(frozen=True, slots=True)
class Sort:
    """What withheld mails have in common by which they are found."""

    controller: str
    login: str
    category: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class WithheldEntry:
    """One withheld mail; `relaxed`: report mode relayed it all the same (contract section 4)."""

    id: int
    entry: LogEntry
    relaxed: bool


@dataclass(frozen=True, slots=True)
class WithheldPage:
    """Some entries, newest first, and the id before which to go on; None: there are no more."""

    entries: Sequence[WithheldEntry]
    next: int | None


@dataclass(frozen=True, slots=True)
class RestsOn:
    """A row of evidence, and its proof; None once that was erased."""

    fact: Evidence
    details: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class WithheldMail:
    """One withheld mail with all there is to say of it.

    `article` is that of the pack's version decided under, if it is known; `detail` is what lacked.
    """

    shown: WithheldEntry
    detail: str
    channel: str
    pack: str
    pack_version: str
    article: str | None
    rests_on: Sequence[RestsOn]
    explained: Explained
    erased: bool  # its details were


class Withheld(Protocol):
    """The withheld log. What it is asked raises StoreUnavailableError."""

    async def sorts(self) -> list[Sort]:
        """Every sort of which anything was ever withheld, in order."""
        ...

    async def page(self, filters: Filters, before: int = ..., most: int = ...) -> WithheldPage:
        """At most so many that come before the mail of this id, newest first.

        Where a page would have to look at too much, it holds fewer, even none, and `next` goes on.
        """
        ...

    def entries(self, filters: Filters) -> AsyncIterator[WithheldEntry]:
        """All of them, newest first."""
        ...

    async def one(self, number: int) -> WithheldMail | None:
        """The mail of that id, if it was withheld."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of whole hours, cut into parts of equal width: from hour `first` since 1970 (UTC) on."""

    first: int
    width: int  # hours
    parts: int

    @property
    def end(self) -> int:
        """The hour after it."""
        return self.first + self.width * self.parts


@dataclass(frozen=True, slots=True)
class Count:
    """So many decisions of one outcome in one part of a span, from 0; `outcome` is a ground or a reason."""

    part: int
    decision: str  # send or withhold
    outcome: str
    relaxed: bool
    number: int


@dataclass(frozen=True, slots=True)
class Refusals:
    """Objections and withdrawals recorded in a span, by part; and how long after they were said.

    The times are of the newest `timed` of those that were said within LIVE before. The others, `later`, were
    loaded: how long they were kept elsewhere tells nothing of the gateway.
    """

    parts: Sequence[int]
    later: int
    timed: int
    median: timedelta | None
    longest: timedelta | None


class Counts(Protocol):
    """What was decided and refused over time. What it is asked raises StoreUnavailableError."""

    async def decisions(self, controllers: Collection[str], span: Span) -> Sequence[Count]:
        """How many decisions of these controllers, from the tallies alone."""
        ...

    async def refusals(self, controllers: Collection[str], span: Span) -> Refusals:
        """The objections and withdrawals."""
        ...


@dataclass(frozen=True, slots=True)
class CampaignKey:
    """A campaign of one controller, by the keyed hash that stands for its name (8 bytes)."""

    controller: str
    mark: bytes


@dataclass(frozen=True, slots=True)
class Campaign:
    """What came of one campaign.

    `name` is None where every mail looked at was erased. `refused` and the like are of copies; `objections`
    came by its links. `is_whole` is False where there was too much to look at: then it counts the newest.
    """

    key: CampaignKey
    name: str | None
    first: datetime  # when its first mail was decided on, and its last
    last: datetime
    sent: Mapping[str, int]  # by ground
    withheld: Mapping[str, int]  # by reason, those that report mode relayed among them
    relaxed: int
    not_relayed: Mapping[str, int]  # copies by fate: refused, deferred, unknown
    objections: int
    is_whole: bool


@dataclass(frozen=True, slots=True)
class CampaignPage:
    """Some campaigns, the last mailed first, and where to go on; None: there are no more."""

    campaigns: Sequence[Campaign]
    next: tuple[int, int] | None  # the hour, and the id of a decision in it


class Campaigns(Protocol):
    """Campaigns by name. What it is asked raises StoreUnavailableError."""

    async def page(
        self, controllers: Collection[str], before: tuple[int, int] = ..., most: int = ...
    ) -> CampaignPage:
        """At most so many of these controllers that come before that place (FIRST: the last mailed)."""
        ...

    async def of(self, keys: Sequence[CampaignKey]) -> Sequence[Campaign]:
        """Those of these that there are, in order."""
        ...


def is_within(moment: datetime, filters: Filters) -> bool:
    """Whether a moment lies in the time that the filters leave."""
    if filters.since is not None and moment < filters.since:
        return False
    return filters.until is None or moment < filters.until
