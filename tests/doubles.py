"""Doubles that are real: a recording SMTP server on loopback, which misbehaves on command.

    async with RecordingSmarthost() as smarthost:
        smarthost.answer(Stage.RCPT, "550 5.1.1 No such user", recipient="gone@example.org")
        ...                                   # the gateway relays to smarthost.host, smarthost.port
        await smarthost.arrived(2)            # waits until two messages were accepted
        assert smarthost.messages[0].recipients == ("kim@example.org",)

Scripted faults are tried in the order in which they were given; each serves `times` times (None: for ever).
`stage` is a Stage, or "RSET", "NOOP" or "QUIT". With `recipient` a fault serves only transactions naming it.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import ssl
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Literal, Self

import trustme

from gateway.envelope import Stage

Tls = Literal["none", "starttls", "implicit"]
EXTENSIONS = ("PIPELINING", "SIZE 104857600", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8")


@cache
def authority() -> trustme.CA:
    """The throw-away certificate authority of this test run."""
    return trustme.CA()


@cache
def trusting_context() -> ssl.SSLContext:
    """A client's TLS context that trusts the test run's authority and nobody else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority().configure_trust(context)
    return context


@cache
def serving_context(*names: str, not_after: datetime | None = None) -> ssl.SSLContext:
    """A server's TLS context with a certificate for `names` (host names or IP addresses)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(*names, not_after=not_after).configure_cert(context)
    return context


@dataclass(frozen=True, slots=True)
class Received:
    """One message this smarthost took over."""

    sender: str  # as between the angle brackets; empty for the null sender
    recipients: tuple[str, ...]
    content: bytes  # after dot-unstuffing
    parameters: tuple[str, ...]  # of MAIL FROM, as "BODY=8BITMIME", "SIZE=120", "SMTPUTF8"
    tls: bool
    user: str | None  # who logged in with AUTH
    connection: int  # 1 for the first connection ever, and so on


@dataclass(slots=True)
class Gate:
    """Holds answers back at a stage until released; made by `RecordingSmarthost.hold`."""

    _waiting: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def reached(self, count: int = 1) -> None:
        """Wait until `count` answers in all have come to the gate."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._waiting >= count)

    def release(self) -> None:
        """Let all answers through, those held and those to come."""
        self._opened.set()

    async def _pass(self) -> None:
        async with self._changed:
            self._waiting += 1
            self._changed.notify_all()
        await self._opened.wait()


Deed = Literal["say", "garble", "hang", "close", "reset", "flood", "hold"]


@dataclass(slots=True)
class _Fault:
    stage: str
    deed: Deed
    words: bytes = b""
    recipient: str | None = None
    times: int | None = None
    accepted: bool = False
    gate: Gate | None = None

    def serves(self, stage: str, recipients: Sequence[str]) -> bool:
        return (
            self.times != 0
            and self.stage == stage.upper()
            and (self.recipient is None or self.recipient in recipients)
        )


class _HangUpError(Exception):
    """The script ends this connection."""


class RecordingSmarthost:
    """A catch-all SMTP server on loopback that records what it accepts and errs as it is told.

    `extensions` are the EHLO lines beside STARTTLS and AUTH, which follow from `tls` and `users` (name to
    password; given, MAIL needs AUTH first). `certificate_names` or `certificate_not_after` other than the
    default make a certificate that does not fit. A TLS client needs `trusting_context()`.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        *,
        tls: Tls = "none",
        extensions: Sequence[str] = EXTENSIONS,
        users: Mapping[str, str] | None = None,
        mechanisms: str = "PLAIN LOGIN",
        certificate_names: Sequence[str] = ("127.0.0.1", "localhost"),
        certificate_not_after: datetime | None = None,
    ) -> None:
        self.messages: list[Received] = []  # accepted, in order
        self.commands: list[str] = []  # every command line of every connection, in order of arrival
        self.early = 0  # commands that came before the reply to the one before: pipelined
        self.connections = 0  # ever opened
        self.port = 0
        self._tls, self._extensions, self._users = tls, tuple(extensions), users
        self._mechanisms = mechanisms
        self._context: ssl.SSLContext | None = None
        if tls != "none":
            self._context = serving_context(*certificate_names, not_after=certificate_not_after)
        self._faults: list[_Fault] = []
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._sessions: dict[asyncio.Task[None], _Session] = {}

    # --- life

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; after a stop, on the same port as before."""
        implicit = self._context if self._tls == "implicit" else None
        self._server = await asyncio.start_server(self._serve, self.host, self.port, ssl=implicit)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and end every connection: the smarthost is down. What it recorded stays."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in list(self._sessions):
            task.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    # --- the script

    def answer(
        self, stage: str, text: str, *, recipient: str | None = None, times: int | None = None
    ) -> None:
        """Answer `text` at `stage`: "550 5.1.1 No"; several lines by "\\n", as "550-No\\n550 Never".

        "354 ..." at DATA goes on to the content, and a 2yz at the dot records the message.
        """
        words = b"".join(line.encode() + b"\r\n" for line in text.split("\n"))
        self._add(stage, "say", words=words, recipient=recipient, times=times)

    def garble(self, stage: str, octets: bytes, *, times: int | None = None, accepted: bool = False) -> None:
        """Answer exactly these octets at `stage`; `accepted` as for hang."""
        self._add(stage, "garble", words=octets, times=times, accepted=accepted)

    def flood(self, stage: str, octets: bytes, *, times: int | None = None) -> None:
        """Answer these octets again and again at `stage`, until the client hangs up."""
        self._add(stage, "flood", words=octets, times=times)

    def hang(
        self, stage: str, *, recipient: str | None = None, times: int | None = None, accepted: bool = False
    ) -> None:
        """Never answer at `stage`. With `accepted`, at the dot, the message is taken all the same."""
        self._add(stage, "hang", recipient=recipient, times=times, accepted=accepted)

    def close(
        self, stage: str, *, recipient: str | None = None, times: int | None = None, accepted: bool = False
    ) -> None:
        """Close the connection (FIN) instead of answering at `stage`; `accepted` as for hang."""
        self._add(stage, "close", recipient=recipient, times=times, accepted=accepted)

    def reset(
        self, stage: str, *, recipient: str | None = None, times: int | None = None, accepted: bool = False
    ) -> None:
        """Reset the connection (RST) instead of answering at `stage`; `accepted` as for hang."""
        self._add(stage, "reset", recipient=recipient, times=times, accepted=accepted)

    def hold(self, stage: str, *, recipient: str | None = None, times: int | None = None) -> Gate:
        """Hold answers at `stage` back until the gate is released; a held message is accepted after."""
        gate = Gate()
        self._add(stage, "hold", recipient=recipient, times=times, gate=gate)
        return gate

    def behave(self) -> None:
        """Forget every scripted fault not yet begun."""
        self._faults.clear()

    def disconnect(self, *, reset: bool = False) -> None:
        """End every open connection now, between commands or not."""
        for session in self._sessions.values():
            session.cut(reset=reset)

    def say(self, text: str) -> None:
        """Say a line nobody asked for on every open connection."""
        for session in self._sessions.values():
            session.write(text.encode() + b"\r\n")

    def _add(
        self,
        stage: str,
        deed: Deed,
        *,
        words: bytes = b"",
        recipient: str | None = None,
        times: int | None = None,
        accepted: bool = False,
        gate: Gate | None = None,
    ) -> None:
        self._faults.append(_Fault(stage.upper(), deed, words, recipient, times, accepted, gate))

    # --- what came of it

    async def arrived(self, count: int = 1) -> list[Received]:
        """Wait until `count` messages in all were accepted; returns all of them."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.messages) >= count)
        return self.messages

    async def connected(self, count: int) -> None:
        """Wait until exactly `count` connections are open."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._sessions) == count)

    async def heard(self, verb: str, count: int = 1) -> None:
        """Wait until `count` commands in all began with `verb`, as "QUIT"."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: sum(line.upper().startswith(verb) for line in self.commands) >= count
            )

    @property
    def delivered(self) -> list[str]:
        """Every recipient of every accepted message, in order: one entry each time they were served."""
        return [recipient for message in self.messages for recipient in message.recipients]

    # --- the sessions' side

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.connections += 1
        session = _Session(self, reader, writer, self.connections, tls=self._tls == "implicit")
        self._sessions[task] = session
        try:
            await self._note()
            await session.run()
        except (_HangUpError, ConnectionError, ssl.SSLError, asyncio.CancelledError, TimeoutError):
            pass  # either side ended it
        finally:
            del self._sessions[task]
            writer.close()
            if not session.shaking_hands:  # after a broken handshake asyncio never tells of the end
                with contextlib.suppress(Exception, asyncio.CancelledError):
                    await writer.wait_closed()
            with contextlib.suppress(asyncio.CancelledError):
                await self._note()

    async def _note(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _record(self, message: Received) -> None:
        self.messages.append(message)
        await self._note()

    async def _heard(self, line: str, *, early: bool) -> None:
        self.commands.append(line)
        self.early += early
        await self._note()

    def _fault(self, stage: str, recipients: Sequence[str]) -> _Fault | None:
        for fault in self._faults:
            if fault.serves(stage, recipients):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None


class _Session:
    """One connection's side of the dialog."""

    def __init__(
        self,
        house: RecordingSmarthost,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        number: int,
        *,
        tls: bool,
    ) -> None:
        self._house, self._reader, self._writer = house, reader, writer
        self._number, self._tls = number, tls
        self._buffer = bytearray()
        self._user: str | None = None
        self.shaking_hands = False
        self._new_transaction()

    def _new_transaction(self) -> None:
        self._sender: str | None = None
        self._parameters: tuple[str, ...] = ()
        self._recipients: list[str] = []

    async def run(self) -> None:
        await self._reply(Stage.GREETING, "220 smarthost.test ESMTP")
        while True:
            early = b"\r\n" in self._buffer
            line = (await self._until(b"\r\n")).decode("utf-8", "surrogateescape")
            await self._house._heard(line, early=early)
            verb, _, rest = line.partition(" ")
            await self._obey(verb.upper(), rest)

    async def _obey(self, verb: str, rest: str) -> None:
        match verb:
            case "EHLO":
                self._new_transaction()
                await self._reply(Stage.EHLO, self._ehlo())
            case "STARTTLS" if self._house._tls == "starttls" and not self._tls:
                await self._starttls()
            case "AUTH" if self._house._users is not None:
                await self._auth(rest)
            case "MAIL":
                await self._mail(rest)
            case "RCPT":
                await self._rcpt(rest)
            case "DATA":
                await self._data()
            case "RSET":
                self._new_transaction()
                await self._reply("RSET", "250 2.0.0 Forgotten")
            case "NOOP":
                await self._reply("NOOP", "250 2.0.0 Here")
            case "QUIT":
                await self._reply("QUIT", "221 2.0.0 Bye")
                raise _HangUpError
            case _:
                self.write(b"502 5.5.2 Not known\r\n")

    def _ehlo(self) -> str:
        offers = ["smarthost.test", *self._house._extensions]
        if self._house._tls == "starttls" and not self._tls:
            offers.append("STARTTLS")
        if self._house._users is not None:
            offers.append(f"AUTH {self._house._mechanisms}")
        return "\n".join([*(f"250-{offer}" for offer in offers[:-1]), f"250 {offers[-1]}"])

    async def _starttls(self) -> None:
        if not (await self._reply(Stage.STARTTLS, "220 2.0.0 Go ahead")).startswith(b"220"):
            return
        self._buffer.clear()
        assert self._house._context is not None
        self.shaking_hands = True
        await self._writer.start_tls(self._house._context)
        self.shaking_hands = False
        self._tls = True

    async def _auth(self, rest: str) -> None:
        mechanism, _, initial = rest.partition(" ")
        if mechanism.upper() == "LOGIN":
            name = await self._ask(b"334 VXNlcm5hbWU6\r\n")
            secret = await self._ask(b"334 UGFzc3dvcmQ6\r\n")
        else:
            _, name, secret = base64.b64decode(initial).decode().split("\0")
        right = (self._house._users or {}).get(name) == secret
        said = await self._reply(Stage.AUTH, "235 2.7.0 Welcome" if right else "535 5.7.8 Wrong")
        self._user = name if said.startswith(b"2") else None

    async def _ask(self, prompt: bytes) -> str:
        self.write(prompt)
        return base64.b64decode(await self._until(b"\r\n")).decode()

    async def _mail(self, rest: str) -> None:
        path, _, parameters = rest.removeprefix("FROM:").strip().rpartition(">")
        self._new_transaction()
        needs_auth = self._house._users is not None and self._user is None
        said = await self._reply(Stage.MAIL, "530 5.7.0 Log in" if needs_auth else "250 2.1.0 Sender ok")
        if said.startswith(b"2"):
            self._sender, self._parameters = path.removeprefix("<"), tuple(parameters.split())

    async def _rcpt(self, rest: str) -> None:
        recipient = rest.removeprefix("TO:").strip().rpartition(">")[0].removeprefix("<")
        usual = "503 5.5.1 MAIL first" if self._sender is None else "250 2.1.5 Recipient ok"
        said = await self._reply(Stage.RCPT, usual, recipient)
        if said.startswith(b"2"):
            self._recipients.append(recipient)

    async def _data(self) -> None:
        usual = "354 Go ahead" if self._recipients else "503 5.5.1 RCPT first"
        if not (await self._reply(Stage.DATA, usual)).startswith(b"354"):
            return
        message = Received(
            self._sender or "",
            tuple(self._recipients),
            await self._content(),
            self._parameters,
            self._tls,
            self._user,
            self._number,
        )
        fault = self._house._fault(Stage.DOT, message.recipients)
        if fault is not None and fault.deed == "hold":
            await self._misbehave(fault)
            fault = None
        words = b"250 2.0.0 Taken\r\n" if message.recipients else b"554 5.5.1 No valid recipients\r\n"
        if fault is not None and fault.deed == "say":
            words = fault.words
        if words.startswith(b"2") and (fault is None or fault.deed == "say" or fault.accepted):
            await self._house._record(message)
        self._new_transaction()
        if fault is None:
            self.write(words)
        else:
            await self._misbehave(fault)

    async def _content(self) -> bytes:
        """The message up to its terminator, which is exactly CRLF.CRLF (RFC 5321 section 4.1.1.4)."""
        self._buffer[:0] = b"\r\n"  # the line end of DATA: a message may be empty
        stuffed = await self._until(b"\r\n.\r\n")
        return (stuffed + b"\r\n").replace(b"\r\n.", b"\r\n")[2:]

    async def _until(self, mark: bytes) -> bytes:
        searched = 0
        while (end := self._buffer.find(mark, searched)) < 0:
            searched = max(0, len(self._buffer) - len(mark) + 1)
            more = await self._reader.read(262_144)
            if not more:
                raise _HangUpError
            self._buffer += more
        found = bytes(self._buffer[:end])
        del self._buffer[: end + len(mark)]
        return found

    async def _reply(self, stage: str, usual: str, *named: str) -> bytes:
        """Answer as scripted, else as usual; returns what was said."""
        fault = self._house._fault(stage, [*self._recipients, *named])
        if fault is not None:
            await self._misbehave(fault)
            if fault.deed in ("say", "garble"):
                return fault.words
        words = b"".join(line.encode() + b"\r\n" for line in usual.split("\n"))
        self.write(words)
        return words

    async def _misbehave(self, fault: _Fault) -> None:
        match fault.deed:
            case "say" | "garble":
                self.write(fault.words)
            case "hold":
                assert fault.gate is not None
                await fault.gate._pass()
            case "flood":
                much = fault.words * (65_536 // len(fault.words) + 1)
                while True:
                    self.write(much)
                    await self._writer.drain()
            case "hang":
                while await self._reader.read(65_536):
                    pass
                raise _HangUpError
            case "close" | "reset":
                self.cut(reset=fault.deed == "reset")
                raise _HangUpError

    def write(self, octets: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(octets)

    def cut(self, *, reset: bool) -> None:
        """End the connection in order (FIN), or not (RST)."""
        if reset:
            sock = self._writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._writer.transport.abort()
        else:
            self._writer.close()
