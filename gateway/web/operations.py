"""For those who run it: /healthz, /readyz, /metrics and /robots.txt."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

from aiohttp import web

from gateway.metrics import CONTENT_TYPE, Metrics
from gateway.web.guard import log_fault
from gateway.web.route import Route

PROBE_SECONDS = 5

# Says in plain words, without names or addresses, what is wrong with one part; empty when it is well.
Probe: TypeAlias = Callable[[], Awaitable[str]]


class Operations:
    """Probes and figures. Concurrent asks for readiness share one look, so that asking cannot be a burden."""

    def __init__(self, probes: Mapping[str, Probe], metrics: Metrics) -> None:
        self._probes = probes
        self._metrics = metrics
        self._looking: asyncio.Task[dict[str, str]] | None = None

    def routes(self, *, admin: bool) -> list[Route]:
        """What it answers; figures and probes of parts are kept for `http.admin_listen`."""
        public = [
            Route("GET", "/robots.txt", self.robots, "anyone", "harmless"),
            Route("GET", "/healthz", self.healthz, "anyone", "harmless"),
        ]
        kept = [
            Route("GET", "/readyz", self.readyz, "anyone", "harmless"),
            Route("GET", "/metrics", self.metrics, "anyone", "harmless"),
        ]
        return [*public, *(kept if admin else [])]

    async def healthz(self, _: web.Request) -> web.Response:
        """The process is there and its loop turns."""
        return web.json_response({"status": "ok"})

    async def readyz(self, _: web.Request) -> web.Response:
        """Whether each part it needs is there: 200 when all are, else 503."""
        parts = await self.parts()
        ready = all(fault == "ok" for fault in parts.values())
        status = "ok" if ready else "fault"
        return web.json_response({"status": status, **parts}, status=200 if ready else 503)

    async def parts(self) -> Mapping[str, str]:
        """What is wrong with each part it needs, in plain words; "ok" where nothing is."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        return await asyncio.shield(self._looking)

    async def metrics(self, _: web.Request) -> web.Response:
        """The figures, summed over workers, for Prometheus."""
        total = await self._metrics.total()
        return web.Response(body=self._metrics.exposition(total), headers={"Content-Type": CONTENT_TYPE})

    async def robots(self, _: web.Request) -> web.Response:
        """Links in mail are nobody's to index."""
        return web.Response(text="User-agent: *\nDisallow: /u/\nDisallow: /p/\n")

    async def _look(self) -> dict[str, str]:
        results = await asyncio.gather(*(_ask(probe) for probe in self._probes.values()))
        return dict(zip(self._probes, results, strict=True))


async def _ask(probe: Probe) -> str:
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            return await probe() or "ok"
    except TimeoutError:
        return "no answer"
    except Exception as fault:
        log_fault(fault)
        return "fault"
