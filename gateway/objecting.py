"""Story 2: a link or a spoken word becomes an objection on record, before anyone is told so.

    token + choice -> Objection -> ledger -> Recorded -> what the page says

Rules of this file (L11, I3):

1. Nothing is told as recorded before the ledger has committed it; a store that fails raises, and the
   person is asked to try again. No doubt is ever settled by pretending.
2. What the configuration or the journal no longer knows never narrows an objection: it widens it.
3. The same objection twice is one row, unless a consent came between: then it is recorded again, and binds.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

import structlog

from gateway import ids, tokens
from gateway.address import Mailbox
from gateway.keys import Keys
from gateway.law.category import Category, Controller
from gateway.law.evidence import ALL, CHANNELS, Objection, Withdrawal
from gateway.law.standing import CATEGORY, MARKETING
from gateway.ports import Clock, Ledger, NewEvidence, Sent, StoreUnavailableError
from gateway.tokens import Token

Choice: TypeAlias = Literal["default", "marketing", "category", "profiling"]
Via: TypeAlias = Literal["one-click", "page"]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class About:
    """What a link is about, as far as the configuration still knows: None for what was removed."""

    token: Token
    controller: Controller | None
    category: Category | None

    @property
    def choice(self) -> Literal["marketing", "category"]:
        """What a plain click objects to: the category when the message went on consent, else all marketing.

        Contract section 5.
        """
        return "category" if self.token.consent else "marketing"


@dataclass(frozen=True, slots=True)
class Recorded:
    """An objection, or another refusal, on record: `new` now, or since `at` (aware, UTC)."""

    id: int
    new: bool
    controller: str
    scope: str  # `marketing`, `category:ID`, `profiling` or `channel:NAME`
    at: datetime
    address: str = field(default="", compare=False, repr=False)  # of whoever objected; empty once erased
    person: bytes = field(default=b"", compare=False, repr=False)  # keyed hash of them


class Objecting:
    """Records objections, by link or by address."""

    def __init__(
        self,
        ledger: Ledger,
        sent: Callable[[int], Awaitable[Sent | None]],
        keys: Keys,
        controllers: Mapping[str, Controller],
        categories: Mapping[str, Category],
        clock: Clock,
        confirm: Callable[[Recorded, str], object] = lambda _recorded, _address: None,
        glimpse: Callable[[int], Sent | None] = lambda _decision: None,
    ) -> None:
        """`sent` looks a decision up in the journal by its id; it may raise StoreUnavailableError.

        `glimpse` does so at once, and gives up where it cannot.

        `confirm` hears of each objection recorded new, with the address it came from, if that is on record
        (L31). It returns at once and raises nothing.
        """
        self._ledger = ledger
        self._sent = sent
        self._keys = keys
        self._controllers = controllers
        self._categories = _by_every_id(categories.values())
        self._links = tokens.Opener(keys, controllers, self._categories)
        self._clock = clock
        self._confirm = confirm
        self._glimpse = glimpse

    def about(self, text: str) -> About | None:
        """What the token is about, or None if it is not one of ours. Reads no store, changes nothing."""
        token = self._links.unseal(text)
        if token is None:
            return None
        return About(token, self._controllers.get(token.controller), self._categories.get(token.category))

    def glimpse(self, about: About) -> Sent | None:
        """What the journal can say at once of the mail that the link was in."""
        return _own(self._glimpse(about.token.decision), about.token)

    async def sent(self, about: About) -> Sent | None:
        """What the journal still knows of the mail that the link was in.

        Raises StoreUnavailableError where the journal alone could name the controller.
        """
        return await self._look_up(about.token)

    async def object(self, about: About, *, choice: Choice, via: Via, category: str = "") -> Recorded:
        """Put on record that the person of this link objects.

        `category` is an id, where the choice is of another category than the link's. Raises
        StoreUnavailableError: then nothing may be told as recorded.
        """
        token = about.token
        sent = await self._look_up(token)
        controller = token.controller or (sent.controller if sent else "")
        if not controller:  # an objection that could not be found again must not be acknowledged (I3)
            log.error("objection.controller-unknown", ref=ids.ref(token.decision))
            raise StoreUnavailableError("neither configuration nor journal knows the controller of this link")
        scope = _scope_of(choice, token, category or token.category or (sent.category if sent else ""))
        details = {"via": via, "message_reference": ids.ref(token.decision)}
        if sent and sent.address:  # empty once erased (I7)
            details["address"] = sent.address
        (recorded,) = await self._record([self._row(controller, token.person, scope, details)], [scope])
        return recorded

    async def object_address(
        self,
        mailbox: Mailbox,
        controllers: Iterable[str],
        *,
        scope: str,
        via: str,
        operator: str,
        reference: str = "",
        message_reference: str = "",
        occurred_at: datetime | None = None,
    ) -> list[Recorded]:
        """Put on record that the person at this mailbox objects, once for each controller, all or none.

        A category is one controller's; to any other the scope is unknown, and means all marketing (rule 2).
        `via`, `operator` and the references are free text. `occurred_at` (aware) is when they objected: now,
        if that is not said or lies ahead (law.md section 3). Raises StoreUnavailableError.
        """
        said = {
            "via": via,
            "operator": operator,
            "reference": reference,
            "message_reference": message_reference,
        }
        details = {"address": mailbox.wire, **{name: words for name, words in said.items() if words}}
        moment = [occurred_at.isoformat()] if occurred_at else []
        content = [via, operator, reference, *([message_reference] if message_reference else []), *moment]
        asked = list(controllers)
        scopes = [checked_scope(scope, self._own(controller)) for controller in asked]
        rows = [
            self._row(
                controller,
                self._keys.hash(controller, mailbox.comparable),
                meant,
                details,
                *content,
                occurred_at=occurred_at,
            )
            for controller, meant in zip(asked, scopes, strict=True)
        ]
        return await self._record(rows, scopes)

    def confirm(self, one: Recorded) -> None:
        """Have it confirmed to whoever objected, if it is new and their address known; returns at once."""
        if one.new and one.address:
            self._confirm(one, one.address)

    def _own(self, controller: str) -> set[str]:
        """The ids of a controller's categories, former ones included (I8)."""
        return {name for name, one in self._categories.items() if one.controller == controller}

    async def _look_up(self, token: Token) -> Sent | None:
        """The journal's row, where it can be read or must be."""
        try:
            sent = await self._sent(token.decision)
        except StoreUnavailableError:
            if not token.controller:
                raise
            return None  # the token says enough by itself
        return _own(sent, token)

    def _row(
        self,
        controller: str,
        person: bytes,
        scope: str,
        details: Mapping[str, str],
        *said: str,
        occurred_at: datetime | None = None,
    ) -> NewEvidence:
        """A row for the ledger; clicks differ by person and scope alone, spoken ones by what was `said`."""
        now = self._clock.now()
        content = json.dumps(["objection", controller, person.hex(), scope, *said])
        return NewEvidence(
            controller=controller,
            person=person,
            fact=Objection(id=0, occurred_at=min(occurred_at or now, now), recorded_at=now, scope=scope),
            content=self._keys.digest("objection", content.encode()),
            details=details,
        )

    async def _record(self, rows: list[NewEvidence], scopes: list[str]) -> list[Recorded]:
        appended = await self._ledger.append(rows, again=True)
        recorded = [
            Recorded(
                id=done.id,
                new=done.new,
                controller=row.controller,
                scope=scope,
                at=row.fact.recorded_at if done.new else await self._recorded_at(row, done.id),
                address=str(row.details.get("address", "")),
                person=row.person,
            )
            for row, scope, done in zip(rows, scopes, appended, strict=True)
        ]
        for one in recorded:
            self.confirm(one)
        return recorded

    async def _recorded_at(self, row: NewEvidence, number: int) -> datetime:
        """When the row that was already there went on record."""
        known = await self._ledger.evidence(row.controller, row.person)
        return next((fact.recorded_at for fact in known if fact.id == number), row.fact.recorded_at)


def _own(sent: Sent | None, token: Token) -> Sent | None:
    """The journal's row, if it is there and speaks of the same person of the same controller (I8)."""
    if sent is None or sent.person != token.person:
        return None
    return sent if sent.controller == (token.controller or sent.controller) else None


def checked_scope(text: str, categories: Collection[str]) -> str:
    """The scope that `text` names; a missing or unknown one means all marketing (law.md section 3).

    `categories` are the ids that the configuration knows, former ones included.
    """
    kind, _, name = text.partition(":")
    if text == "profiling" or (kind == "category" and name in categories):
        return text
    return text if kind == "channel" and name in CHANNELS else "marketing"


def refused(fact: Objection | Withdrawal) -> str:
    """What a refusal is to, as an objection names it: a withdrawal ends what rests on no consent too (L4)."""
    if isinstance(fact, Objection):
        return fact.scope
    return MARKETING if fact.category == ALL else CATEGORY + fact.category


def _scope_of(choice: Choice, token: Token, category: str) -> str:
    """What is objected to (contract section 5); a category nobody knows any more means all marketing."""
    if choice == "profiling":
        return "profiling"  # GDPR 21(2), L19
    wanted = "category" if choice == "default" and token.consent else choice
    return f"category:{category}" if wanted == "category" and category else "marketing"


def _by_every_id(categories: Iterable[Category]) -> dict[str, Category]:
    """Categories by their id and by every former one; an id in use goes before one given up."""
    listed = list(categories)
    former = {name: category for category in listed for name in category.formerly}
    return former | {category.id: category for category in listed}
