"""What the SMTP sessions of one worker share."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from gateway.address import Mailbox
from gateway.envelope import Envelope, Outcome
from gateway.metrics import Metrics
from gateway.ports import Clock
from gateway.smtp import reply
from gateway.smtp.auth import Logins
from gateway.smtp.reply import Reply


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """The [smtp] section, as far as a session needs it (contract section 3)."""

    hostname: str
    max_message_bytes: int
    max_recipients: int
    timeout_seconds: float  # of silence
    max_connections: int  # per worker
    max_bytes_in_flight: int  # octets of content held at once, per worker
    tls_context: ssl.SSLContext | None = None
    require_tls: bool = False

    @property
    def fruitless_seconds(self) -> float:
        """How long a session may go on without submitting a message: NOOP is no reason to stay for ever."""
        return 4 * self.timeout_seconds


class Submissions(Protocol):
    """The story behind the sessions; submission.Submissions is one."""

    def new_submission(self) -> tuple[int, str]:
        """An id for what begins at MAIL, and the reference by which people name it."""
        ...

    async def submit(self, envelope: Envelope, gone: asyncio.Event, /) -> Outcome:
        """What comes of a message; `gone` is set once the client hung up. Never raises."""
        ...

    async def withheld_at_rcpt(self, login: str, mailbox: Mailbox, submission: int, /) -> bool:
        """Whether this recipient is withheld, and on record so. Raises StoreUnavailableError."""
        ...


class Guest(Protocol):
    """A session, as far as the reception deals with it."""

    def ask_to_leave(self) -> None:
        """We drain: leave at once when idle, else after this transaction."""


class Room:
    """The octets of content that this worker holds at once."""

    def __init__(self, limit: int) -> None:
        self.used = 0
        self._limit = limit

    @contextmanager
    def share(self) -> Iterator[Share]:
        """One message's share, given back at the end."""
        share = Share(self)
        try:
            yield share
        finally:
            self.used -= share.octets

    def has(self, wanted: int, own: int) -> bool:
        """Whether there is room for `wanted` more, beside `own`; a message alone always fits."""
        return self.used + wanted <= self._limit or self.used == own


class Share:
    """What one message takes of the room."""

    def __init__(self, room: Room) -> None:
        self.octets = 0
        self._room = room

    def grow(self, octets: int) -> bool:
        """Have room for at least so many octets in all; False if there is none now."""
        wanted = octets - self.octets
        if wanted <= 0:
            return True
        if not self._room.has(wanted, self.octets):
            return False
        self.octets += wanted
        self._room.used += wanted
        return True


class Reception:
    """Admits sessions, knows who is there, and closes up."""

    def __init__(
        self,
        settings: SessionSettings,
        submissions: Submissions,
        logins: Logins,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self.settings = settings
        self.submissions = submissions
        self.logins = logins
        self.clock = clock
        self.metrics = metrics
        self.room = Room(settings.max_bytes_in_flight)
        self.draining = False
        self._guests: set[Guest] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def sessions(self) -> int:
        """How many sessions there are, also those whose client hung up during a relay."""
        return len(self._guests)

    def admit(self, guest: Guest) -> Reply | None:
        """Let a session in, or the reply with which it is turned away."""
        if self.draining:
            return reply.SHUTTING_DOWN
        if self.sessions >= self.settings.max_connections:
            return reply.TOO_MANY_CONNECTIONS
        self._guests.add(guest)
        self._empty.clear()
        return None

    def left(self, guest: Guest) -> None:
        """This session is over."""
        self._guests.discard(guest)
        if not self._guests:
            self._empty.set()

    async def close_up(self) -> None:
        """Send idle sessions away, let the others finish their transaction; ends when all are gone."""
        self.draining = True
        for guest in list(self._guests):
            guest.ask_to_leave()
        await self._empty.wait()
