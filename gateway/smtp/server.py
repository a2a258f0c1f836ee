"""The SMTP server of one worker: where it listens, and how it stops."""

from __future__ import annotations

import asyncio
import logging

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
        self._listeners: list[asyncio.Server] = []

    @property
    def sessions(self) -> int:
        """How many sessions are open."""
        return self._reception.sessions

    async def listen(
        self, host: str, port: int, *, implicit_tls: bool = False, reuse_port: bool = False
    ) -> tuple[str, int]:
        """Accept connections there, and say where that is; `reuse_port` shares it among workers.

        Raises OSError.
        """
        settings = self._reception.settings
        context = settings.tls_context if implicit_tls else None
        if implicit_tls and context is None:
            raise ValueError("implicit TLS needs a certificate")
        listener = await asyncio.get_running_loop().create_server(
            lambda: Session(self._reception),
            host,
            port,
            ssl=context,
            ssl_handshake_timeout=min(settings.timeout_seconds, HANDSHAKE_SECONDS) if context else None,
            reuse_port=reuse_port or None,
        )
        self._listeners.append(listener)
        bound: tuple[str, int] = listener.sockets[0].getsockname()[:2]
        return bound

    async def drain(self) -> None:
        """Stop accepting, send idle sessions away with 421, and end when the last transaction has."""
        for listener in self._listeners:
            listener.close()
        await self._reception.close_up()
