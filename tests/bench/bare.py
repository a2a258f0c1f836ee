"""The least that pages can cost in aiohttp: GET returns one page, POST commits one row and returns another.

It opens no token, knows nobody and words nothing. It is a yardstick, no product.

    python -m tests.bench.bare PORT DATABASE PAGE-OF-GET PAGE-OF-POST
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import sys
from pathlib import Path

import uvloop
from aiohttp import web


def made(database: Path, got: bytes, posted: bytes) -> web.Application:
    """The application; a row is committed with full synchronisation before it is answered."""
    connection = sqlite3.connect(database, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE objections (id INTEGER PRIMARY KEY, link TEXT NOT NULL)")

    async def get(_: web.Request) -> web.Response:
        return web.Response(body=got, content_type="text/html", charset="utf-8")

    async def post(request: web.Request) -> web.Response:
        await request.read()
        connection.execute("INSERT INTO objections (link) VALUES (?)", (request.match_info["token"],))
        return web.Response(body=posted, content_type="text/html", charset="utf-8")

    app = web.Application()
    app.add_routes([web.get("/u/{token}", get), web.post("/u/{token}", post)])
    return app


async def serve(port: int, app: web.Application) -> None:
    """Until the process is ended."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    port, database, got, posted = sys.argv[1:]
    app = made(Path(database), Path(got).read_bytes(), Path(posted).read_bytes())
    with contextlib.suppress(KeyboardInterrupt), asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(serve(int(port), app))
