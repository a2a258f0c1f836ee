"""What operators did: put on record, and shown at /admin/audit."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from gateway import ports
from gateway.ports import Clock
from gateway.web.admin.operator import Operator
from gateway.web.admin.pages import shown
from gateway.web.admin.route import AdminRoute

PAGE = 100  # entries


class Audit:
    """The acts of operators."""

    def __init__(self, store: ports.Audit, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def record(
        self,
        operator: Operator,
        what: str,
        controller: str = "",
        person: bytes | None = None,
        **details: object,
    ) -> None:
        """Put on record what this operator did; `what` as in "export-dossier".

        What is about a person has their controller and keyed hash, so that it is in their dossier and its
        details go when they are erased. Raises StoreUnavailableError.
        """
        await self._store.record(operator.name, what, self._clock.now(), controller, person, details)

    def routes(self) -> list[AdminRoute]:
        """What it answers."""
        return [AdminRoute("GET", "/admin/audit", self.show, "administrator")]

    async def show(self, request: web.Request, operator: Operator) -> web.Response:
        """A page of it, newest first."""
        before = request.query.get("before", "")
        if before and not (before.isascii() and before.isdigit() and len(before) < 20):
            raise web.HTTPNotFound
        entries = await self._store.page(min(int(before), (1 << 63) - 1) if before else None, PAGE)
        rows = [(one, _told(one.details)) for one in entries]
        older = entries[-1].id if len(entries) == PAGE else None
        return shown("audit.html", operator, rows=rows, older=older, newest=not before)


def _told(details: Mapping[str, object] | None) -> str:
    """The details in a line; of a list, how long it is."""
    if details is None:
        return "no longer kept"
    return ", ".join(f"{name}: {_short(value)}" for name, value in details.items() if value not in ("", None))


def _short(value: object) -> str:
    return f"{len(value)} in all" if isinstance(value, list) else str(value)
