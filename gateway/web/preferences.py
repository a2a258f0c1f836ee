"""GET and POST /p/{token}: what one gets from a sender, and why; turning it off, and asking for it anew.

Rules of this file:

1. GET and HEAD change nothing. A link that is not ours gets the page that every such link gets.
2. Turning off is said to be recorded once the ledger has committed it, and never else (I3, I4).
3. Turning on changes nothing here: it sends a mail (preferring.py). A body that cannot be read changes
   nothing and is told so.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from gateway.metrics import Metrics
from gateway.objecting import About
from gateway.ports import StoreUnavailableError
from gateway.preferring import Preferring
from gateway.web import pages
from gateway.web.form import form_of
from gateway.web.guard import page, spoken
from gateway.web.public import ANSWER_SECONDS
from gateway.web.route import Route

ASKED_ON = "preferences page"  # what a consent's source says of where it was asked for


class PreferencesPage:
    """The page of choices; `language` is for a sender whose own we do not know."""

    def __init__(self, preferring: Preferring, metrics: Metrics, language: str) -> None:
        self._preferring = preferring
        self._metrics = metrics
        self._language = language

    def routes(self) -> list[Route]:
        """What it answers."""
        return [
            Route("GET", "/p/{token}", self.look, "link", "harmless"),
            Route("POST", "/p/{token}", self.post, "link", "counted"),
        ]

    async def look(self, request: web.Request) -> web.Response:
        """The page."""
        async with asyncio.timeout(ANSWER_SECONDS):
            return await self._page(request, self._about(request))

    async def post(self, request: web.Request) -> web.Response:
        """One choice: `stop` with a scope, or `start` with a category."""
        about = self._about(request)
        stop, start = await _asked(request)
        async with asyncio.timeout(ANSWER_SECONDS):
            if stop:
                return await self._stopped(request, about, stop)
            if not start:
                return await self._page(request, about, "choose_unchanged", 400)
            language = self._spoken(request, about)
            asked = await self._preferring.ask(about, start, language=language, page=ASKED_ON)
            return await self._page(request, about, "page_mailed" if asked else "choose_not_mailed")

    async def _stopped(self, request: web.Request, about: About, scope: str) -> web.Response:
        recorded = await self._preferring.stop(about, scope)
        if recorded.new:
            self._metrics.objection("page")
        try:
            return await self._page(request, about, recorded)
        except StoreUnavailableError:  # it is on record all the same
            made = pages.done(about, recorded.scope.partition(":")[0], self._spoken(request, about))
            return page(pages.done_for(made, recorded, request.match_info["token"]))

    async def _page(
        self, request: web.Request, about: About, told: pages.Told = "", status: int = 200
    ) -> web.Response:
        language = self._spoken(request, about)
        preferences = await self._preferring.of(about, language)
        return page(pages.preferences(preferences, told, language), status)

    def _about(self, request: web.Request) -> About:
        about = self._preferring.about(request.match_info["token"])
        if about is None:
            raise web.HTTPNotFound
        return about

    def _spoken(self, request: web.Request, about: About) -> str:
        return spoken(request, about.controller.language if about.controller else self._language)


async def _asked(request: web.Request) -> tuple[str, str]:
    """The scope to stop and the category to start that a form names; empty where it names none (rule 3)."""
    try:
        form = await form_of(request)
    except (web.HTTPException, ConnectionError):
        return "", ""
    one_click = (
        "marketing" if "List-Unsubscribe" in form else ""
    )  # RFC 8058, to an address that is not for it
    return form.get("stop", one_click), form.get("start", "")
