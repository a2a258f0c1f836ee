"""/subscribe/{category}: the hosted sign-up for a category that asks for double opt-in.

Rules of this file:

1. Each topic has a box of its own, which nobody but the reader ticks, with the exact wording of the consent
   beside it (L1, L2). Nothing but an address is asked for (L23).
2. Nothing is recorded here: a letter goes out, and the consent counts from the click in it. The answer is the
   same whoever it is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from aiohttp import web

from gateway.config import Config
from gateway.confirming import Confirming
from gateway.law.category import Category, Controller
from gateway.pending import Topic
from gateway.texts import texts
from gateway.web import pages
from gateway.web.asking import Asked, too_often, typed_in
from gateway.web.form import form_of
from gateway.web.guard import page, spoken
from gateway.web.made import Made
from gateway.web.route import Route


class SignUpForm:
    """The public form for signing up, to each category that has one."""

    def __init__(self, config: Config, confirming: Confirming, asked: Asked) -> None:
        self._controllers = config.controllers
        self._categories = config.categories
        self._public_url = config.gateway.public_url
        self._confirming = confirming
        self._asked = asked
        self._made = Made[str]()

    def routes(self) -> list[Route]:
        """What it answers."""
        return [
            Route("GET", "/subscribe/{category}", self.look, "anyone", "harmless"),
            Route("POST", "/subscribe/{category}", self.post, "anyone", "counted"),
        ]

    async def look(self, request: web.Request) -> web.Response:
        """The form, with every box unticked."""
        category = self._category(request)
        controller = self._controllers[category.controller]
        language = spoken(request, controller.language)

        def make() -> str:
            return _form(controller, language, self._topics(category, language))

        return page(self._made.page((category.id, language), make))

    async def post(self, request: web.Request) -> web.Response:
        """What was typed and ticked."""
        category = self._category(request)
        controller = self._controllers[category.controller]
        language = spoken(request, controller.language)
        if refusal := self._asked.too_often(request, controller, language):
            return refusal
        form = await form_of(request)
        topics = self._topics(category, language)
        ticked = set(form.getall("topic", []))
        chosen = [topic for topic in topics if topic.category in ticked]
        typed, mailbox = typed_in(form)
        if mailbox is None or not chosen:
            shown = _form(
                controller, language, topics, typed, ticked, wrong=mailbox is None, nothing=not chosen
            )
            return page(shown, 422)
        where = f"{self._public_url}/subscribe/{category.id}"
        if not self._confirming.ask(mailbox, controller.id, chosen, language=language, page=where):
            return too_often(controller, language)
        words = texts(language)
        return page(
            pages.shown(
                "answered.html", language, controller, title=words.form_sent_title, text=words.signup_sent
            )
        )

    def _category(self, request: web.Request) -> Category:
        category = self._categories.get(request.match_info["category"])
        if category is None or not self._confirming.signs_up(category):
            raise web.HTTPNotFound
        return category

    def _topics(self, category: Category, language: str) -> tuple[Topic, ...]:
        """This category first, then every other of the controller that one can sign up to."""
        others = [
            one
            for one in self._categories.values()
            if one.controller == category.controller and one != category and self._confirming.signs_up(one)
        ]
        return self._confirming.topics([category, *others], language)


def _form(
    controller: Controller,
    language: str,
    topics: Sequence[Topic],
    typed: str = "",
    ticked: Collection[str] = (),
    *,
    wrong: bool = False,
    nothing: bool = False,
) -> str:
    return pages.shown(
        "subscribe.html",
        language,
        controller,
        about=texts(language).signup_about.format(controller=controller.name),
        topics=topics,
        typed=typed,
        ticked=ticked,
        wrong=wrong,
        nothing=nothing,
    )
