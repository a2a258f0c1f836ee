"""The HTTP server under the application: bounded, silent about what it is asked, and dressed in headers."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from aiohttp import web

from gateway.listening import Door
from gateway.web.guard import headers, log_fault

# Seconds. Longer than the 60 for which proxies keep a connection, so that it is they who close it.
KEEPALIVE = 75
# Seconds to read on after the answer, so that a client still sending gets to see it.
LINGERING = 2

# Set once the server is to end: whoever answers for long is to end as well.
LEAVING = web.AppKey("leaving", asyncio.Event)


class Runner(web.AppRunner):
    """Serves an application without access log (a path under /u/ is a secret) or unpacking of bodies."""

    def __init__(self, app: web.Application) -> None:
        super().__init__(
            app,
            access_log=None,
            keepalive_timeout=KEEPALIVE,
            lingering_time=LINGERING,
            auto_decompress=False,  # no body of ours comes compressed, and none may grow on arrival
        )
        self._doors: list[Door] = []
        self._leaving = app[LEAVING] = asyncio.Event()

    async def listen(self, own: socket.socket) -> None:
        """Accept connections on a bound socket, which is the server's from now on. Raises OSError."""
        assert self.server is not None  # noqa: S101 - after setup
        self._doors.append(await Door.open(own, self.server))

    async def retire(self) -> None:
        """Stop accepting, since a successor does; each kept connection ends with its next answer."""
        assert isinstance(self.server, _Server)  # noqa: S101 - after setup
        self.server.retiring = True
        self._leaving.set()
        await asyncio.gather(*(door.retire() for door in self._doors))

    async def stop_accepting(self) -> None:
        """Take no new clients; those here are served on."""
        for door in self._doors:
            await door.close()

    async def cleanup(self) -> None:
        """Stop accepting, finish what was asked, and end."""
        self._leaving.set()
        await self.stop_accepting()
        await super().cleanup()

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(made.request_handler, request_factory=made.request_factory, **self._kwargs)


class _Server(web.Server):
    retiring = False

    def __call__(self) -> web.RequestHandler:
        return _Connection(self, loop=self._loop, **self._kwargs)


class _Connection(web.RequestHandler):
    """One client. What aiohttp answers and logs by itself, for what never reaches the application."""

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        if not resp.prepared:
            resp.headers.update(headers(request.path))
            if getattr(self._manager, "retiring", False):  # None once the client is gone
                resp.force_close()
        return await super().finish_response(request, resp, start_time)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 -- it quotes the request
    ) -> web.StreamResponse:
        if status != 400:  # 400 is a client that does not speak HTTP, and no fault of ours
            log_fault(exc)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        answer = web.Response(status=status, text="Bad request\n" if status == 400 else "Try again later\n")
        answer.force_close()
        return answer

    def log_exception(self, *_: Any, exc_info: BaseException | None = None, **__: Any) -> None:
        log_fault(exc_info)
