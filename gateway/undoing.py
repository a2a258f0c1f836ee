"""Story 2, turned back: an objection pressed by mistake, undone on the page that took it.

    undo token -> the objection, its link, the wording shown -> Consent -> ledger -> Undone

Rules of this file (law.md section 2):

1. Nothing lifts an objection but a newer consent, for its own category and channel. So an undo is a new
   consent to the link's category, in the words that stood beside the button, from the moment of its click.
2. Only the page that took the objection can undo it, for 15 minutes. A refusal made since then stands; so
   does one from before: a mail may have been forwarded, and nobody lifts by it what its reader refused once.
3. Where the category asks for a confirmation, the click sends the mail whose link gives the consent.
4. Nothing is told as recorded before the ledger has committed it (I3).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from gateway import ids, sealing
from gateway.address import parse
from gateway.confirming import Confirming
from gateway.keys import Keys
from gateway.law.case import case_of, category_scopes, standing_objection
from gateway.law.category import Category
from gateway.law.evidence import Consent, Evidence, Objection, Withdrawal
from gateway.law.record import Law
from gateway.law.standing import CHANNEL, MARKETING, PROFILING, standing_of
from gateway.objecting import About, Objecting, Recorded
from gateway.pending import Topic
from gateway.ports import Clock, Ledger, NewEvidence, StoreUnavailableError
from gateway.tokens import LENGTH

WITHIN = timedelta(minutes=15)
SOURCE = "page"

_PURPOSE = b"undo"
_TOKEN = struct.Struct(f">QQ{LENGTH}s")  # id and microseconds of the objection, the link; then the version
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00Z")
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Offer:
    """An undo that a page may offer until a moment; `mails` when its consent is given by a mail's link."""

    token: str
    until: datetime
    topic: Topic
    mails: bool


@dataclass(frozen=True, slots=True)
class Undone:
    """What came of an undo: a consent on record `at` a moment, a mail on its way, or nothing.

    Then it was too late, or no mail can be sent now (confirming.py, rule 5).
    `link` is the token of the link that was objected by.
    """

    outcome: Literal["consented", "mailed", "unmailed", "late"]
    about: About
    link: str
    topic: Topic | None = None
    at: datetime | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class _Objected:
    """What an undo token says."""

    id: int
    at: datetime
    link: str
    version: str


class Undoing:
    """Offers undos, and records the consents that they are."""

    def __init__(
        self,
        objecting: Objecting,
        ledger: Ledger,
        confirming: Confirming,
        law: Law,
        keys: Keys,
        clock: Clock,
    ) -> None:
        self._objecting = objecting
        self._ledger = ledger
        self._confirming = confirming
        self._law = law
        self._keys = keys
        self._clock = clock

    async def offer(self, link: str, about: About, recorded: Recorded, language: str) -> Offer | None:
        """The undo of an objection that the page of this link took; None where there can be none."""
        category, until = _consentable(about), recorded.at + WITHIN
        if category is None or self._clock.now() >= until:
            return None
        if category.double_opt_in and not self._can_ask(category, recorded.address):
            return None
        if not category.double_opt_in and not await self._is_free(about, category, recorded.at):
            return None
        (topic,) = self._confirming.topics([category], language)
        payload = _TOKEN.pack(recorded.id, _micros(recorded.at), link.encode()) + topic.version.encode()
        token = sealing.seal(payload, self._keys, _PURPOSE)
        return Offer(token, until, topic, mails=category.double_opt_in)

    async def undo(self, text: str) -> Undone | None:
        """Undo what this token names; None if it is not one of ours. Raises StoreUnavailableError."""
        objected = self._unseal(text)
        about = self._objecting.about(objected.link) if objected else None
        if objected is None or about is None:
            return None
        now = self._clock.now()
        topic = self._shown(about, objected)
        known = await self._ledger.evidence(about.token.controller, about.token.person)
        if topic is None or now >= objected.at + WITHIN or _refused_since(known, objected):
            return Undone("late", about, objected.link)
        sent = await self._objecting.sent(about)
        address = sent.address if sent else ""
        if about.category and about.category.double_opt_in:
            return self._asked(about, about.category, objected, address)
        row = self._consent(about, objected, topic, address, now)
        (appended,) = await self._ledger.append([row])
        if not appended.new:  # also by a click at the same time
            known = await self._ledger.evidence(row.controller, row.person)
            now = next((fact.occurred_at for fact in known if fact.id == appended.id), now)
        return Undone("consented", about, objected.link, topic, now, address)

    def _asked(self, about: About, category: Category, objected: _Objected, address: str) -> Undone:
        """Rule 3."""
        language = objected.version[:2]
        asked = self._can_ask(category, address) and self._confirming.ask(
            parse(address),
            category.controller,
            self._confirming.topics([category], language),
            language=language,
            page=SOURCE,
        )
        return Undone("mailed" if asked else "unmailed", about, objected.link, address=address)

    async def _is_free(self, about: About, category: Category, at: datetime) -> bool:
        """Whether no refusal from before stands, as far as can be told now (rule 2).

        What was pressed just before the objection of `at` is undone with it.
        """
        try:
            known = await self._ledger.evidence(about.token.controller, about.token.person)
        except StoreUnavailableError:  # the objection is on record all the same
            return False
        earlier = [fact for fact in known if fact.recorded_at <= at - WITHIN]
        if not any(isinstance(fact, Objection | Withdrawal) for fact in earlier):
            return True  # as of nearly everybody
        return not self._refused_before(earlier, category)

    def _refused_before(self, earlier: Sequence[Evidence], category: Category) -> bool:
        """Whether these facts hold a refusal that a consent to this category would lift."""
        controller = self._law.controllers[category.controller]
        standing = standing_of(earlier, known_categories=self._law.known_categories(controller.id))
        case = case_of(category, controller, "email", standing, self._clock.now())
        scopes = [MARKETING, CHANNEL + "email", *category_scopes(category)]
        scopes += [PROFILING] if category.profiled else []
        withdrawn = case.withdrawal is not None and not case.in_force
        return withdrawn or standing_objection(case, scopes) is not None

    def _can_ask(self, category: Category, address: str) -> bool:
        return bool(address) and self._confirming.can_mail(category.controller)

    def _shown(self, about: About, objected: _Objected) -> Topic | None:
        """The consent whose words stood beside the button; None if they have changed since."""
        category = _consentable(about)
        if category is None:
            return None
        (topic,) = self._confirming.topics([category], objected.version[:2])
        return topic if topic.version == objected.version else None

    def _consent(
        self, about: About, objected: _Objected, topic: Topic, address: str, now: datetime
    ) -> NewEvidence:
        """Rule 1. The same undo twice is one row."""
        if now <= objected.at:  # a consent as old as the refusal would not lift it
            raise StoreUnavailableError("the clock is behind the objection")
        named = [topic.third_party] if topic.third_party else []
        details: dict[str, object] = {
            "source": SOURCE,
            "wording": topic.wording,
            "wording_version": topic.version,
            "language": objected.version[:2],
            "reference": ids.ref(objected.id),
        }
        fact = Consent(
            id=0,
            occurred_at=now,
            recorded_at=now,
            category=about.category.id if about.category else "",
            proven=True,
            third_party=frozenset(map(str.casefold, named)),
        )
        return NewEvidence(
            controller=about.token.controller,
            person=about.token.person,
            fact=fact,
            content=self._keys.digest("undo", objected.id.to_bytes(8, "big")),
            details=details
            | ({"third_party": tuple(named)} if named else {})
            | ({"address": address} if address else {}),
        )

    def _unseal(self, text: str) -> _Objected | None:
        payload = sealing.unseal(text, self._keys, _PURPOSE)
        if payload is None:
            return None
        number, at, link = _TOKEN.unpack_from(payload)
        version = payload[_TOKEN.size :].decode()
        return _Objected(number, _EPOCH + at * _MICROSECOND, link.decode(), version)


def _consentable(about: About) -> Category | None:
    """The category that a consent can be given to: one of marketing that is still there, by its sender."""
    category, controller = about.category, about.controller
    if category is None or controller is None or category.is_service or category.controller != controller.id:
        return None
    return category


def _refused_since(known: Sequence[Evidence], objected: _Objected) -> bool:
    """Rule 2: ids rise with the time of recording."""
    return any(isinstance(fact, Objection | Withdrawal) and fact.id > objected.id for fact in known)


def _micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
