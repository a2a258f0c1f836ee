"""The HTTP side: every route there is, on one screen."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from gateway.metrics import Metrics
from gateway.objecting import Objecting
from gateway.web.api import Api
from gateway.web.guard import faults_to_pages
from gateway.web.operations import Operations, Probe
from gateway.web.public import Public
from gateway.web.server import Runner

__all__ = ["Probe", "Runner", "build"]


def build(
    objecting: Objecting,
    probes: Mapping[str, Probe],
    metrics: Metrics,
    *,
    language: str,
    admin: bool = True,
    api: Api | None = None,
) -> web.Application:
    """The application; serve it with `Runner(build(...))`, which puts the security headers on.

    `probes` are what /readyz looks at, by name; `language` is for pages of no known controller. Without
    `admin` the application is for `http.listen` alone, with figures and probes of parts kept for
    `http.admin_listen`. `api` is what machines are served by bearer token.
    """
    public, operations = Public(objecting, metrics, language), Operations(probes, metrics)
    app = web.Application(middlewares=[faults_to_pages(language)])
    app.add_routes(
        [
            web.get("/u/{token}", public.look),
            web.post("/u/{token}", public.post),
            web.get("/robots.txt", operations.robots),
            web.get("/healthz", operations.healthz),
        ]
    )
    if api:
        app.router.add_get("/openapi.json", api.describe)
        app.add_subapp("/api", api.application())
    if admin:
        app.add_routes(
            [
                web.get("/readyz", operations.readyz),
                web.get("/metrics", operations.metrics),
            ]
        )
    return app
