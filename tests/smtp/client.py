"""The real SMTP server on loopback, with a story behind it that records, and a client that says anything."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from gateway.address import Mailbox
from gateway.envelope import Cause, Envelope, Outcome
from gateway.metrics import Metrics
from gateway.smtp.auth import Logins
from gateway.smtp.reception import SessionSettings
from gateway.smtp.server import SubmissionServer

SECRET = "correct-horse"
LAN = "127.0.0.2"  # clients from there are the login `lan`
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ENVELOPE = b"MAIL FROM:<news@shop.example>\r\nRCPT TO:<kim@example.org>\r\nDATA\r\n"


@dataclass(frozen=True)
class Login:
    """A [[login]], as far as the server looks at it."""

    name: str
    categories: tuple[str, ...] = ("newsletter", "invoice")
    on_withheld: str = "drop"
    envelope_domains: frozenset[str] = frozenset({"shop.example"})
    secret_hash: str | None = f"sha256:{sha256(SECRET.encode()).hexdigest()}"
    networks: tuple[IPv4Network | IPv6Network, ...] = ()


LOGINS = (
    Login("tool"),
    Login("strict", categories=("newsletter",), on_withheld="reject"),
    Login("lan", secret_hash=None, networks=(ip_network(f"{LAN}/32"),)),
)


class Clock:
    """Stands still."""

    def now(self) -> datetime:
        return NOW


@dataclass
class Recording:
    """Takes whatever is submitted; the test says what comes of it, and hears who heard."""

    envelopes: list[Envelope] = field(default_factory=list)
    closed: list[bool] = field(default_factory=list)  # for each outcome: was it heard?
    refs: list[str] = field(default_factory=list)
    answer: Callable[[Envelope], Outcome] = lambda envelope: Outcome(envelope.ref, Cause.DONE, relayed=1)
    held: asyncio.Event | None = None  # answers wait for it
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event | None = None  # of the latest submission
    withhold: Callable[[Mailbox], bool] = lambda _: False
    asked: list[tuple[str, str]] = field(default_factory=list)  # login and mailbox, at RCPT

    def new_submission(self) -> tuple[int, str]:
        number = len(self.refs) + 1
        self.refs.append(f"ref{number}")
        return number, self.refs[-1]

    async def submit(self, envelope: Envelope, gone: asyncio.Event) -> Outcome:
        self.envelopes.append(envelope)
        self.gone = gone
        self.begun.set()
        if self.held:
            await self.held.wait()
        return replace(self.answer(envelope), closed=self._close)

    async def withheld_at_rcpt(self, login: str, mailbox: Mailbox, submission: int) -> bool:
        self.asked.append((login, mailbox.wire))
        return self.withhold(mailbox)

    def _close(self, heard: bool) -> None:
        self.closed.append(heard)
        self.settled.set()


@dataclass
class Client:
    """One connection; every wait is bounded, so that a silent server fails the test."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, octets: bytes) -> None:
        """Send exactly this."""
        self.writer.write(octets)

    async def line(self) -> str:
        """The next line of the server, without CRLF; empty when it closed."""
        async with asyncio.timeout(10):
            octets = await self.reader.readline()
        assert not octets or octets.endswith(b"\r\n")
        return octets[:-2].decode("ascii")

    async def reply(self) -> str:
        """The next whole reply, its lines joined by a newline."""
        lines = [await self.line()]
        while lines[-1][3:4] == "-":
            lines.append(await self.line())
        return "\n".join(lines)

    async def say(self, command: str | bytes) -> str:
        """Send a command and hear the reply."""
        self.send((command.encode() if isinstance(command, str) else command) + b"\r\n")
        return await self.reply()

    async def rest(self) -> str:
        """All that the server still says before it closes; a reset counts as closing."""
        try:
            async with asyncio.timeout(10):
                return (await self.reader.read()).decode("ascii")
        except ConnectionError:
            return ""

    async def greeted(self) -> Client:
        """Past the greeting and EHLO."""
        await self.reply()
        await self.say("EHLO client.example")
        return self

    async def at_data(self) -> Client:
        """Past 354."""
        await self.greeted()
        self.send(ENVELOPE)
        assert [(await self.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
        return self

    def reset(self) -> None:
        """Break the connection (TCP RST)."""
        raw: socket.socket = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def hang_up(self) -> None:
        """Close in order."""
        self.writer.close()

    async def start_tls(self, context: ssl.SSLContext) -> None:
        """Shake hands on this connection."""
        await self.writer.start_tls(context, server_hostname="127.0.0.1")


@dataclass
class Served:
    """A server under test, and the story behind it."""

    server: SubmissionServer
    submissions: Recording
    address: tuple[str, int]
    _stack: AsyncExitStack

    async def connect(self, source: str = LAN, tls: ssl.SSLContext | None = None) -> Client:
        """A new connection, by default from where no AUTH is needed."""
        host, port = self.address
        reader, writer = await asyncio.open_connection(
            host, port, local_addr=(source, 0), ssl=tls, limit=1 << 20
        )
        self._stack.callback(writer.close)
        return Client(reader, writer)


SETTINGS = SessionSettings(
    hostname="gateway.test",
    max_message_bytes=100_000,
    max_recipients=100,
    timeout_seconds=10,
    max_connections=50,
    max_bytes_in_flight=1_000_000,
)


@asynccontextmanager
async def serving(*, implicit_tls: bool = False, **settings: Any) -> AsyncIterator[Served]:
    """The real server on a free port; keyword arguments change its settings."""
    submissions = Recording()
    server = SubmissionServer(replace(SETTINGS, **settings), submissions, Logins(LOGINS), Clock(), Metrics())
    own = socket.create_server(("127.0.0.1", 0))
    address = own.getsockname()
    await server.listen(own, implicit_tls=implicit_tls)
    async with AsyncExitStack() as stack:
        try:
            yield Served(server, submissions, address, stack)
        finally:
            await stack.aclose()
            async with asyncio.timeout(10):
                await server.drain()
