"""What a person gets from one controller, why, and how that is chosen anew.

    token -> evidence -> decision for each category -> Preferences
    token + category -> letter with a link (confirming.py), whose click is the consent

Rules of this file:

1. What is shown is what the law would decide now, on the evidence as it is (law.md section 2).
2. Turning off is an objection (objecting.py) and counts at once. Turning on is a consent, and a mail may have
   been forwarded: it counts from a click in a mail to the address on record, never from this page.
3. Why a mail came is told from what it rested on: no words of a consent, no IP, and nothing of other people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.address import parse
from gateway.confirming import Confirming
from gateway.law.category import Category, Controller
from gateway.law.decision import Send, decide
from gateway.law.evidence import CHANNELS
from gateway.law.record import Law
from gateway.law.standing import MARKETING, PROFILING, Standing, standing_of
from gateway.objecting import About, Choice, Objecting, Recorded, checked_scope
from gateway.pending import Topic
from gateway.ports import Clock, Proof, ProvenLedger, Sent


@dataclass(frozen=True, slots=True)
class Preference:
    """A category, whether mail of it may come now, and the consent that can be asked for by mail, if any."""

    category: Category
    on: bool
    topic: Topic | None


@dataclass(frozen=True, slots=True)
class Preferences:
    """What one person gets from the sender of a link."""

    about: About
    address: str  # to which the link went; empty once erased
    categories: Sequence[Preference]
    marketing: bool  # whether there is any left to stop
    profiling: bool  # likewise
    sent: Sent | None  # the mail that the link was in; None when nothing is known of it any more
    rests_on: Sequence[Proof]


class Preferring:
    """Shows what a person gets, and asks for what they want again."""

    def __init__(
        self, objecting: Objecting, ledger: ProvenLedger, confirming: Confirming, law: Law, clock: Clock
    ) -> None:
        self._objecting = objecting
        self._ledger = ledger
        self._confirming = confirming
        self._law = law
        self._clock = clock

    def about(self, text: str) -> About | None:
        """What the token is about, or None if it is not one of ours. Reads no store, changes nothing."""
        return self._objecting.about(text)

    async def of(self, about: About, language: str) -> Preferences:
        """What this link's person gets. Raises StoreUnavailableError."""
        sent = await self._objecting.sent(about)
        controller, person = about.token.controller or (sent.controller if sent else ""), about.token.person
        known = await self._ledger.evidence(controller, person)
        address = sent.address if sent else ""
        standing = standing_of(
            known,
            local_part=parse(address).local_part if address else "",
            known_categories=self._law.known_categories(controller),
        )
        shown = [
            self._preference(about.controller, category, standing, address, language)
            for category in self._law.categories.values()
            if about.controller and category.controller == controller and not category.is_service
        ]
        profiled = [one for one in shown if one.category.profiled]
        return Preferences(
            about=about,
            address=address,
            categories=shown,
            marketing=MARKETING not in standing.objections or any(one.on for one in shown),
            profiling=bool(profiled)
            and (PROFILING not in standing.objections or any(one.on for one in profiled)),
            sent=sent,
            rests_on=await self._ledger.proofs(controller, person, sent.evidence) if sent else [],
        )

    async def stop(self, about: About, scope: str) -> Recorded:
        """Put an objection on record, by the page (rule 2).

        A scope that is not known here, or is of service mail, which no objection stops (L12), is all
        marketing (law.md section 3). Raises StoreUnavailableError.
        """
        known = self._law.known_categories(about.token.controller) - self._service
        kind, _, name = checked_scope(scope, known).partition(":")
        choices: dict[str, Choice] = {"category": "category", "profiling": "profiling"}
        choice = choices.get(kind, "marketing")
        return await self._objecting.object(about, choice=choice, via="page", category=name)

    async def ask(self, about: About, category_id: str, *, language: str, page: str) -> bool:
        """Send the mail by whose link this link's person can consent to a category (rule 2).

        `page` says where it was asked. False where none can be sent, or to no such category. Raises
        StoreUnavailableError.
        """
        category = self._law.categories.get(category_id)
        if category is None or about.controller is None:
            return False
        sent = await self._objecting.sent(about)
        address = sent.address if sent else ""
        if category.controller != about.controller.id or not self._can_ask(category, address):
            return False
        topics = self._confirming.topics([category], language)
        return self._confirming.ask(parse(address), category.controller, topics, language=language, page=page)

    def _preference(
        self, controller: Controller, category: Category, standing: Standing, address: str, language: str
    ) -> Preference:
        """Rule 1, over every channel of the category."""
        now = self._clock.now()
        channels = [channel for channel in CHANNELS if channel in category.channels]
        on = any(
            isinstance(decide(category, controller, channel, standing, now), Send) for channel in channels
        )
        if on or not self._can_ask(category, address):
            return Preference(category, on, None)
        (topic,) = self._confirming.topics([category], language)
        return Preference(category, on, topic)

    @property
    def _service(self) -> set[str]:
        """The ids of categories of service mail, former ones included."""
        needed = [one for one in self._law.categories.values() if one.is_service]
        return {name for one in needed for name in (one.id, *one.formerly)}

    def _can_ask(self, category: Category, address: str) -> bool:
        """Whether consent to be mailed can be asked for, by mail."""
        return (
            bool(address)
            and not category.is_service
            and "email" in category.channels
            and self._confirming.can_mail(category.controller)
        )
