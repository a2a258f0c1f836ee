"""An HTTP server that a successor takes over from."""

from __future__ import annotations

import asyncio
import socket

import aiohttp
from aiohttp import web

from gateway.web.server import Runner


async def _here(_: web.Request) -> web.Response:
    return web.Response(text="here")


async def test_a_kept_connection_ends_in_order_with_its_next_answer() -> None:
    """A client with a kept connection is answered once more, told that this is the last, and then let go."""
    application = web.Application()
    application.router.add_get("/", _here)
    runner = Runner(application)
    await runner.setup()
    own = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{own.getsockname()[1]}/"
    await runner.listen(own)

    async with aiohttp.ClientSession() as client:
        async with client.get(url) as before:
            kept = before.headers.get("Connection")
            await before.read()
        retiring = asyncio.create_task(runner.retire())
        while own.fileno() >= 0:  # noqa: ASYNC110 - turns of the loop, until it accepts nobody
            await asyncio.sleep(0)
        stayed = not retiring.done()
        async with client.get(url) as after:
            last = (await after.text(), after.headers["Connection"])
        async with asyncio.timeout(10):
            await retiring
    await runner.cleanup()

    assert (kept, stayed, last) == (None, True, ("here", "close"))
