"""What counts only once it is confirmed by a mail: a consent (double opt-in), an objection typed into a form.

    asked -> letter with a link -> click -> consent or objection -> ledger -> Confirmed

Rules of this file:

1. Nothing is put on record by asking: a consent counts from the click, and proves in which words it was
   given, where and when it was asked (GDPR 7(1), L2). Its time is the click's: it lifts no later refusal.
2. A consent goes on record for each topic by itself, for e-mail alone (L1, L27).
3. One link confirms once. What was refused since then stays refused: only asking anew gives a new consent.
4. Whether an address is on record is looked up in the background, at no certain moment, and told to nobody.
5. No address is written to more than MOST times an hour for one controller, whoever asks for it; and as often
   about an objection, so that no sign-up in somebody's name keeps them from objecting (L11).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from gateway import ids, pending
from gateway.address import Mailbox, parse
from gateway.config import Config
from gateway.confirmation import confirmation
from gateway.consenting import rows_of
from gateway.grants import known_categories
from gateway.keys import Keys
from gateway.law.case import case_of, category_scopes, standing_objection
from gateway.law.category import Category, Controller
from gateway.law.evidence import Evidence
from gateway.law.standing import CHANNEL, MARKETING, standing_of
from gateway.objecting import Objecting
from gateway.pending import Pending, Topic
from gateway.ports import Clock, Filters, Ledger, Log
from gateway.post import Letter, Post
from gateway.tries import Tries
from gateway.wording import Wording, third_party, wording_of

MOST = 3  # letters to one address for one controller in a WINDOW
WINDOW = timedelta(hours=1)
PAUSE = 1.0  # seconds at most: who asks again at once learns nothing from how busy we are (rule 4)


@dataclass(frozen=True, slots=True)
class About:
    """What a link is about; `controller` is None once the configuration knows it no more."""

    pending: Pending
    controller: Controller | None


@dataclass(frozen=True, slots=True)
class Confirmed:
    """On record: `new` now, or since `at` (aware, UTC); `refused` since then, and so it does not hold."""

    about: About
    at: datetime
    new: bool
    refused: bool = False


class Rooms(Protocol):
    """What this story asks of the house."""

    @property
    def config(self) -> Config: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def ledger(self) -> Ledger: ...
    @property
    def log(self) -> Log: ...


class Confirming:
    """Asks for confirmation by mail, and records what is confirmed."""

    def __init__(
        self,
        rooms: Rooms,
        objecting: Objecting,
        post: Post,
        new_id: Callable[[], int],
        pause: Callable[[], float] = lambda: random.uniform(0, PAUSE),  # noqa: S311 - parts, keeps no secret
    ) -> None:
        """`new_id` names each letter; `pause` gives seconds before it is seen who is on record (rule 4)."""
        config = rooms.config
        self._rooms = rooms
        self._objecting = objecting
        self._post = post
        self._new_id = new_id
        self._pause = pause
        self._senders = {one.id: parse(one.mail_from) for one in config.controller if one.mail_from}
        self._controllers = config.controllers
        self._categories = config.categories
        self._known = {one: known_categories(config, one) for one in config.controllers}
        self._letters, self._objections = Tries(MOST, WINDOW), Tries(MOST, WINDOW)

    def wording(self, category: Category, language: str) -> Wording:
        """The exact sentence beside the box or button of a category, and its version."""
        return wording_of(category, self._controllers[category.controller], language)

    def topics(self, categories: Iterable[Category], language: str) -> tuple[Topic, ...]:
        """The categories as they are asked for in these words of ours."""
        worded = ((category, self.wording(category, language)) for category in categories)
        return tuple(
            Topic(
                category.id,
                words.text,
                words.version,
                self.third_party(category),
                profiling=category.profiled,
            )
            for category, words in worded
        )

    def third_party(self, category: Category) -> str:
        """The other company that consent to a category must name (L8), empty for none."""
        return third_party(category, self._controllers[category.controller])

    def can_mail(self, controller: str) -> bool:
        """Whether the controller has a mailbox to write from: without one nothing can be confirmed."""
        return controller in self._senders

    def signs_up(self, category: Category) -> bool:
        """Whether one can sign up to a category by a form: it asks for double opt-in, and comes by mail."""
        return (
            category.double_opt_in
            and not category.is_service
            and "email" in category.channels
            and self.can_mail(category.controller)
        )

    def ask(
        self, mailbox: Mailbox, controller: str, topics: Sequence[Topic], *, language: str, page: str
    ) -> bool:
        """Write to this mailbox, in the background, to have consent to these topics confirmed.

        `page` says where it was asked. False if it was written to often enough (rule 5): nothing is sent.
        Raises TooLongError, and KeyError where `can_mail` is False.
        """
        if not topics:
            raise ValueError("consent is to something")
        asked = Pending(controller, mailbox.wire, language, page, self._rooms.clock.now(), tuple(topics))
        return self._send(asked, mailbox, only_known=False)

    def ask_objection(self, mailbox: Mailbox, controller: str, *, language: str, page: str) -> bool:
        """The same for an objection to all marketing; only who is on record is written to (rule 4)."""
        asked = Pending(controller, mailbox.wire, language, page, self._rooms.clock.now())
        return self._send(asked, mailbox, only_known=True)

    def about(self, token: str) -> About | None:
        """What a link is about; None if it is not one of ours, or too old. Reads no store, changes nothing.

        None also for a consent that nobody configured could use any more; an objection needs nobody (L11).
        """
        found = pending.unseal(token, self._rooms.keys, self._rooms.clock.now())
        if found is None:
            return None
        known = self._known.get(found.controller, frozenset())
        if found.topics and not known.issuperset([topic.category for topic in found.topics]):
            return None
        return About(found, self._controllers.get(found.controller))

    async def confirm(self, token: str) -> Confirmed | None:
        """Put on record what this link is about, once (rule 3); None as `about`.

        Raises StoreUnavailableError: then nothing may be told as recorded.
        """
        about = self.about(token)
        if about is None:
            return None
        return await (self._consented(about, token) if about.pending.topics else self._objected(about))

    async def finished(self) -> None:
        """Let the letters under way go, for a short while."""
        await self._post.finished()

    # --- asking

    def _send(self, asked: Pending, mailbox: Mailbox, *, only_known: bool) -> bool:
        """Counted whether the address is on record or not, so that this tells nothing (rule 4)."""
        sender = self._senders[asked.controller]
        gateway = self._rooms.config.gateway
        link = f"{gateway.public_url}/confirm/{pending.seal(asked, self._rooms.keys)}"
        person = self._rooms.keys.hash(asked.controller, mailbox.comparable)
        letters = self._letters if asked.topics else self._objections
        if letters.wait(person.hex(), asked.asked_at):
            return False
        letters.count(person.hex(), asked.asked_at)
        ref = ids.ref(self._new_id())

        async def write() -> Letter | None:
            if only_known:
                await asyncio.sleep(self._pause())
                if not await self._is_known(asked.controller, person):
                    return None
            return confirmation(
                asked,
                self._controllers[asked.controller],
                sender,
                mailbox,
                link=link,
                date=self._rooms.clock.now(),
                message_id=f"<confirm.{ref}@{gateway.hostname}>",
            )

        self._post.send(write, ref=ref)
        return True

    async def _is_known(self, controller: str, person: bytes) -> bool:
        """Whether the ledger or the journal of this controller has anything on a person (I8)."""
        if await self._rooms.ledger.evidence(controller, person):
            return True
        decided = await self._rooms.log.page(Filters(people=((controller, person),)), 0, 1)
        return bool(decided.entries)

    # --- recording

    async def _objected(self, about: About) -> Confirmed:
        """L11: it binds from the click, also for a controller that is no longer configured."""
        asked = about.pending
        (recorded,) = await self._objecting.object_address(
            parse(asked.address), [asked.controller], scope=MARKETING, via="page", operator=""
        )
        return Confirmed(about, recorded.at, recorded.new)

    async def _consented(self, about: About, token: str) -> Confirmed:
        asked, now = about.pending, self._rooms.clock.now()
        rows = rows_of(asked, token, self._rooms.keys, now)
        appended = await self._rooms.ledger.append(rows)
        if all(done.new for done in appended):
            return Confirmed(about, now, new=True)
        facts = await self._rooms.ledger.evidence(rows[0].controller, rows[0].person)
        numbers = {done.id for done in appended[: len(asked.topics)]}  # of the consents
        at = min((fact.recorded_at for fact in facts if fact.id in numbers), default=now)
        return Confirmed(about, at, new=False, refused=not self._hold(asked.controller, facts, numbers, now))

    def _hold(self, controller: str, facts: Sequence[Evidence], numbers: set[int], now: datetime) -> bool:
        """Whether every one of these consents is in force, and no objection stands against it."""
        standing = standing_of(facts, known_categories=self._known[controller])
        own = [one for one in self._categories.values() if one.controller == controller]
        cases = [case_of(one, self._controllers[controller], "email", standing, now) for one in own]
        holding = {
            row.id
            for case in cases
            if not standing_objection(case, [MARKETING, CHANNEL + "email", *category_scopes(case.category)])
            for row in case.in_force
        }
        return numbers <= holding
