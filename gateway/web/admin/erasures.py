"""Erase, in two steps: what would go, what stays and why; then, the address typed again, the act."""

from __future__ import annotations

from aiohttp import web

from gateway.address import AddressError, parse
from gateway.erasing import Erased, erase, foreseen
from gateway.ports import StoreUnavailableError
from gateway.web.admin.operator import Operator
from gateway.web.admin.pages import shown
from gateway.web.admin.person import Desk
from gateway.web.admin.route import AdminRoute
from gateway.web.admin.whom import Whom, carried
from gateway.web.guard import log_fault

ERASING_SECONDS = 10.0  # to wait for readers and mail under way, before it has to be asked for again


class Erasures:
    """The two steps."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[AdminRoute]:
        """What it answers."""
        return [
            AdminRoute("POST", "/admin/people/erase", self.look_ahead, "officer"),
            AdminRoute("POST", "/admin/people/erased", self.erase, "officer"),
        ]

    async def look_ahead(self, request: web.Request, operator: Operator) -> web.Response:
        """What would be erased; changes nothing."""
        _form, whom = await carried(request, self._desk.rooms.config)
        return await self._ahead(operator, whom)

    async def _ahead(
        self, operator: Operator, whom: Whom, fault: str = "", status: int = 200
    ) -> web.Response:
        rooms = self._desk.rooms
        would = [await foreseen(rooms, one, whom.mailbox) for one in whom.controllers]
        return shown(
            "erase.html",
            operator,
            status=status,
            whom=whom,
            would=would,
            fault=fault,
            controllers=rooms.config.controllers,
        )

    async def erase(self, request: web.Request, operator: Operator) -> web.Response:
        """The act, which itself records who did it; 503 when it has to be asked for again to be ended."""
        form, whom = await carried(request, self._desk.rooms.config)
        if not _is_same(form.get("again", ""), whom):
            return await self._ahead(operator, whom, "this is not the address above", 422)
        done: list[Erased] = []
        try:
            for one in whom.controllers:
                ended = await erase(self._desk.rooms, one, whom.mailbox, operator.name, ERASING_SECONDS)
                done.append(ended)
        except StoreUnavailableError as fault:
            log_fault(fault)
        is_ended = len(done) == len(whom.controllers) and all(one.complete for one in done)
        return shown(
            "erased.html",
            operator,
            status=200 if is_ended else 503,
            whom=whom,
            done=done,
            ended=is_ended,
            controllers=self._desk.rooms.config.controllers,
        )


def _is_same(typed: str, whom: Whom) -> bool:
    try:
        return parse(typed.strip()).comparable == whom.mailbox.comparable
    except AddressError:
        return False
