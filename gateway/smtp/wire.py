"""The octets to and from the smarthost: commands out, whole replies in, each within its time.

After anything but a well-formed reply in its turn no more is said on a wire, so that no copy is ever given
another copy's answer.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence

from gateway.envelope import Answer, Kind, Stage
from gateway.smtp.bell import Bell
from gateway.smtp.dialog import CLOSING, GarbledError, Reply, ReplyReader, answer

CHUNK = 262_144  # octets of content handed to the transport at a time
MAX_UNREAD = 8  # replies that may wait for us; we never ask for more than four at a time
LEAVE_SECONDS = 5.0  # how long a parting smarthost may take to answer QUIT


class FailedError(Exception):
    """The dialog cannot go on; `answer` says how it ended."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.answer = answer


def failed(kind: Kind, stage: Stage, text: str) -> FailedError:
    """A failure in our own words."""
    return FailedError(Answer(kind, stage, text=text))


class Wire(asyncio.Protocol):
    """A connection's octets. `timeout` is in seconds, for each step."""

    def __init__(self, timeout: float) -> None:
        self._loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = self._loop.create_future()
        self._timeout = timeout
        self._reader = ReplyReader()
        self._replies: deque[Reply] = deque()
        self._news = Bell(self._loop)  # rings for all that a step may wait for
        self._stuck = False  # the smarthost does not read
        self._transport: asyncio.Transport | None = None
        self._lost = ""  # why nothing more can come, once that is so
        self._leaving: asyncio.TimerHandle | None = None

    # --- what the event loop tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # create_connection makes no other sort

    def data_received(self, data: bytes) -> None:
        if self._leaving and self._transport:
            self._transport.close()
        if self._lost:
            return
        try:
            self._replies.extend(self._reader.feed(data))
        except GarbledError as error:
            self._abandon(f"the smarthost sent {error}")
        if len(self._replies) > MAX_UNREAD:
            self._abandon("the smarthost sent replies to nothing")
        self._news.ring()

    def eof_received(self) -> None:
        self._end("the smarthost closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        self._end("the connection was lost" if exc else "the smarthost closed the connection")
        if self._leaving:
            self._leaving.cancel()
        self._news.take_down()
        if not self.closed.done():
            self.closed.set_result(None)

    def pause_writing(self) -> None:
        self._stuck = True

    def resume_writing(self) -> None:
        self._stuck = False
        self._news.ring()

    def _end(self, why: str) -> None:
        self._lost = self._lost or why
        self._news.ring()

    def _abandon(self, why: str) -> None:
        self._end(why)
        if self._transport:
            self._transport.abort()

    # --- the dialog

    @property
    def in_step(self) -> bool:
        """Whether it is whole and silent: what speaks unasked is no longer in step with us."""
        return not (self._lost or self._replies or self._reader.midway)

    def say(self, stage: Stage, *octets: bytes) -> None:
        """Write commands. Raises FailedError when the connection is lost or the smarthost spoke unasked."""
        if self._replies:
            raise self._out_of_turn(stage, self._replies.popleft())
        if self._lost or self._transport is None or self._reader.midway:
            raise failed(Kind.CLOSED, stage, self._lost or "the smarthost spoke unasked")
        self._transport.writelines(octets)

    async def reply(self, stage: Stage) -> Reply:
        """The next reply. Raises FailedError: SLOW, CLOSED (421, lost or garbled), SETUP (530, 535, 538)."""
        if not self._replies:
            await self._hear(stage)
        reply = self._replies.popleft()
        if reply.ends_all:
            raise FailedError(answer(stage, reply))
        return reply

    async def _hear(self, stage: Stage) -> None:
        """Wait for a reply. Raises FailedError."""
        until = self._loop.time() + self._timeout
        while not self._replies:
            if self._lost:
                raise failed(Kind.CLOSED, stage, self._lost)
            await self._wait(stage, until)

    async def _wait(self, stage: Stage, until: float) -> None:
        try:
            await self._news.wait(until)
        except TimeoutError:
            raise self._slow(stage) from None

    async def pour(self, stage: Stage, pieces: Sequence[bytes]) -> None:
        """Write all but the end of a long text, no faster than it is taken. Raises FailedError.

        A smarthost that refuses midway has its reply waiting: it is left for `reply`.
        """
        for piece in pieces:
            view = memoryview(piece)
            for start in range(0, len(view), CHUNK):
                if not self.in_step or self._transport is None:
                    return
                self._transport.write(view[start : start + CHUNK])
                await self._drained(stage)

    async def _drained(self, stage: Stage) -> None:
        """Wait until it has taken what was written, or said no and reads no further. Raises FailedError."""
        until = self._loop.time() + self._timeout
        while self._stuck and self.in_step:
            await self._wait(stage, until)

    async def encrypt(self, context: ssl.SSLContext, host: str) -> None:
        """Go on under TLS. Raises FailedError; what came in the clear past the last reply is an injection."""
        if not self.in_step or self._transport is None:
            raise failed(Kind.SETUP, Stage.STARTTLS, "something followed the STARTTLS reply in the clear")
        try:
            async with asyncio.timeout(self._timeout):
                self._transport = await self._loop.start_tls(
                    self._transport, self, context, server_hostname=host
                )
        except TimeoutError:
            raise self._slow(Stage.STARTTLS) from None
        except OSError as error:
            raise failed(Kind.SETUP, Stage.STARTTLS, words(error)) from None

    def _slow(self, stage: Stage) -> FailedError:
        return failed(Kind.SLOW, stage, f"the smarthost did not answer within {self._timeout:g} s")

    @staticmethod
    def _out_of_turn(stage: Stage, reply: Reply) -> FailedError:
        if reply.code == CLOSING:
            return FailedError(answer(stage, reply))
        return failed(Kind.CLOSED, stage, "the smarthost spoke unasked")

    # --- its end

    def drop(self) -> None:
        """End it at once, without a word."""
        self._abandon("the connection was dropped")
        if self._transport is None and not self.closed.done():
            self.closed.set_result(None)

    def quit(self) -> None:
        """Take leave in order (RFC 5321 section 4.1.1.10) without waiting for it; `closed` tells the end."""
        if not self.in_step or self._transport is None:
            self.drop()
            return
        self._leaving = self._loop.call_later(LEAVE_SECONDS, self.drop)
        self._transport.write(b"QUIT\r\n")


def words(error: OSError) -> str:
    """A network or TLS failure in printable words of the system's own."""
    said = getattr(error, "verify_message", "") or getattr(error, "reason", "") or error.strerror
    return (said or type(error).__name__).encode("ascii", "replace").decode()[:200]
