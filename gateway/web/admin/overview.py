"""/admin: where one arrives."""

from __future__ import annotations

from aiohttp import web

from gateway.web.admin.operator import Operator
from gateway.web.admin.pages import shown
from gateway.web.admin.route import AdminRoute


class Overview:
    """The first page."""

    def routes(self) -> list[AdminRoute]:
        """What it answers."""
        return [AdminRoute("GET", "/admin", self.show, "viewer")]

    async def show(self, _: web.Request, operator: Operator) -> web.Response:
        """The page."""
        return shown("overview.html", operator)
