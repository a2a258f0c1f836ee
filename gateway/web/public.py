"""GET and POST /u/{token}: looking changes nothing, posting objects (RFC 8058, L10, L11); and the way back.

Rules of this file:

1. GET, HEAD and OPTIONS change nothing, however often and by whom they are sent (research C8).
2. Any POST to a link of ours counts: no body, type, origin, cookie or length is wrong. A body that cannot
   be read means what the link means by itself.
3. 200 is said after the ledger has committed, and never else.
4. What is not a link of ours gets one and the same page, and tells nothing apart (research C10).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, get_args

from aiohttp import web

from gateway.metrics import Metrics
from gateway.objecting import About, Choice, Objecting, Recorded, Via
from gateway.undoing import Offer, Undoing
from gateway.web import pages
from gateway.web.guard import from_elsewhere, log_fault, page, spoken, unavailable
from gateway.web.made import Made
from gateway.web.route import Route

MAX_BODY = 65_536  # octets read at most; what follows is not looked at
BODY_SECONDS = 5  # to send a body in; after that the request counts as it is
ANSWER_SECONDS = 20  # for the store to commit; one-click clients do not wait much longer

_CHOICES: Final[Mapping[str, Choice]] = {choice: choice for choice in get_args(Choice)}
_READ = 4096  # octets in which a field of ours must stand

# A field of a form, in either of RFC 8058's two types: name=value, or a part with its headers.
_FIELD = re.compile(
    rb'(?:\A|&|;[ \t]*name="?)(choice|via|List-Unsubscribe)'
    rb'(?:=|"?[^\r\n]{0,200}\r?\n(?:[^\r\n]{1,200}\r?\n){0,4}\r?\n)'
    rb"([A-Za-z-]{1,32})"
)


class Public:
    """The pages behind the links in mail; `language` is for a sender whose own we do not know."""

    def __init__(self, objecting: Objecting, undoing: Undoing, metrics: Metrics, language: str) -> None:
        self._objecting = objecting
        self._undoing = undoing
        self._metrics = metrics
        self._language = language
        self._made = Made[pages.Open]()

    def routes(self) -> list[Route]:
        """What it answers."""
        return [
            Route("GET", "/u/{token}", self.look, "link", "harmless"),
            Route("POST", "/u/{token}", self.post, "link", "counted"),
            Route("POST", "/undo/{token}", self.undo, "link", "refused"),
        ]

    async def look(self, request: web.Request) -> web.Response:
        """The page: what the link is about, and one button."""
        token = request.match_info["token"]
        about = self._objecting.about(token)
        if about is None:
            raise web.HTTPNotFound
        asked = request.query.get("choice", "") if request.query_string else ""
        choice = _CHOICES.get(asked, "default")
        sent = self._objecting.glimpse(about)
        address = sent.address if sent else ""
        made = self._ask(about, choice, self._spoken(request, about), to=bool(address))
        return page(pages.filled(made, token, address))

    async def post(self, request: web.Request) -> web.Response:
        """An objection, by one click or by the page's button."""
        token = request.match_info["token"]
        about = self._objecting.about(token)
        if about is None:
            raise web.HTTPNotFound
        choice, via = _asked(await body_of(request))
        language = self._spoken(request, about)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                recorded = await self._objecting.object(about, choice=choice, via=via)
        except Exception as fault:  # whatever it was, nothing may be told as recorded (I3, I4)
            log_fault(fault)
            return unavailable(pages.unavailable(about, choice, language))
        if recorded.new:
            self._metrics.objection(via)
        offer = await self._undoing.offer(token, about, recorded, language) if via == "page" else None
        return page(pages.done_for(self._done(about, recorded, language, offer), recorded, token, offer))

    async def undo(self, request: web.Request) -> web.Response:
        """The way back from an objection, by the button of the page that took it."""
        if from_elsewhere(request):
            raise web.HTTPForbidden
        async with asyncio.timeout(ANSWER_SECONDS):
            undone = await self._undoing.undo(request.match_info["token"])
        if undone is None:
            raise web.HTTPNotFound
        return page(pages.undone(undone, self._spoken(request, undone.about)))

    def _ask(self, about: About, choice: Choice, language: str, *, to: bool) -> pages.Open:
        """The page that is the same for all readers of links like this one, made once."""
        token = about.token
        key = ("ask", token.controller, token.category, about.choice, choice, language, to)
        return self._made.page(key, lambda: pages.ask(about, choice, language, to=to))

    def _done(self, about: About, recorded: Recorded, language: str, offer: Offer | None) -> pages.Open:
        """The same of an objection taken."""
        token, kind = about.token, recorded.scope.partition(":")[0]
        offered = (offer.mails, offer.topic.version) if offer else ()
        key = ("done", token.controller, token.category, kind, language, *offered)
        return self._made.page(key, lambda: pages.done(about, kind, language, offer))

    def _spoken(self, request: web.Request, about: About) -> str:
        return spoken(request, about.controller.language if about.controller else self._language)


async def body_of(request: web.Request) -> bytes:
    """What came of the body in time; `Request.post` would bound no preamble (research C16)."""
    octets = bytearray()
    with suppress(Exception):  # a body that breaks off, stalls or has no end counts as what came of it
        if request.content.is_eof():  # it came with the head, as nearly every one does: none to wait for
            return request.content.read_nowait(_READ)
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                octets += chunk
                if len(octets) >= MAX_BODY:
                    break
    return bytes(octets[:_READ])


def _asked(body: bytes) -> tuple[Choice, Via]:
    """What a body asks for: RFC 8058 section 3.2's, and all that is not our own form, asks by one click."""
    form = {name.decode(): value.decode() for name, value in _FIELD.findall(body)}
    if "List-Unsubscribe" in form or form.get("via") != "page":
        return "default", "one-click"
    return _CHOICES.get(form.get("choice", ""), "default"), "page"
