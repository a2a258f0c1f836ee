"""/objection: for whoever has no mail at hand to object from; an address is typed, a letter confirms it.

Rules of this file:

1. The answer is the same, in every octet and as soon, whether the address is on record or not: that is looked
   up after it, and only who is on record gets a letter (confirming.py).
2. Where the controller has no mailbox to write from nothing can be confirmed, so the objection is recorded as
   it was typed (L11: it has no required form), for anybody; 200 is said after that is committed (I3).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiohttp import web

from gateway.address import Mailbox
from gateway.config import Config
from gateway.confirming import Confirming
from gateway.law.category import Controller
from gateway.law.standing import MARKETING
from gateway.metrics import Metrics
from gateway.objecting import Objecting
from gateway.texts import texts
from gateway.web import pages
from gateway.web.asking import Asked, too_often, typed_in
from gateway.web.form import form_of
from gateway.web.guard import log_fault, page, spoken, unavailable
from gateway.web.made import Made
from gateway.web.public import ANSWER_SECONDS
from gateway.web.route import Route

EVEN_SECONDS = 0.1  # after which an objection recorded at once is answered: a row that was there takes less


class ObjectionForm:
    """The public form for objections to each configured controller."""

    def __init__(
        self, config: Config, confirming: Confirming, objecting: Objecting, asked: Asked, metrics: Metrics
    ) -> None:
        self._controllers = config.controllers
        self._listed: Sequence[Controller] = [
            config.controllers[one.id] for one in config.controller if one.listed
        ]
        self._public_url = config.gateway.public_url
        self._language = config.gateway.language
        self._confirming = confirming
        self._objecting = objecting
        self._asked = asked
        self._metrics = metrics
        self._made = Made[str]()

    def routes(self) -> list[Route]:
        """What it answers."""
        return [
            Route("GET", "/objection", self.senders, "anyone", "harmless"),
            Route("GET", "/objection/{controller}", self.look, "anyone", "harmless"),
            Route("POST", "/objection/{controller}", self.post, "anyone", "counted"),
        ]

    async def senders(self, request: web.Request) -> web.Response:
        """The controllers that chose to be listed."""
        language = spoken(request, self._language)

        def make() -> str:
            return pages.shown("senders.html", language, None, listed=self._listed)

        return page(self._made.page(language, make))

    async def look(self, request: web.Request) -> web.Response:
        """The form."""
        controller = self._controller(request)
        language = spoken(request, controller.language)
        return page(self._made.page((controller.id, language), lambda: self._form(controller, language)))

    async def post(self, request: web.Request) -> web.Response:
        """What was typed."""
        controller = self._controller(request)
        language = spoken(request, controller.language)
        if refusal := self._asked.too_often(request, controller, language):
            return refusal
        typed, mailbox = typed_in(await form_of(request))
        if mailbox is None:
            return page(self._form(controller, language, typed, wrong=True), 422)
        if self._confirming.can_mail(controller.id):
            return self._mailed(controller, mailbox, language)
        return await self._recorded(controller, mailbox, language)

    def _mailed(self, controller: Controller, mailbox: Mailbox, language: str) -> web.Response:
        where = f"{self._public_url}/objection/{controller.id}"
        if not self._confirming.ask_objection(mailbox, controller.id, language=language, page=where):
            return too_often(controller, language)
        words = texts(language)
        return page(_answered(words.form_sent_title, words.object_sent, language, controller))

    async def _recorded(self, controller: Controller, mailbox: Mailbox, language: str) -> web.Response:
        """Rule 2."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                (recorded,), _ = await asyncio.gather(
                    self._objecting.object_address(
                        mailbox, [controller.id], scope=MARKETING, via="page", operator=""
                    ),
                    asyncio.sleep(EVEN_SECONDS),  # rule 1
                )
        except Exception as fault:  # whatever it was, nothing may be told as recorded (I3, I4)
            log_fault(fault)
            return unavailable(pages.not_recorded(language, controller, retry=False))
        if recorded.new:
            self._metrics.objection("page")
        words = texts(language)
        return page(_answered(words.page_done_title, words.object_done, language, controller))

    def _controller(self, request: web.Request) -> Controller:
        controller = self._controllers.get(request.match_info["controller"])
        if controller is None:
            raise web.HTTPNotFound
        return controller

    def _form(self, controller: Controller, language: str, typed: str = "", *, wrong: bool = False) -> str:
        words = texts(language)
        mails = self._confirming.can_mail(controller.id)
        about = words.object_about if mails else words.object_about_at_once
        return pages.shown(
            "object.html",
            language,
            controller,
            about=about.format(controller=controller.name),
            typed=typed,
            wrong=wrong,
        )


def _answered(title: str, text: str, language: str, controller: Controller) -> str:
    return pages.shown(
        "answered.html", language, controller, title=title, text=text.format(controller=controller.name)
    )
