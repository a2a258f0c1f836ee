"""The HTTP side: what the house answers, with what stands around every answer."""

from __future__ import annotations

from aiohttp import web

from gateway.web.api import Api
from gateway.web.guard import faults_to_pages
from gateway.web.operations import Probe
from gateway.web.route import Route, added
from gateway.web.server import Runner

__all__ = ["Probe", "Runner", "build"]


def build(routes: list[Route], *, language: str, api: Api | None = None) -> web.Application:
    """The application; serve it with `Runner(build(...))`, which puts the security headers on.

    `language` is for pages of no known controller. `api` is what machines are served by bearer token.
    """
    app = web.Application(middlewares=[faults_to_pages(language)])
    added(app, routes)
    if api:
        app.router.add_get("/openapi.json", api.describe)
        app.add_subapp("/api", api.application())
    return app
