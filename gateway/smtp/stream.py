"""A client's octets as they come in, handed on without a copy, and no more of them than we have room for."""

from __future__ import annotations

import asyncio

from gateway.smtp.bell import Bell

READ_AHEAD = 1 << 17  # octets that may wait for us before we stop reading


class Stream:
    """What a connection received and nobody has taken yet; who waits for it waits for `news`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.stuck = False  # the client does not read what we write
        self._bell = Bell(loop)
        self._transport: asyncio.Transport | None = None  # none before, and none after the connection
        self._received: list[bytes] = []
        self._waiting = 0  # octets in there
        self._paused = False
        self._ended = False

    @property
    def ready(self) -> bool:
        """Whether the client reads us, and there is something to take or nothing more will come."""
        return not self.stuck and (self._ended or bool(self._received))

    def take(self) -> bytes:
        """What came in; empty when nothing did."""
        octets = b"".join(self._received)  # a single piece is not copied
        self._received.clear()
        self._waiting = 0
        if self._paused and self._transport:
            self._paused = False
            self._transport.resume_reading()
        return octets

    async def news(self, until: float) -> None:
        """Wait for anything to happen. Raises TimeoutError at that time of the loop's clock."""
        await self._bell.wait(until)

    # --- what happens

    def begin(self, transport: asyncio.Transport) -> None:
        """The connection is there, or goes on under TLS: what came before is never looked at."""
        self.take()
        self._transport = transport

    def feed(self, octets: bytes) -> None:
        """The client sent this."""
        self._received.append(octets)
        self._waiting += len(octets)
        if self._waiting > READ_AHEAD and not self._paused and self._transport:
            self._paused = True
            self._transport.pause_reading()
        self._bell.ring()

    def turn(self, *, stuck: bool) -> None:
        """The client stopped to read what we write, or began again."""
        self.stuck = stuck
        self._bell.ring()

    def end(self) -> None:
        """The client will send no more."""
        self._ended = True
        self._bell.ring()

    def lose(self, error: Exception | None) -> None:
        """The connection is no more; of one that broke, what came last does not count."""
        self._transport = None
        self.stuck = False
        if error:
            self._received.clear()
        self.end()
        self._bell.take_down()

    def nudge(self) -> None:
        """Look again: something else has changed."""
        self._bell.ring()
