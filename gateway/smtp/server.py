"""The SMTP server of one worker: where it listens, and how it stops."""

from __future__ import annotations

import asyncio
import logging
import socket

from gateway.listening import Door
from gateway.metrics import Metrics
from gateway.ports import Clock
from gateway.smtp.auth import Logins
from gateway.smtp.reception import Reception, SessionSettings, Submissions
from gateway.smtp.session import Session

HANDSHAKE_SECONDS = 30  # at most, for implicit TLS


class SubmissionServer:
    """Takes mail from tools and hands it to `submissions`, in the running loop."""

    def __init__(
        self,
        settings: SessionSettings,
        submissions: Submissions,
        logins: Logins,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        logging.getLogger("mail.log").setLevel(logging.WARNING)  # aiosmtpd: addresses at INFO (L26)
        self._reception = Reception(settings, submissions, logins, clock, metrics)
        self._doors: list[Door] = []

    @property
    def sessions(self) -> int:
        """How many sessions are open."""
        return self._reception.sessions

    async def listen(self, own: socket.socket, *, implicit_tls: bool = False) -> None:
        """Accept connections on a bound socket, which is the server's from now on. Raises OSError."""
        settings = self._reception.settings
        context = settings.tls_context if implicit_tls else None
        if implicit_tls and context is None:
            raise ValueError("implicit TLS needs a certificate")
        door = await Door.open(
            own,
            lambda: Session(self._reception),
            context,
            min(settings.timeout_seconds, HANDSHAKE_SECONDS),
        )
        self._doors.append(door)

    async def retire(self) -> None:
        """Stop accepting, since a successor does; ends when every session has ended by itself."""
        await asyncio.gather(*(door.retire() for door in self._doors))

    async def drain(self) -> None:
        """Stop accepting, send idle sessions away with 421, and end when the last transaction has."""
        self._reception.draining = True  # first: who is still queued is to hear 421, not to be reset
        for door in self._doors:
            await door.close()
        await self._reception.close_up()
