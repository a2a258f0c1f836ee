"""The withheld log as it grows: one page that goes on being sent, without script.

Rules of this file:

1. It never holds up an end: it ends when its time is up, its client leaves, or the server is to end; and with
   the session that asked for it, which it does not keep alive.
2. Each look is one page of the log, once a second at most: no transaction of the store stays open.
3. A client that takes nothing in is not waited for: what is sent and not taken is bounded by one look, and
   after some seconds the connection is broken. So many at once, and no more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from aiohttp import web

from gateway.oversight import NEWEST, Withheld, WithheldEntry
from gateway.signing_in import SigningIn
from gateway.web.admin import cookie
from gateway.web.admin.filters import Asked
from gateway.web.admin.operator import Operator
from gateway.web.admin.pages import failed, text_of
from gateway.web.guard import RETRY_AFTER, headers, log_fault
from gateway.web.server import LEAVING

PAUSE = 1.0  # seconds between two looks
LONGEST = 15 * 60.0  # seconds that one goes on for
SLOWEST = 20.0  # seconds for a client to take in what it is sent
MOST = 20  # at once
SHOWN = 100  # entries of one look
HERE = "/admin/withheld/live"

_ROWS = "<!-- rows -->"  # where they go in the page


class Tails:
    """Those that go on now."""

    def __init__(self, withheld: Withheld, signing_in: SigningIn) -> None:
        self._withheld = withheld
        self._signing_in = signing_in
        self._open = 0

    async def follow(self, request: web.Request, operator: Operator, asked: Asked) -> web.StreamResponse:
        """The newest, then what comes in, until it ends (rule 1)."""
        if self._open >= MOST:
            answer = failed(
                operator, 503, "Not now", "Too many look at the log as it grows. Try again later."
            )
            answer.headers["Retry-After"] = str(RETRY_AFTER)
            return answer
        self._open += 1
        try:
            return await self._follow(request, operator, asked)
        finally:
            self._open -= 1

    async def _follow(self, request: web.Request, operator: Operator, asked: Asked) -> web.StreamResponse:
        page = await self._withheld.page(asked.filters, NEWEST, SHOWN)
        text = text_of("withheld_live.html", operator, asked=asked, again=asked.at(HERE))
        head, _, foot = text.partition(_ROWS)
        dress = headers(request.path)
        answer = web.StreamResponse(headers={**dress, "Content-Type": "text/html; charset=utf-8"})
        answer.force_close()
        await answer.prepare(request)
        if request.method == "HEAD":
            return answer
        try:
            await _send(answer, head + _rows(page.entries[::-1]))
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST):
                    await self._grow(request, answer, asked, {one.id for one in page.entries})
            await _send(answer, foot)
        except ConnectionError:
            pass  # the client has left
        except Exception as fault:
            log_fault(fault)
            if request.transport:
                request.transport.abort()
        return answer

    async def _grow(
        self, request: web.Request, answer: web.StreamResponse, asked: Asked, seen: set[int]
    ) -> None:
        """Look, and send what is new, until the server is to end or nobody is there who may see it."""
        leaving, token = request.config_dict[LEAVING], cookie.token_of(request)
        while request.transport is not None and not leaving.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(PAUSE):
                    await leaving.wait()
            if not await self._signing_in.goes_on(token):
                return
            page = await self._withheld.page(asked.filters, NEWEST, SHOWN)
            new = [one for one in page.entries if one.id not in seen]
            if new:
                await _send(answer, _rows(new[::-1], missed=len(new) == SHOWN))
            seen = {one.id for one in page.entries}


async def _send(answer: web.StreamResponse, text: str) -> None:
    """Raises ConnectionError when the client has left, or is too slow to take it in."""
    try:
        async with asyncio.timeout(SLOWEST):
            await answer.write(text.encode("utf-8", "replace"))
    except TimeoutError:
        raise ConnectionError("the client takes nothing in") from None


def _rows(entries: Sequence[WithheldEntry], *, missed: bool = False) -> str:
    return text_of("withheld_rows.html", None, entries=entries, missed=missed)
