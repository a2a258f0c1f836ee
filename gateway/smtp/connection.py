"""One client's connection: lines in, replies out, and an end that is told apart from a breakdown.

Built on aiosmtpd's protocol, of which remain STARTTLS and the table of commands. Replaced is what stands in
our way: its loop decodes, cancels a relay when the client hangs up, and answers faults with 500; its stream
copies the content again and again.

Rules of this file:

1. Nothing here cancels a command under way; a client that hangs up sets `gone`, and that is all (I5).
2. Whether a client heard our reply to its message is told once and truthfully: yes if it spoke or closed in
   order after the reply was written, no if the connection broke or we ended it first (I5).
3. Replies wait until there is nothing more to read: commands that came in one packet get theirs in one.
4. Every wait has an end.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import cast

import structlog
from aiosmtpd.smtp import SMTP

from gateway.envelope import Outcome
from gateway.smtp import reply
from gateway.smtp.incoming import BadLineError, Incoming, LineTooLongError
from gateway.smtp.reception import Reception
from gateway.smtp.reply import Reply
from gateway.smtp.stream import Stream

MAX_ERRORS = 10
LINGER_SECONDS = 10  # in all, for a client that goes on sending after we ended the session
SILENCE_SECONDS = 1  # and for one that does not
HTTP = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "PRI"})
KNOWN = frozenset({"EXPN", "HELP", "BDAT", "BURL", "ETRN", "TURN", "ATRN", "SEND", "SOML", "SAML"})
EIGHT_BIT = frozenset({"MAIL", "RCPT"})  # RFC 6531 section 3.3: addresses, and nothing else

Verb = Callable[[bytes], Awaitable[Reply | None]]

log = structlog.get_logger()


class HangUpError(Exception):
    """Say `reply` and end the session."""

    def __init__(self, said: Reply) -> None:
        super().__init__(said.text)
        self.reply = said


class GoneError(Exception):
    """The client hung up."""


class Connection(SMTP):
    """Reads lines, finds their verbs among the methods `smtp_*`, and writes what these return."""

    verbs: tuple[str, ...] = ()  # the names of all methods `smtp_*`

    def __init__(self, reception: Reception) -> None:
        settings = reception.settings
        super().__init__(
            None,
            hostname=settings.hostname,
            enable_SMTPUTF8=True,
            tls_context=settings.tls_context,
            loop=asyncio.get_running_loop(),
        )
        self.reception = reception
        self.settings = settings
        self.peer: IPv4Address | IPv6Address = IPv4Address(0)
        self.local = False  # whether the client came to a loopback address
        self.encrypted = False
        self.incoming = Incoming()
        self.gone = asyncio.Event()
        self._stream = Stream(self.loop)
        self._replies: list[bytes] = []
        self._errors = 0
        self._unheard: Outcome | None = None
        self._deadline = 0.0  # of the loop's clock, for the session to bear fruit

    def __dir__(self) -> tuple[str, ...]:
        """aiosmtpd looks at every attribute of every new connection; show it the commands alone (0.1 ms)."""
        return self.verbs

    # --- what the session says of itself

    @property
    def ref(self) -> str:
        """By what name a fault goes to the log and to the client."""
        return "session"

    @property
    def idle(self) -> bool:
        """Whether no transaction is under way."""
        return True

    def forget(self) -> None:
        """TLS begins: nothing that was said in the clear counts (RFC 3207 section 4.2)."""

    # --- what asyncio tells us

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came, or its TLS handshake is done."""
        self.encrypted = transport.get_extra_info("sslcontext") is not None
        if self._original_transport is None and not self._admitted(transport):
            return
        super().connection_made(transport)
        self._stream.begin(cast(asyncio.Transport, transport))
        self.incoming.take()  # what was pipelined behind STARTTLS is never looked at (CVE-2024-34083)
        self.forget()

    def _admitted(self, transport: asyncio.BaseTransport) -> bool:
        here, there = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
        refusal = self.reception.admit(self) if here and there else reply.TIMED_OUT
        if refusal:
            cast(asyncio.WriteTransport, transport).write(refusal.octets)
            transport.close()
            return False
        self.peer, self.local = _ip(there[0]), _ip(here[0]).is_loopback
        self.bear_fruit()
        return True

    def data_received(self, octets: bytes) -> None:
        """The client speaks, so it heard what was written before."""
        self._settle(True)
        self._stream.feed(octets)

    def pause_writing(self) -> None:
        """The client does not read our replies, so it waits for its next ones."""
        super().pause_writing()
        self._stream.turn(stuck=True)

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        self._stream.turn(stuck=False)

    def eof_received(self) -> bool:
        """The client closes in order; without TLS it may still listen."""
        self._settle(True)
        self.gone.set()
        self._stream.end()
        super(SMTP, self).eof_received()  # aiosmtpd's own would cancel the command under way
        return not self.encrypted

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is no more; `error` says whether it broke."""
        self._settle(error is None)
        self.gone.set()
        self._stream.lose(error)
        if self._original_transport is not None:  # of before STARTTLS
            self._original_transport.close()
        super(SMTP, self).connection_lost(error)  # as above
        self.transport = None

    def _reset_timeout(self, duration: float | None = None) -> None:
        """aiosmtpd's timer runs on during a relay; each wait here has its own."""

    def ask_to_leave(self) -> None:
        """We drain: an idle session looks up from its wait."""
        self._stream.nudge()

    # --- the dialog

    async def _handle_client(self) -> None:
        """The whole session, in the task that aiosmtpd makes for it."""
        with self.reception.metrics.connected():
            try:
                await self._converse()
            except (GoneError, OSError):
                pass
            finally:
                self._settle(False)
                if self._stream.stuck:
                    self._writer.transport.abort()  # rule 4: to close it would wait for the client to read
                else:
                    self._writer.close()
                self.reception.left(self)

    async def _converse(self) -> None:
        try:
            self.say(reply.greeting(self.settings.hostname))
            while True:
                await self._obey(await self.line())
        except HangUpError as end:
            if end.reply in reply.GARBLED:
                self.note_refused(end.reply)
            await self._take_leave(end.reply)
        except (GoneError, OSError):
            raise
        except Exception:
            log.exception("session failed", ref=self.ref)
            await self._take_leave(reply.fault(self.ref))  # I4: never a 5yz, never internals

    def note_refused(self, said: Reply) -> None:
        """A line for the operator, where nobody else tells of it; without a word of the client's (L26)."""
        log.info("refused", ref=self.ref, code=said.code, reason=said.text)

    async def _obey(self, line: bytes) -> None:
        word, _, argument = line.partition(b" ")
        verb = word.upper().decode("ascii", "replace")
        if verb in HTTP:
            raise HangUpError(reply.NOT_SMTP)
        if not line.isascii() and (verb not in EIGHT_BIT or not _is_utf8(line)):
            raise HangUpError(reply.BAD_LINE)
        method: Verb | None = self._smtp_methods.get(verb)
        if method:
            said = await method(argument.strip(b" "))
        else:
            said = reply.NOT_IMPLEMENTED if verb in KNOWN else reply.UNKNOWN_COMMAND
        if said:
            self.say(said)

    def say(self, said: Reply) -> None:
        """Queue a reply. Raises HangUpError after too many errors."""
        self._replies.append(said.octets)
        self._errors += said.counts_as_error
        if self._errors >= MAX_ERRORS and said.counts_as_error:
            raise HangUpError(reply.TOO_MANY_ERRORS)

    def write(self) -> None:
        """Write what is queued."""
        if self._replies:
            self._writer.write(b"".join(self._replies))
            self._replies.clear()

    def answer(self, outcome: Outcome) -> None:
        """Write the reply to a message, and remember to tell whether it was heard."""
        self._replies.append(reply.reply_to(outcome).octets)
        self.write()
        if self.gone.is_set():
            outcome.closed(False)
        else:
            self._unheard = outcome

    async def line(self) -> bytes:
        """The next line. Raises HangUpError, GoneError."""
        try:
            while (line := self.incoming.line()) is None:
                self.incoming.feed(await self.octets())
        except BadLineError:
            raise HangUpError(reply.BAD_LINE) from None
        except LineTooLongError:
            raise HangUpError(reply.LINE_TOO_LONG) from None
        return line

    async def octets(self) -> bytes:
        """Write what is queued, then read. Raises HangUpError when time is up, GoneError."""
        self.write()
        self._bid_farewell()
        until = min(self.loop.time() + self.settings.timeout_seconds, self._deadline)
        try:
            while not self._stream.ready:
                await self._stream.news(until)
                self._bid_farewell()
        except TimeoutError:
            self._settle(False)
            raise HangUpError(reply.TIMED_OUT) from None
        if octets := self._stream.take():
            return octets
        raise GoneError

    def _bid_farewell(self) -> None:
        """While we drain an idle session goes. Raises HangUpError."""
        if self.reception.draining and self.idle:
            raise HangUpError(reply.SHUTTING_DOWN)

    def bear_fruit(self) -> None:
        """The session did what it is for, and may go on."""
        self._deadline = self.loop.time() + self.settings.fruitless_seconds

    async def start_tls(self) -> None:
        """Say so and shake hands, by aiosmtpd. Raises GoneError when that fails."""
        self.write()
        try:
            async with asyncio.timeout(self.settings.timeout_seconds):
                await super().smtp_STARTTLS("")
        except Exception:
            log.debug("TLS handshake failed", exc_info=True)
            if self._original_transport is not None:
                self._original_transport.close()
            raise GoneError from None

    # --- the end

    async def _take_leave(self, last: Reply) -> None:
        """Say a last word, and read on for a while: closing at once would take it back (TCP reset)."""
        self._replies.append(last.octets)
        self.write()
        if last is reply.BYE and not self._unheard:
            return  # the client expects no more, and has told us what we want to know
        until = self.loop.time() + min(self.settings.timeout_seconds, LINGER_SECONDS)
        with contextlib.suppress(TimeoutError):
            while self._stream.stuck:
                await self._stream.news(until)
            if not self.gone.is_set() and self._writer.can_write_eof():
                self._writer.write_eof()
            while not self.gone.is_set():
                await self._stream.news(min(until, self.loop.time() + SILENCE_SECONDS))
                self._stream.take()

    def _settle(self, heard: bool) -> None:
        """Tell, once, whether the client heard our last reply to a message."""
        outcome, self._unheard = self._unheard, None
        if outcome:
            outcome.closed(heard)


def _ip(text: str) -> IPv4Address | IPv6Address:
    """An address as the socket gives it; an IPv4 client of an IPv6 socket is an IPv4 client."""
    address = ip_address(text.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
