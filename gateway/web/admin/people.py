"""People, for officers: the dossier, its export, and an objection that was spoken or written.

Rules of these pages (with corrections.py and erasures.py):

1. Whom a page is about stands in a form's body alone (whom.py).
2. What an operator does is on record before it is done or shown: an erasure's own act says who did it, all
   else an audit row.
3. Nothing is told as recorded before the ledger has committed it, and what it has committed is told (I3).
"""

from __future__ import annotations

import asyncio
import json
from datetime import datetime

from aiohttp import web

from gateway.address import AddressError
from gateway.dossier import document, page
from gateway.intake.fields import kept, moment_of
from gateway.law.standing import CATEGORY
from gateway.metrics import Metrics
from gateway.objecting import Objecting, checked_scope
from gateway.web.admin.form import form_of
from gateway.web.admin.operator import Operator
from gateway.web.admin.pages import shown
from gateway.web.admin.person import VIA, Desk
from gateway.web.admin.route import AdminRoute
from gateway.web.admin.whom import ALL, Whom, carried, whom_of

COUNTED_AS = "operator"  # in the figures, where no free text may stand


class People:
    """The pages on which a person is looked up, and their objection recorded."""

    def __init__(self, desk: Desk, objecting: Objecting, metrics: Metrics) -> None:
        self._desk = desk
        self._objecting = objecting
        self._metrics = metrics

    def routes(self) -> list[AdminRoute]:
        """What it answers."""
        return [
            AdminRoute("GET", "/admin/people", self.ask, "officer"),
            AdminRoute("POST", "/admin/people", self.show, "officer"),
            AdminRoute("POST", "/admin/people/object", self.object, "officer"),
            AdminRoute("POST", "/admin/people/export", self.export, "officer"),
        ]

    async def ask(self, _request: web.Request, operator: Operator) -> web.Response:
        """Whom is it about?"""
        return self._asked(operator)

    def _asked(
        self, operator: Operator, address: str = "", chosen: str = ALL, fault: str = "", status: int = 200
    ) -> web.Response:
        controllers = self._desk.rooms.config.controllers.values()
        return shown(
            "people.html",
            operator,
            status=status,
            address=address,
            chosen=chosen,
            fault=fault,
            controllers=controllers,
        )

    async def show(self, request: web.Request, operator: Operator) -> web.Response:
        """The dossier, and what can be done."""
        form = await form_of(request)
        try:
            whom = whom_of(form, self._desk.rooms.config)
        except AddressError as error:
            return self._asked(
                operator, form.get("address", ""), form.get("controller", ALL), str(error), 422
            )
        made = await self._desk.gathered(whom)
        await self._desk.note_look(operator, "show-dossier", whom, made)
        return await self._desk.page(operator, whom, made)

    async def object(self, request: web.Request, operator: Operator) -> web.Response:
        """Put on record that the person objects; nothing but the address is ever asked (law.md section 3)."""
        form, whom = await carried(request, self._desk.rooms.config)
        scope = checked_scope(form.get("scope", ""), self._desk.rooms.config.categories)
        said_at, mistimed = _said_at(form.get("occurred_at", ""), self._desk.rooms.clock.now())
        bound = self._bound(scope, whom)
        await self._desk.note(operator, "record-objection", whom, bound, scope=scope)
        recorded = await self._objecting.object_address(
            whom.mailbox,
            bound,
            scope=scope,
            via=kept(form.get("words")) or _via(form.get("via", "")),
            operator=operator.name,
            reference=kept(form.get("reference")),
            occurred_at=said_at,
        )
        for one in recorded:
            if one.new:
                self._metrics.objection(COUNTED_AS)
        return await self._desk.told(operator, whom, objections=recorded, mistimed=mistimed)

    def _bound(self, scope: str, whom: Whom) -> list[str]:
        """Whom it binds: a category's own controller, since to any other it would mean all marketing."""
        if not scope.startswith(CATEGORY):
            return list(whom.controllers)
        config = self._desk.rooms.config
        named = scope.removeprefix(CATEGORY)
        owners = {one.controller for one in config.categories.values() if named in {one.id, *one.formerly}}
        return [one for one in whom.controllers if one in owners] or list(whom.controllers)

    async def export(self, request: web.Request, operator: Operator) -> web.Response:
        """The dossier as a file, as the command prints it."""
        form, whom = await carried(request, self._desk.rooms.config)
        as_page = form.get("as") == "html"
        made = await self._desk.gathered(whom)
        await self._desk.note_look(
            operator, "export-dossier", whom, made, format="html" if as_page else "json"
        )
        if as_page:
            text = await asyncio.to_thread(page, made)
            return _file(text + "\n", "dossier.html", "text/html")
        signed = await asyncio.to_thread(document, made, self._desk.rooms.keys.seed("seal"))
        return _file(json.dumps(signed, indent=2) + "\n", "dossier.json", "application/json")


def _via(text: str) -> str:
    return text if text in VIA else "unsaid"


def _said_at(text: str, now: datetime) -> tuple[datetime | None, str]:
    """When it was said, in UTC unless it has a zone, as the form asks; and what is wrong with that."""
    said = moment_of(text) or moment_of(f"{text.strip()}Z")
    if said is None:
        return None, "could not be read" if text.strip() else ""
    return said, "lies ahead" if said > now else ""


def _file(text: str, name: str, kind: str) -> web.Response:
    """A file to keep; its name tells nothing of the person."""
    answer = web.Response(text=text, content_type=kind)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
