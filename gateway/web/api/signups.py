"""POST /api/v1/signups: a sign-up taken by a form elsewhere, confirmed by a mail of ours (double opt-in).

Rules of this file:

1. Nothing is recorded by it: the consents count from the click in the mail (confirming.py).
2. Each category is consented to in words of its own (L1, L2): ours, or those that the form showed.
3. The answer is the same whether anything is known of the address or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gateway.address import AddressError, Mailbox, parse
from gateway.confirming import WINDOW, Confirming
from gateway.intake.recording import Rooms
from gateway.law.category import Category
from gateway.pending import VALID, TooLongError, Topic
from gateway.texts import LANGUAGES
from gateway.web.api.bearer import Caller
from gateway.web.api.problem import Fault, ProblemError
from gateway.web.api.reading import body_of, json_of, shown, validated
from gateway.web.api.route import answered
from gateway.web.api.rows import Address, Name, Prose, Wording

MOST_OCTETS = 1 << 17  # of a body
NOT_ASKED = "Nobody was asked."


class OwnWording(BaseModel):
    """The sentence that the form showed beside the box of a category."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    wording: Annotated[Wording, Field(min_length=1)]
    wording_version: Name


class SignupBody(BaseModel):
    """Who signs up, and for what. Fields beyond these are not stored, and named in the answer (L23)."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    address: Address
    categories: Annotated[
        list[Name],
        Field(min_length=1, max_length=20, description="Those whose boxes were ticked, with double_opt_in."),
    ]
    language: Annotated[
        str | None,
        Field(pattern=f"^({'|'.join(LANGUAGES)})$", description="The reader's; else the controller's."),
    ] = None
    page: Prose | None = Field(
        default=None,
        description="Where the form stands: part of the proof.",
        examples=["https://shop.example/sign-up"],
    )
    wordings: dict[str, OwnWording] | None = Field(
        default=None, description="By category: what the form showed, where that is not our own sentence."
    )


class SignupAsked(BaseModel):
    """A mail is on its way, and nothing counts until its link is followed and confirmed."""

    asked: Literal[True]
    expires_at: str = Field(
        description="Until when the link works.", json_schema_extra={"format": "date-time"}
    )
    dropped: list[str] = Field(description="Fields that were not stored (L23).")


class Signups:
    """Sign-ups over HTTP."""

    def __init__(self, rooms: Rooms, confirming: Confirming) -> None:
        self._rooms = rooms
        self._confirming = confirming

    async def post(self, request: web.Request, caller: Caller) -> web.Response:
        """Send the mail by which the sign-up is confirmed."""
        body = validated(SignupBody, json_of(await body_of(request, MOST_OCTETS)))
        if not self._confirming.can_mail(caller.controller):
            raise ProblemError(422, f"{NOT_ASKED} The controller has no mail_from to write from.")
        if faults := list(self._faults(body, caller)):
            raise ProblemError(422, NOT_ASKED, faults)
        now = self._rooms.clock.now()
        self._ask(body, caller)
        dropped = sorted(shown(name) for name in body.model_extra or {})
        return answered(SignupAsked(asked=True, expires_at=(now + VALID).isoformat(), dropped=dropped))

    def _ask(self, body: SignupBody, caller: Caller) -> None:
        """Raises ProblemError where no mail can be sent."""
        controller = self._rooms.config.controllers[caller.controller]
        language = body.language or controller.language
        topics = [self._topic(body, name, language) for name in body.categories]
        page = (body.page or "").strip() or f"the API by {caller.name}"
        try:
            mailbox = parse(body.address.strip())
            if self._confirming.ask(mailbox, controller.id, topics, language=language, page=page):
                return
        except TooLongError:
            raise ProblemError(422, f"{NOT_ASKED} The wordings are too long for a link.") from None
        later = {"Retry-After": str(int(WINDOW.total_seconds()))}
        raise ProblemError(429, f"{NOT_ASKED} This address was written to often enough for now.", (), later)

    def _topic(self, body: SignupBody, name: str, language: str) -> Topic:
        """Rule 2."""
        (ours,) = self._confirming.topics([self._rooms.config.categories[name]], language)
        own = (body.wordings or {}).get(name)
        if own is None:
            return ours
        return Topic(name, own.wording.strip(), own.wording_version.strip(), ours.third_party)

    def _faults(self, body: SignupBody, caller: Caller) -> Iterator[Fault]:
        if isinstance(fault := _mailbox(body.address), str):
            yield Fault(where="/address", fault=fault)
        for place, name in enumerate(body.categories):
            if name in body.categories[:place]:
                yield Fault(where=f"/categories/{place}", fault="is given more than once")
            elif self._category(name, caller) is None:
                fault = f"there is no category {shown(name)!r} with double_opt_in"
                yield Fault(where=f"/categories/{place}", fault=fault)
        for name, own in (body.wordings or {}).items():
            where = f"/wordings/{shown(name)}"
            if name not in body.categories:
                yield Fault(where=where, fault="is not among the categories")
            elif not own.wording.strip() or not own.wording_version.strip():
                yield Fault(where=where, fault="is blank, and would prove nothing")
            elif (category := self._category(name, caller)) and (lacks := self._lacks(category, own)):
                yield Fault(where=where, fault=f"does not name {lacks}, whose advertising it is")

    def _category(self, name: str, caller: Caller) -> Category | None:
        """A category of the caller's controller (I8) that one can sign up to."""
        category = self._rooms.config.categories.get(name)
        own = category is not None and category.controller == caller.controller
        return category if category and own and self._confirming.signs_up(category) else None

    def _lacks(self, category: Category, own: OwnWording) -> str:
        """The other company that the wording must name and does not (L8)."""
        name = self._confirming.third_party(category)
        return "" if name.casefold() in own.wording.casefold() else name


def _mailbox(text: str) -> Mailbox | str:
    """The mailbox, or what is wrong with it."""
    try:
        return parse(text.strip())
    except AddressError as error:
        return str(error)
