"""GET and POST /confirm/{token}: what a letter's link asks to confirm, and the button that does it.

Rules of this file:

1. GET and HEAD change nothing, however often and by whom they are sent (research C8).
2. 200 is said after the ledger has committed it, and never else (I3).
3. What is not a link of ours, or is too old, gets the page that every such link gets (research C10).
4. The page speaks the language in which it was asked: a consent stands in it word for word (L2).
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from gateway.confirming import About, Confirmed, Confirming
from gateway.metrics import Metrics
from gateway.texts import Texts, texts
from gateway.web import pages
from gateway.web.guard import log_fault, page, unavailable
from gateway.web.made import Made
from gateway.web.public import ANSWER_SECONDS
from gateway.web.route import Route


class Confirm:
    """The pages behind the links in letters that ask to confirm something."""

    def __init__(self, confirming: Confirming, metrics: Metrics) -> None:
        self._confirming = confirming
        self._metrics = metrics
        self._made = Made[str]()

    def routes(self) -> list[Route]:
        """What it answers."""
        return [
            Route("GET", "/confirm/{token}", self.look, "link", "harmless"),
            Route("POST", "/confirm/{token}", self.post, "link", "counted"),
        ]

    async def look(self, request: web.Request) -> web.Response:
        """What is to be confirmed, and one button."""
        about = self._about(request)
        asked = about.pending
        key = (asked.controller, asked.language, asked.topics)
        return page(self._made.page(key, lambda: _asked(about)))

    async def post(self, request: web.Request) -> web.Response:
        """The button: any body and type counts."""
        about = self._about(request)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                confirmed = await self._confirming.confirm(request.match_info["token"])
        except Exception as fault:  # whatever it was, nothing may be told as recorded (I3, I4)
            log_fault(fault)
            return unavailable(pages.not_recorded(about.pending.language, about.controller, retry=True))
        if confirmed is None:
            raise web.HTTPNotFound
        if confirmed.new and not about.pending.topics:
            self._metrics.objection("page")
        return page(_taken_back(about) if confirmed.refused else _done(confirmed))

    def _about(self, request: web.Request) -> About:
        about = self._confirming.about(request.match_info["token"])
        if about is None:
            raise web.HTTPNotFound
        return about


def _asked(about: About) -> str:
    words = texts(about.pending.language)
    said = (words.confirm_title_objection, words.page_about_marketing, words.page_button_marketing)
    if about.pending.topics:
        said = (words.confirm_title_consent, words.confirm_about_consent, words.confirm_button_consent)
    title, explained, button = said
    return pages.shown(
        "confirm.html",
        about.pending.language,
        about.controller,
        title=title,
        about=_named(explained, about),
        wordings=[topic.wording for topic in about.pending.topics],
        button=_named(button, about),
    )


def _done(confirmed: Confirmed) -> str:
    about = confirmed.about
    words = texts(about.pending.language)
    consents = bool(about.pending.topics)
    return pages.shown(
        "confirmed.html",
        about.pending.language,
        about.controller,
        about=_named(words.confirm_done_consent if consents else words.page_done_marketing, about),
        wordings=[topic.wording for topic in about.pending.topics],
        at=confirmed.at,
    )


def _taken_back(about: About) -> str:
    """The consent was refused since it was given, and does not hold."""
    words = texts(about.pending.language)
    return pages.failed(
        words.confirm_refused_title, words.confirm_refused, about.pending.language, about.controller
    )


def _named(sentence: str, about: About) -> str:
    words: Texts = texts(about.pending.language)
    return sentence.format(controller=about.controller.name if about.controller else words.page_this_sender)
