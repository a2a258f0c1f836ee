"""One connection to the smarthost: set up once, then copy after copy.

A failure says at which stage it came: nothing was taken over before the final dot was handed out, and after
it only a reply read in full tells what became of the copy (RFC 1047).
"""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from gateway.envelope import Answer, Kind, Stage
from gateway.smtp.dialog import Copy, Offers, Reply, answer, dot_stuffed, offers
from gateway.smtp.wire import CHUNK, FailedError, Wire, failed, words

_Commands: TypeAlias = Sequence[tuple[Stage, bytes]]


@dataclass(frozen=True, slots=True)
class NextHop:
    """Where the smarthost is, and how we introduce ourselves."""

    host: str
    port: int
    tls: Literal["none", "starttls", "implicit"]
    context: ssl.SSLContext | None  # None only without TLS
    username: str | None
    password: str
    hostname: str  # ours, for EHLO
    timeout: float  # seconds, for each step


class Line:
    """A connection that takes copies. Make it with `open`, leave it with `wire.quit` or `wire.drop`."""

    def __init__(self, wire: Wire, hop: NextHop) -> None:
        self.wire = wire
        self.offers = Offers()
        self.kept = False  # whether it was used, or waited, since it was set up: it may have died unnoticed
        self._hop = hop
        self._unfinished = False  # a transaction was begun that only RSET ends

    @classmethod
    async def open(cls, hop: NextHop) -> Line:
        """A connection ready for copies. Raises FailedError."""
        wire = Wire(hop.timeout)
        try:
            await _connect(wire, hop)
            line = cls(wire, hop)
            await line._introduce()
        except BaseException:
            wire.drop()
            raise
        return line

    # --- setting up

    async def _introduce(self) -> None:
        """Greeting, EHLO, TLS and AUTH, as far as each is configured."""
        await self._expect(Stage.GREETING, 220)
        await self._ehlo()
        if self._hop.tls == "starttls":
            await self._starttls()
            await self._ehlo()  # RFC 3207 section 4.2: what was said in the clear is forgotten
        if self._hop.username is not None:
            await self._log_in(self._hop.username, self._hop.password)

    async def _ehlo(self) -> None:
        self.wire.say(Stage.EHLO, f"EHLO {self._hop.hostname}\r\n".encode("ascii"))
        self.offers = offers(await self._expect(Stage.EHLO, 250))

    async def _starttls(self) -> None:
        """TLS or nothing: a smarthost that seems not to offer it may be someone in between."""
        if not self.offers.starttls or self._hop.context is None:
            raise failed(Kind.SETUP, Stage.STARTTLS, "the smarthost does not offer STARTTLS")
        self.wire.say(Stage.STARTTLS, b"STARTTLS\r\n")
        await self._expect(Stage.STARTTLS, 220)
        await self.wire.encrypt(self._hop.context, self._hop.host)

    async def _log_in(self, username: str, password: str) -> None:
        """AUTH PLAIN (RFC 4616), else LOGIN."""
        if "PLAIN" in self.offers.mechanisms:
            lines = [b"AUTH PLAIN " + b64encode(f"\0{username}\0{password}".encode())]
        elif "LOGIN" in self.offers.mechanisms:
            lines = [b"AUTH LOGIN", b64encode(username.encode()), b64encode(password.encode())]
        else:
            raise failed(Kind.SETUP, Stage.AUTH, "the smarthost offers neither AUTH PLAIN nor AUTH LOGIN")
        for number, line in enumerate(lines, 1):
            self.wire.say(Stage.AUTH, line, b"\r\n")
            await self._expect(Stage.AUTH, 235 if number == len(lines) else 334)

    async def _expect(self, stage: Stage, code: int) -> Reply:
        """The reply without which there is no connection. Raises FailedError."""
        reply = await self.wire.reply(stage)
        if reply.code != code:
            raise FailedError(answer(stage, reply, Kind.SETUP))
        return reply

    # --- in use

    async def noop(self) -> None:
        """Ask whether the smarthost is still there. Raises FailedError."""
        try:
            self.wire.say(Stage.EHLO, b"NOOP\r\n")
            await self._expect(Stage.EHLO, 250)
        except BaseException:
            self.wire.drop()
            raise

    async def relay(self, copy: Copy) -> Answer:
        """What the smarthost says to this copy; after any failure the connection is dropped."""
        if not copy.fits(self.offers):
            return Answer(
                Kind.SETUP, Stage.EHLO, text="the smarthost no longer takes 8-bit content or addresses"
            )
        try:
            return await self._transact(copy)
        except FailedError as failure:
            self.wire.drop()
            return failure.answer
        except BaseException:  # cancelled, or a fault of ours: a transaction may be half done
            self.wire.drop()
            raise

    async def _transact(self, copy: Copy) -> Answer:
        commands = (
            (Stage.MAIL, copy.mail(self.offers)),
            (Stage.RCPT, copy.rcpt()),
            (Stage.DATA, b"DATA\r\n"),
        )
        if self.offers.pipelining:
            refusal = await self._envelope_at_once(commands)
        else:
            refusal = await self._envelope_in_turn(commands)
        if refusal is not None:
            return refusal
        return await self._content(copy.content)

    async def _envelope_in_turn(self, commands: _Commands) -> Answer | None:
        """Command, reply, command, reply; the first refusal ends it."""
        if self._unfinished:
            self.wire.say(Stage.MAIL, b"RSET\r\n")
            await self._reset()
        for stage, command in commands:
            self.wire.say(stage, command)
            if (refusal := await self._refusal(stage)) is not None:
                return refusal
        return None

    async def _envelope_at_once(self, commands: _Commands) -> Answer | None:
        """All commands in one write (RFC 2920); the first refusal counts, the rest echo it."""
        reset = b"RSET\r\n" if self._unfinished else b""
        self.wire.say(Stage.MAIL, reset + b"".join(command for _, command in commands))
        if reset:
            await self._reset()
        for count, (stage, _) in enumerate(commands, 1):
            if (refusal := await self._refusal(stage)) is not None:
                await self._hear_out([later for later, _ in commands[count:]])
                return refusal
        return None

    async def _refusal(self, stage: Stage) -> Answer | None:
        """The smarthost's no to a command. Raises FailedError for what is neither yes nor no."""
        reply = await self.wire.reply(stage)
        if reply.negative:
            self._unfinished = True
            return answer(stage, reply)
        if reply.code != 354 if stage is Stage.DATA else not reply.positive:
            raise _misplaced(stage)
        return None

    async def _hear_out(self, stages: Sequence[Stage]) -> None:
        """Read the replies to what was pipelined past a refusal; without them the connection goes."""
        try:
            for stage in stages:
                reply = await self.wire.reply(stage)
                if stage is Stage.DATA and not reply.negative:
                    # RFC 2920 section 3.1: it would take content for nobody; an empty one lets it refuse
                    self.wire.say(stage, b".\r\n")
                    await self.wire.reply(Stage.DOT)
        except FailedError:
            self.wire.drop()

    async def _reset(self) -> None:
        """Hear that the last transaction is forgotten."""
        if not (await self.wire.reply(Stage.MAIL)).positive:
            raise _misplaced(Stage.MAIL)
        self._unfinished = False

    async def _content(self, content: bytes) -> Answer:
        """The content and the dot, and what the smarthost says to it."""
        *text, end = dot_stuffed(content)
        if len(content) > CHUNK:
            await self.wire.pour(Stage.DATA, text)
            if not self.wire.in_step:
                return await self._cut_short()
            text = []
        self.wire.say(Stage.DATA, *text, end)
        reply = await self.wire.reply(Stage.DOT)
        if not (reply.positive or reply.negative):
            raise _misplaced(Stage.DOT)
        return answer(Stage.DOT, reply)

    async def _cut_short(self) -> Answer:
        """The smarthost answered or left in mid-content: its no counts, the connection is of no more use."""
        reply = await self.wire.reply(Stage.DATA)
        if not reply.negative:
            raise _misplaced(Stage.DATA)
        self.wire.drop()
        return answer(Stage.DATA, reply)


def _misplaced(stage: Stage) -> FailedError:
    return failed(Kind.CLOSED, stage, "the smarthost's reply was out of place")


async def _connect(wire: Wire, hop: NextHop) -> None:
    """TCP, and TLS from the first octet where it is implicit (RFC 8314). Raises FailedError."""
    context = hop.context if hop.tls == "implicit" else None
    host = hop.host if context else None
    try:
        async with asyncio.timeout(hop.timeout):
            await asyncio.get_running_loop().create_connection(
                lambda: wire, hop.host, hop.port, ssl=context, server_hostname=host
            )
    except TimeoutError:
        text = f"no connection to the smarthost within {hop.timeout:g} s"
        raise failed(Kind.SLOW, Stage.CONNECT, text) from None
    except OSError as error:
        raise failed(Kind.SETUP, Stage.CONNECT, words(error)) from None
