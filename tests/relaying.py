"""A journal and a next hop in memory that keep the promises of ports.py, for stories told without sockets.

What happened stands in one list, `events`, so that a test can say what came before what.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from gateway.address import parse
from gateway.copies import Copyist
from gateway.envelope import Answer, Envelope, Fate, FateKind, Kind, Recipient, Stage
from gateway.grants import Grant
from gateway.keys import Keys
from gateway.law.category import Category, Controller
from gateway.law.decision import Send, Withhold
from gateway.law.packs import PACKS
from gateway.law.reason import Ground, Reason
from gateway.metrics import Metrics
from gateway.ports import Busy, Decided, Settled, StoreUnavailableError, Verdict, Wave
from gateway.submission import Submissions
from tests.memory import StandingClock

ANNA, BRAM, CHRIS = "anna@example.org", "bram@example.org", "chris@example.org"
KEYS = Keys(bytes(32), {1: bytes(64)})
TAKEN = Answer(Kind.REPLY, Stage.DOT, 250, "2.0.0", "Taken")
REFUSED = Answer(Kind.REPLY, Stage.RCPT, 550, "5.1.1", "No such user")
DEFERRED = Answer(Kind.REPLY, Stage.RCPT, 451, "4.2.1", "Greylisted")
CLOSED = Answer(Kind.CLOSED, Stage.MAIL, 421, "4.3.2", "Going down")
SLOW = Answer(Kind.SLOW, Stage.DOT, text="no reply")
SETUP = Answer(Kind.SETUP, Stage.AUTH, 535, "5.7.8", "Wrong password")

CONTROLLER = Controller(
    id="shop",
    name="De Winkel",
    pack=PACKS["nl"],
    postal_address="Markt 1, Delft",
    privacy_policy_url="https://shop.example/privacy",
)
NEWS = Category(id="news", controller="shop", title="de nieuwsbrief", purpose="marketing")
INVOICE = Category(id="invoice", controller="shop", title="facturen", purpose="service", ground="contract")
GRANT = Grant(
    login="tool",
    controller=CONTROLLER,
    categories={"news": NEWS, "invoice": INVOICE},
    default=NEWS,
    from_domains=frozenset({"shop.example"}),
    rejects=False,
    report_until=None,
    known_categories=frozenset({"news", "invoice"}),
)
SEND = Send(ground=Ground.CONSENT, article="Tw 11.7(1)")
WITHHOLD = Withhold(reason=Reason.OBJECTED, article="GDPR 21(3)")
MESSAGE = (
    b"From: De Winkel <news@shop.example>\r\nSubject: Hello\r\nMessage-ID: <1@shop.example>\r\n\r\nHello\r\n"
)


def envelope(*recipients: str, content: bytes = MESSAGE, sender: str = "bounces@shop.example") -> Envelope:
    """A message as received."""
    return Envelope(
        ref="R1",
        submission=1,
        login="tool",
        sender=parse(sender) if sender else None,
        recipients=tuple(Recipient(parse(text)) for text in recipients),
        content=content,
        received_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
        peer="192.0.2.7",
        helo="tool.shop.example",
        protocol="ESMTPSA",
    )


@dataclass
class MemoryJournal:
    """Sends to everybody but those with verdicts in `verdicts`, which are taken in turn."""

    events: list[tuple[str, object]]
    verdicts: dict[str, list[Verdict | type[Withhold]]] = field(default_factory=dict)
    waves: list[Wave] = field(default_factory=list)
    fates: list[Fate] = field(default_factory=list)
    down: bool = False  # for decisions
    failing: Exception | None = None  # what decide raises instead
    unwritable: bool = False  # for fates
    committed: asyncio.Event = field(default_factory=asyncio.Event)  # fates are, once set
    queued: asyncio.Event = field(default_factory=asyncio.Event)  # a fate waits to be committed
    decided: Callable[[], None] = lambda: None  # called as each wave is decided on

    def __post_init__(self) -> None:
        self.committed.set()

    async def decide(self, wave: Wave, now: datetime, timeout: float) -> list[Verdict]:  # noqa: ASYNC109
        """As ports.Journal.decide."""
        if self.failing:
            raise self.failing
        if self.down:
            raise StoreUnavailableError("the disk is full")
        names = [person.mailbox.wire for person in wave.people]
        verdicts = [self._verdict(name) for name in names]
        if not any(isinstance(verdict, Busy) for verdict in verdicts):
            self.waves.append(wave)
            self.events.append(("decided", tuple(names)))
        self.decided()
        return verdicts

    def _verdict(self, name: str) -> Verdict:
        queue = self.verdicts.get(name)
        verdict = queue.pop(0) if queue else None
        number = 100 * (len(self.waves) + 1) + len(name)
        if verdict is Withhold:
            return Decided(number, WITHHOLD, relay=False)
        return verdict if isinstance(verdict, Decided | Settled | Busy) else Decided(number, SEND, relay=True)

    def settle(self, fates: Sequence[Fate], now: datetime) -> Awaitable[None]:
        """As ports.Journal.settle."""
        self.fates.extend(fates)
        self.events.extend(("fate", fate.kind) for fate in fates)
        self.queued.set()
        return self._commit()

    async def _commit(self) -> None:
        await self.committed.wait()
        if self.unwritable:
            raise StoreUnavailableError("the disk is full")

    def release(self, submission: int) -> None:
        """As ports.Journal.release."""
        self.events.append(("released", submission))

    def leave(self, submission: int) -> None:
        """As ports.Journal.leave."""
        self.events.append(("left", submission))


@dataclass
class Hop:
    """A next hop of `size` connections; answers TAKEN but for those in `answers`."""

    events: list[tuple[str, object]]
    size: int = 8
    takes_8bit: bool = True
    takes_smtputf8: bool = True
    fault: Answer | None = None  # instead of any connection
    answers: dict[str, Answer] = field(default_factory=dict)
    sent: list[tuple[str, str, bytes, bool]] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)  # a copy is in flight
    open: asyncio.Event = field(default_factory=asyncio.Event)  # copies get their answer, once set

    def __post_init__(self) -> None:
        self.open.set()

    @asynccontextmanager
    async def lease(self, most: int) -> AsyncIterator[Sequence[Hop] | Answer]:
        """As ports.Smarthost.lease."""
        yield self.fault or [self] * min(most, self.size)

    async def relay(self, sender: str, recipient: str, content: bytes, *, smtputf8: bool) -> Answer:
        """As ports.Connection.relay."""
        self.events.append(("begun", recipient))
        self.begun.set()
        await self.open.wait()
        self.sent.append((sender, recipient, content, smtputf8))
        return self.answers.get(recipient, TAKEN)

    @property
    def served(self) -> list[str]:
        """To whom a copy was handed over."""
        return [recipient for _, recipient, _, _ in self.sent]


class Room:
    """A Submissions with its surroundings in memory."""

    def __init__(self, *, grant: Grant = GRANT, answer_within: float = 60, signers: Sequence = ()) -> None:  # type: ignore[type-arg]
        self.events: list[tuple[str, object]] = []
        self.journal, self.hop, self.metrics = MemoryJournal(self.events), Hop(self.events), Metrics()
        self.clock = StandingClock()
        self.copyist = Copyist(
            "gateway.test", "https://gateway.test", KEYS, {"shop.example": signers}, self.clock
        )
        self.gone = asyncio.Event()
        self.submissions = Submissions(
            grants={"tool": grant},
            journal=self.journal,
            smarthost=self.hop,
            copyist=self.copyist,
            keys=KEYS,
            clock=self.clock,
            metrics=self.metrics,
            new_submission=lambda: (1, "R1"),
            answer_within=answer_within,
            next_hop="mx.example:25",
        )

    @property
    def kinds(self) -> list[FateKind]:
        """The fates on record."""
        return [fate.kind for fate in self.journal.fates]
