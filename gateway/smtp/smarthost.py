"""The pool of connections to the smarthost.

Rules of this file:

1. A lease waits for one connection, first come first served, and never for a second while it holds the first.
2. At most `max_connections` are open or being opened, and one lease has at most a quarter of them.
3. Nothing runs while nothing is leased, but one timer as long as there are connections to part from; the
   timer of a step that is over may go off once, in vain.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Literal

from gateway.envelope import Answer, Kind, Stage
from gateway.smtp.dialog import CLOSING, Copy
from gateway.smtp.line import Line, NextHop
from gateway.smtp.wire import FailedError, failed

IDLE_SECONDS = 30.0  # after which a kept connection is left
PAUSE_SECONDS = 30.0  # without further growth after the smarthost turned an additional connection away


class Leased:
    """One connection for the time of a lease (ports.Connection), replaced when it proves dead."""

    def __init__(self, line: Line, hop: NextHop) -> None:
        self._hop = hop
        self._hold(line)

    def _hold(self, line: Line) -> None:
        self.line = line
        self.takes_8bit = line.offers.eightbit
        self.takes_smtputf8 = line.offers.smtputf8

    async def relay(self, sender: str, recipient: str, content: bytes, *, smtputf8: bool) -> Answer:
        """Hand over one copy, exactly these octets; never raises for anything the smarthost does.

        Raises ValueError for an address with a line end, or a non-ASCII one without `smtputf8`.
        """
        copy = Copy(sender, recipient, content, smtputf8)
        if not self.line.wire.in_step:  # it ended between two copies
            return await self._relay_anew(copy)
        kept = self.line.kept
        answer = await self._relay(copy)
        if kept and _found_dead(answer):
            return await self._relay_anew(copy)
        return answer

    async def check(self) -> Answer | None:
        """What keeps this connection from taking mail, if anything."""
        try:
            if self.line.kept:
                with suppress(FailedError):
                    await self.line.noop()
                    return None
                self._hold(await Line.open(self._hop))  # it died while it waited
            await self.line.noop()
        except FailedError as failure:
            return failure.answer
        return None

    async def _relay(self, copy: Copy) -> Answer:
        answer = await self.line.relay(copy)
        self.line.kept = True
        return answer

    async def _relay_anew(self, copy: Copy) -> Answer:
        self.line.wire.drop()
        try:
            self._hold(await Line.open(self._hop))
        except FailedError as failure:
            return failure.answer
        return await self._relay(copy)


def _found_dead(answer: Answer) -> bool:
    """Whether a kept connection was gone, or being closed, before it took the copy."""
    if answer.kind is not Kind.CLOSED:
        return False
    if answer.code == CLOSING:
        return answer.stage is Stage.MAIL  # the smarthost had enough of it while it waited
    return answer.stage is not Stage.DOT


class SmarthostPool:
    """The next hop (ports.Smarthost), with its connections kept between copies.

    `timeout_seconds` holds for each step. `hostname` is ours, for EHLO. Without `tls_context` the
    smarthost's certificate is verified against the system's authorities, for `host`.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        hostname: str,
        tls: Literal["none", "starttls", "implicit"] = "none",
        username: str | None = None,
        password: str | None = None,
        max_connections: int = 40,
        timeout_seconds: float = 60,
        tls_context: ssl.SSLContext | None = None,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        context = None if tls == "none" else tls_context or ssl.create_default_context()
        self._hop = NextHop(
            host, port, tls, context, username, password or "", hostname, timeout=timeout_seconds
        )
        self._loop = asyncio.get_running_loop()
        self._most = max(1, max_connections // 4)
        self._free = max_connections  # connections that may be opened yet
        self._idle: list[tuple[float, Line]] = []  # since when; the longest idle first
        self._waiting: deque[asyncio.Future[Line | None]] = deque()
        self._growing: set[asyncio.Task[None]] = set()
        self._grow_from = 0.0  # loop time before which no additional connection is tried
        self._idle_seconds = idle_seconds
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False

    @asynccontextmanager
    async def lease(self, most: int) -> AsyncIterator[Sequence[Leased] | Answer]:
        """One to `most` connections: waits for the first, adds those kept and free, never waits for a second.

        What it lacks is opened meanwhile, for the next lease. Yields an Answer when none could be set up.
        """
        try:
            held = [await self._first()]
        except FailedError as failure:
            yield failure.answer
            return
        try:
            self._add(held, min(most, self._most))
            yield held
        finally:
            for leased in held:
                self._give_back(leased.line)

    async def probe(self) -> Answer | None:
        """What keeps the smarthost from taking mail, if anything: EHLO if not connected, then NOOP."""
        try:
            async with asyncio.timeout(self._hop.timeout), self.lease(1) as held:
                return held if isinstance(held, Answer) else await held[0].check()
        except TimeoutError:
            return Answer(Kind.SLOW, Stage.CONNECT, text="the smarthost is not free or does not answer")

    async def close(self) -> None:
        """Take leave on every kept connection; one still leased follows when it comes back."""
        self._closing = True
        growing = list(self._growing)
        for task in growing:
            task.cancel()
        await asyncio.gather(*growing, return_exceptions=True)
        if self._timer:
            self._timer.cancel()
        lines = [line for _, line in self._idle]
        self._idle.clear()
        for line in lines:
            line.wire.quit()
        await asyncio.gather(*(line.wire.closed for line in lines))

    # --- whose turn it is

    async def _first(self) -> Leased:
        """A connection in turn. Raises FailedError, and then holds nothing."""
        line = await self._turn()
        if self._closing:
            self._pass_on(line)
            raise failed(Kind.CLOSED, Stage.CONNECT, "the gateway is shutting down")
        return Leased(line or await self._open(), self._hop)

    async def _turn(self) -> Line | None:
        """A kept connection, or None: a place to open one; first come, first served."""
        if line := self._kept():
            return line
        if self._free:
            self._free -= 1
            return None
        turn: asyncio.Future[Line | None] = self._loop.create_future()
        self._waiting.append(turn)
        try:
            return await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it came in the same moment: the next in turn has it
                self._pass_on(turn.result())
            raise

    def _kept(self) -> Line | None:
        """The connection last used, of those that are still whole."""
        while self._idle:
            _, line = self._idle.pop()
            if line.wire.in_step:
                return line
            line.wire.drop()
            self._free += 1
        return None

    async def _open(self) -> Line:
        """A connection in the place held; the place is given up when there is none to be had."""
        try:
            return await Line.open(self._hop)
        except BaseException:
            self._pass_on(None)
            raise

    def _give_back(self, line: Line) -> None:
        """The end of a lease: a whole connection is kept, of any other only the place."""
        line.kept = True
        if line.wire.in_step:
            self._pass_on(line)
        else:
            line.wire.drop()
            self._pass_on(None)

    def _pass_on(self, line: Line | None) -> None:
        """A connection, or a place for one, to who waits longest; else it waits itself."""
        if line and self._closing:
            line.wire.quit()
            line = None
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(line)
                return
        if line is None:
            self._free += 1
        else:
            self._idle.append((self._loop.time(), line))
            self._set_timer()

    # --- growing and shrinking

    def _add(self, held: list[Leased], most: int) -> None:
        """Add connections that are kept; open what lacks for the next lease.

        While anybody waits there is neither a kept connection nor a free place (see _pass_on).
        """
        while len(held) < most and (line := self._kept()):
            held.append(Leased(line, self._hop))
        if self._loop.time() < self._grow_from:
            return
        for _ in range(min(most - len(held) - len(self._growing), self._free)):
            self._free -= 1
            task = self._loop.create_task(self._grow())
            self._growing.add(task)
            task.add_done_callback(self._growing.discard)

    async def _grow(self) -> None:
        """One connection more; a smarthost that allows no more is not asked again for a while."""
        try:
            self._give_back(await self._open())
        except FailedError:
            self._grow_from = self._loop.time() + PAUSE_SECONDS

    def _set_timer(self) -> None:
        if self._timer is None and self._idle:
            due = self._idle[0][0] + self._idle_seconds
            self._timer = self._loop.call_at(due, self._part)

    def _part(self) -> None:
        """Leave the connections that have been idle for long."""
        self._timer = None
        now = self._loop.time()
        while self._idle and self._idle[0][0] + self._idle_seconds <= now:
            self._idle.pop(0)[1].wire.quit()
            self._free += 1
        self._set_timer()
