"""/admin/campaigns: what came of each campaign, and two of them side by side."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

from aiohttp import web

from gateway import oversight
from gateway.config import Config
from gateway.oversight import FIRST, Campaign, CampaignKey
from gateway.web.admin.operator import Operator
from gateway.web.admin.pages import shown
from gateway.web.admin.route import AdminRoute

PAGE = 25  # campaigns
HERE = "/admin/campaigns"

_KEY = re.compile(r"(.{1,200}):([0-9a-f]{16})")  # a controller's id, and a mark in hexadecimal
_PLACE = re.compile(r"(\d{1,10})-(\d{1,18})", re.ASCII)


class Rooms(Protocol):
    """What these pages ask of the house."""

    @property
    def config(self) -> Config:
        """Which controllers there are."""
        ...

    @property
    def withheld(self) -> oversight.Withheld:
        """Of which controllers anything was withheld."""
        ...

    @property
    def campaigns(self) -> oversight.Campaigns:
        """What came of each."""
        ...


@dataclass(frozen=True, slots=True)
class Shown:
    """A campaign as the pages tell of it."""

    it: Campaign

    @property
    def key(self) -> str:
        """By which a link names it."""
        return f"{self.it.key.controller}:{self.it.key.mark.hex()}"

    @property
    def sent(self) -> int:
        """On any ground."""
        return sum(self.it.sent.values())

    @property
    def withheld(self) -> int:
        """For any reason."""
        return sum(self.it.withheld.values())

    @property
    def refused(self) -> int:
        """Copies that the smarthost refused for good."""
        return self.it.not_relayed.get("refused", 0)

    @property
    def copies(self) -> int:
        """That were to go, those of report mode among them."""
        return self.sent + self.it.relaxed

    @property
    def decided(self) -> int:
        """Mails decided on."""
        return self.sent + self.withheld

    def log(self, reason: str = "") -> str:
        """The link to the withheld log; empty where nobody knows the name any more."""
        if not self.it.name:
            return ""
        asked = {"campaign": self.it.name, "controller": self.it.key.controller}
        return (
            f"/admin/withheld?{urlencode(asked | ({'reason': reason} if reason else {}), errors='replace')}"
        )


class Campaigns:
    """The pages of campaigns."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def routes(self) -> list[AdminRoute]:
        """What it answers."""
        return [
            AdminRoute("GET", HERE, self.show, "viewer"),
            AdminRoute("GET", f"{HERE}/compare", self.compare, "viewer"),
        ]

    async def show(self, request: web.Request, operator: Operator) -> web.Response:
        """A page of them, the last mailed first."""
        whose, place = request.query.get("controller", ""), request.query.get("before", "")
        sorts = await self._rooms.withheld.sorts()
        known = sorted({one.controller for one in sorts} | set(self._rooms.config.controllers))
        before = _PLACE.fullmatch(place)
        if (place and not before) or (whose and whose not in known):
            raise web.HTTPNotFound
        page = await self._rooms.campaigns.page(
            [whose] if whose else known, (int(before[1]), int(before[2])) if before else FIRST, PAGE
        )
        more = {"controller": whose} if whose else {}
        older = urlencode({**more, "before": "{}-{}".format(*page.next)}) if page.next else ""
        return shown(
            "campaigns.html",
            operator,
            campaigns=[Shown(one) for one in page.campaigns],
            controllers=known,
            controller=whose,
            newest=not before,
            first=f"{HERE}?{urlencode(more)}" if more else HERE,
            older=f"{HERE}?{older}" if older else "",
        )

    async def compare(self, request: web.Request, operator: Operator) -> web.Response:
        """Two, side by side."""
        keys = [_key(request.query.get(name, "")) for name in ("a", "b")]
        if None in keys:
            return shown("campaigns_choose.html", operator, status=422)
        found = {one.key: Shown(one) for one in await self._rooms.campaigns.of([key for key in keys if key])}
        both = [found[key] for key in keys if key in found]
        if len(both) < 2:
            raise web.HTTPNotFound
        return shown("campaigns_compare.html", operator, both=both, rows=list(_rows(both)))


def _key(text: str) -> CampaignKey | None:
    found = _KEY.fullmatch(text)
    return CampaignKey(found[1], bytes.fromhex(found[2])) if found else None


@dataclass(frozen=True, slots=True)
class Cell:
    """A number, its share, and where it leads."""

    number: int
    share: str = ""
    link: str = ""


def _rows(both: Sequence[Shown]) -> Iterator[tuple[str, list[Cell]]]:
    """The table: in words what is counted, and a cell for each campaign."""
    yield "Sent", [Cell(one.sent, share(one.sent, one.decided)) for one in both]
    for code in _codes(both, "sent"):
        yield f"on {code}", [Cell(n := one.it.sent.get(code, 0), share(n, one.sent)) for one in both]
    yield "Withheld", [Cell(one.withheld, share(one.withheld, one.decided), one.log()) for one in both]
    for code in _codes(both, "withheld"):
        yield (
            code,
            [Cell(n := one.it.withheld.get(code, 0), share(n, one.withheld), one.log(code)) for one in both],
        )
    yield "of these relayed in report mode", [Cell(one.it.relaxed) for one in both]
    for fate in ("refused", "deferred", "unknown"):
        yield (
            f"Copies {fate}",
            [Cell(n := one.it.not_relayed.get(fate, 0), share(n, one.copies)) for one in both],
        )
    yield (
        "Objections by its links",
        [Cell(one.it.objections, share(one.it.objections, one.copies)) for one in both],
    )


def share(number: int, of: int) -> str:
    """As a percentage; empty of nothing."""
    return f"{100 * number / of:.1f} %" if of else ""


def _codes(both: Sequence[Shown], name: str) -> list[str]:
    """Every ground or reason of either, in the order of the first that has it."""
    return list(dict.fromkeys(code for one in both for code in getattr(one.it, name)))
