"""/admin/withheld: what was not sent and why, newest first; each mail, and all of them as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, astuple
from datetime import datetime
from typing import Protocol

from aiohttp import web

from gateway import oversight
from gateway.config import Config
from gateway.dossier.words import facts_of
from gateway.ids import ref
from gateway.keys import Keys
from gateway.law.evidence import kind_of
from gateway.law.reason import Reason
from gateway.law.remedy import remedy_of
from gateway.oversight import NEWEST, Sort, WithheldEntry
from gateway.signing_in import SigningIn
from gateway.web.admin.audit import Audit
from gateway.web.admin.filters import Asked, asked, id_in
from gateway.web.admin.operator import Operator
from gateway.web.admin.pages import shown
from gateway.web.admin.route import AdminRoute
from gateway.web.admin.tail import Tails
from gateway.web.exporting import CSV, JSON_LINES, csv_of, exported, json_lines_of
from gateway.web.form import form_of

PAGE = 50  # entries
HERE = "/admin/withheld"


class Rooms(Protocol):
    """What these pages ask of the house."""

    @property
    def config(self) -> Config:
        """Which controllers there are."""
        ...

    @property
    def keys(self) -> Keys:
        """By which a person and a campaign are found."""
        ...

    @property
    def withheld(self) -> oversight.Withheld:
        """The log."""
        ...


class Withheld:
    """The pages of the withheld log."""

    def __init__(self, rooms: Rooms, audit: Audit, signing_in: SigningIn) -> None:
        self._rooms = rooms
        self._audit = audit
        self._tails = Tails(rooms.withheld, signing_in)

    def routes(self) -> list[AdminRoute]:
        """What it answers."""
        return [
            AdminRoute("GET", HERE, self.show, "viewer"),
            AdminRoute("GET", f"{HERE}/live", self.live, "viewer"),
            AdminRoute("POST", f"{HERE}/export", self.export, "viewer"),
            AdminRoute("GET", f"{HERE}/{{id}}", self.one, "viewer"),
        ]

    async def show(self, request: web.Request, operator: Operator) -> web.Response:
        """A page of it."""
        sorts = await self._rooms.withheld.sorts()
        it = self._asked(request.query, sorts)
        before = id_in(request.query["before"]) if "before" in request.query else NEWEST
        if before is None:
            raise web.HTTPNotFound
        page = None if it.faults else await self._rooms.withheld.page(it.filters, before, PAGE)
        return shown(
            "withheld.html",
            operator,
            status=422 if it.faults else 200,
            asked=it,
            sorts=sorts,
            entries=page.entries if page else [],
            newest=before == NEWEST,
            older=it.at(HERE, before=ref(page.next)) if page and page.next is not None else "",
        )

    async def one(self, request: web.Request, operator: Operator) -> web.Response:
        """One mail: the decision, its article, what it rests on, and what would make it lawful."""
        number = id_in(request.match_info["id"])
        mail = await self._rooms.withheld.one(number) if number is not None else None
        if mail is None:
            raise web.HTTPNotFound
        reason = mail.shown.entry.reason or ""
        category = self._rooms.config.categories.get(mail.shown.entry.category or "")
        return shown(
            "withheld_one.html",
            operator,
            mail=mail,
            remedy=remedy_of(Reason(reason), category) if reason in set(Reason) else "",
            kind_of=kind_of,
            facts_of=facts_of,
        )

    async def export(self, request: web.Request, operator: Operator) -> web.StreamResponse:
        """All that the fields ask for, as a file; that it was asked for is on record first."""
        form = await form_of(request)
        sorts = await self._rooms.withheld.sorts()
        it = self._asked(form, sorts)
        if it.faults or form.get("as") not in ("csv", "json"):
            raise web.HTTPBadRequest
        people = it.filters.people or ()
        said = it.said({name for one in sorts for name in astuple(one) if name})
        whose = str(said.pop("controller", ""))
        controller, person = people[0] if len(people) == 1 else (whose, None)
        more = {"as": form["as"], **said} | ({"of": "one person"} if people else {})
        await self._audit.record(operator, "withheld-exported", controller, person, **more)
        rows = _rows(self._rooms.withheld.entries(it.filters))
        if form["as"] == "json":
            return await exported(request, JSON_LINES, "withheld.jsonl", json_lines_of(rows))
        return await exported(request, CSV, "withheld.csv", csv_of(COLUMNS, rows))

    async def live(self, request: web.Request, operator: Operator) -> web.StreamResponse:
        """The log as it grows."""
        it = self._asked(request.query, await self._rooms.withheld.sorts())
        if it.faults:
            raise web.HTTPBadRequest
        return await self._tails.follow(request, operator, it)

    def _asked(self, query: Mapping[str, str], sorts: list[Sort]) -> Asked:
        controllers = {one.controller for one in sorts} | set(self._rooms.config.controllers)
        return asked(query, self._rooms.keys, sorted(controllers))


COLUMNS = (
    "id",
    "time",
    "ref",
    "login",
    "controller",
    "category",
    "campaign",
    "message_id",
    "address",
    "reason",
    "relaxed",
    "fate",
)


async def _rows(entries: AsyncIterator[WithheldEntry]) -> AsyncIterator[dict[str, object]]:
    """Of each what a file says of it; what there is none of, or was erased, is None."""
    async for one in entries:
        said = {name: _value(value) for name, value in asdict(one.entry).items()}
        row = {**said, "id": ref(one.id), "relaxed": one.relaxed}
        yield {name: row[name] for name in COLUMNS}


def _value(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value or None
