"""What the stories ask of the world: a ledger, a journal, a smarthost, a clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeAlias

from gateway.address import Mailbox
from gateway.envelope import Answer, Fate, FateKind
from gateway.law.category import Category, Controller
from gateway.law.decision import Decision
from gateway.law.evidence import Channel, Evidence


class StoreUnavailableError(Exception):
    """The store could not do it now; nothing was acknowledged, and it may be asked again (I4)."""


class Clock(Protocol):
    """The time, passed in."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class ErasedError(Exception):
    """Rows are older than the erasure of their person, so nothing was appended (L25).

    `rows` are their places among those given, from 0.
    """

    def __init__(self, rows: Sequence[int]) -> None:
        super().__init__("older than the erasure of this person")
        self.rows = tuple(rows)


@dataclass(frozen=True, slots=True)
class Person:
    """A person as records name them, and the mailbox by which they are reached now."""

    hash: bytes  # address.person_hash, 16 bytes
    mailbox: Mailbox


@dataclass(frozen=True, slots=True)
class Wave:
    """The people of one submission to decide on together, in one transaction, just before their copies go."""

    submission: int
    login: str
    controller: Controller
    category: Category | None
    people: tuple[Person, ...]
    known_categories: frozenset[str] = frozenset()  # ids, former ones included, of this controller
    channel: Channel = "email"
    category_asked: str = ""  # what the message asked for, if anything
    campaign: str = ""
    campaign_mark: bytes = b""  # campaign_mark of its name; empty when it has none
    message_id: str = ""
    fingerprint: bytes = b""  # 16 bytes; empty when nothing is claimed (I5)
    report: bool = False  # a login in report mode
    only_withheld: bool = False  # at RCPT: record the withheld, neither record nor claim the others


@dataclass(frozen=True, slots=True)
class Decided:
    """Decided and on record; `relay`: a copy goes (a send, or a withhold that report mode relaxes)."""

    id: int  # of the journal row
    decision: Decision
    relay: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """An earlier try of the same message already relayed to, or was finally refused for, this person (I5)."""

    kind: FateKind  # RELAYED or REFUSED
    answer: Answer


@dataclass(frozen=True, slots=True)
class Busy:
    """The same message to the same person is being worked on for another connection (I5)."""


Verdict: TypeAlias = Decided | Settled | Busy


class Journal(Protocol):
    """What happened to mail: decisions, fates, and the claims that keep a retry from mailing twice."""

    async def decide(
        self,
        wave: Wave,
        now: datetime,
        timeout: float,  # noqa: ASYNC109 (the journal drops a late wait)
    ) -> list[Verdict]:
        """One verdict per person, in order, committed (I2).

        When any person is Busy nothing of the wave is recorded. Raises StoreUnavailableError, also when
        `timeout` seconds pass; what commits after that is never relayed.
        """
        ...

    def settle(self, fates: Sequence[Fate], now: datetime) -> Awaitable[None]:
        """Queue fates at once; the awaitable ends when they are committed (I2).

        It raises StoreUnavailableError when that failed for now: the fates are kept and written later.
        """
        ...

    def release(self, submission: int) -> None:
        """The client heard its 250: drop the submission's claims (I5)."""
        ...

    def leave(self, submission: int) -> None:
        """The client went unanswered, or heard 4yz: the next try of this message is a retry (I5)."""
        ...


@dataclass(frozen=True, slots=True)
class NewEvidence:
    """A row to append: the fact, and beside it the details that can be erased.

    `fact.id` is 0; the ledger gives it one. `content` is a 16-byte keyed hash of the row as received:
    a row already on record with the same content is not appended again.
    """

    controller: str
    person: bytes
    fact: Evidence
    content: bytes
    details: Mapping[str, object] = field(default_factory=dict)  # address, wording, source, ip, via, ...


@dataclass(frozen=True, slots=True)
class Proof:
    """A row that a decision rested on, and where it came from: None once erased."""

    fact: Evidence
    source: str | None


@dataclass(frozen=True, slots=True)
class Appended:
    """The id under which a row is on record, and whether it is new."""

    id: int
    new: bool


class Ledger(Protocol):
    """Append-only evidence."""

    async def append(self, rows: Sequence[NewEvidence], *, again: bool = False) -> list[Appended]:
        """Commit the rows with full synchronisation, all or none, in order.

        With `again`, a refusal equal to one on record is appended all the same when any consent was
        recorded after that one, so that it binds once more. Raises StoreUnavailableError, and ErasedError
        when a row, not a refusal, occurred before its person was erased.
        """
        ...

    async def evidence(
        self, controller: str, person: bytes, recorded_by: datetime | None = None
    ) -> list[Evidence]:
        """The facts on record for a person, oldest first; with `recorded_by`, as it was then."""
        ...

    async def find(self, controller: str, person: bytes, number: int) -> Evidence | None:
        """The row of that id, if it is this person's of this controller (I8).

        Raises StoreUnavailableError.
        """
        ...


class ProvenLedger(Ledger, Protocol):
    """Evidence, and where it came from."""

    async def proofs(self, controller: str, person: bytes, numbers: Collection[int]) -> list[Proof]:
        """Of the rows of these ids those that are this person's of this controller (I8), oldest first.

        Raises StoreUnavailableError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Sent:
    """What the journal knows of a mail by its decision's id: enough to act on its unsubscribe link."""

    controller: str
    person: bytes
    category: str  # empty when the login had none
    ground: str  # empty when it was withheld or relaxed
    address: str  # empty once erased
    at: datetime | None = None  # when it was decided
    evidence: tuple[int, ...] = ()  # ids of the rows it rests on


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Which decisions to show; what is None or empty does not narrow."""

    withheld: bool = False
    since: datetime | None = None  # included
    until: datetime | None = None  # not included
    reason: str | None = None
    category: str | None = None
    campaign: str | None = None
    campaign_mark: bytes = b""  # of its name, by which the withheld log finds it
    login: str | None = None
    controller: str | None = None
    people: tuple[tuple[str, bytes], ...] | None = None  # controller and keyed hash, one for each controller
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One decision (contract section 2). Details that were erased are empty."""

    time: datetime
    ref: str  # of the submission, as the client was told
    login: str
    controller: str
    category: str | None
    campaign: str
    message_id: str
    address: str
    decision: str  # send or withhold
    ground: str | None
    reason: str | None
    fate: str | None  # None when no copy was to go


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some entries, and the id of the decision after which to go on; None: there are no more now."""

    entries: tuple[LogEntry, ...]
    next: int | None


class Log(Protocol):
    """The journal, to be read: oldest first."""

    def entries(self, filters: Filters) -> AsyncIterator[LogEntry]:
        """Every decision that passes the filters. Raises StoreUnavailableError."""
        ...

    async def page(self, filters: Filters, after: int, most: int) -> LogPage:
        """At most so many that come after the decision of this id (0: from the first).

        Also fewer, even none, while there are more: each page looks at a bounded part of the journal.
        Raises StoreUnavailableError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request was answered with, and by what the same request is recognised."""

    body: bytes  # 16-byte keyed hash of the request's
    answer: str


class Idempotency(Protocol):
    """Answers kept for the client that did not hear them (draft-ietf-httpapi-idempotency-key-header)."""

    async def find(self, token: str, key: str, now: datetime) -> Answered | None:
        """What was answered to this token's request of this key, unless it expired by `now`.

        Raises StoreUnavailableError.
        """
        ...

    async def keep(
        self, token: str, key: str, answered: Answered, now: datetime, expires_at: datetime
    ) -> None:
        """Keep an answer; one that is kept already stays. Raises StoreUnavailableError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """What an operator did; `details` are None once they were kept long enough, or erased with a person."""

    id: int
    at: datetime
    operator: str  # their name; empty where it is not known
    what: str
    controller: str  # empty where it was about none, or all
    person: bytes | None  # keyed hash of whom it was about
    details: Mapping[str, object] | None


class Audit(Protocol):
    """What operators did, on record. Everything raises StoreUnavailableError."""

    async def record(
        self,
        operator: str,
        what: str,
        at: datetime,
        controller: str = "",
        person: bytes | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """Put on record what the operator of this name did."""
        ...

    async def page(self, before: int | None, most: int) -> Sequence[AuditEntry]:
        """At most so many, newest first, older than the one of id `before`."""
        ...


class Connection(Protocol):
    """One connection to the smarthost, kept between copies."""

    takes_8bit: bool  # 8BITMIME, RFC 6152
    takes_smtputf8: bool  # RFC 6531

    async def relay(self, sender: str, recipient: str, content: bytes, *, smtputf8: bool) -> Answer:
        """Hand over one copy, exactly these octets; never raises for anything the smarthost does.

        `sender` is empty for the null sender. BODY=8BITMIME is declared when the octets need it.
        A kept connection found dead before the dot is replaced once.
        """
        ...


class Smarthost(Protocol):
    """The next hop."""

    def lease(self, most: int) -> AbstractAsyncContextManager[Sequence[Connection] | Answer]:
        """One to `most` connections: waits for the first, adds those free at once, never waits for a second.

        Yields an Answer instead when none could be set up (Kind SETUP, CLOSED or SLOW).
        """
        ...
