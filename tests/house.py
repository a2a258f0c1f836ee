"""A whole gateway on loopback, in front of a real recording SMTP server, with its store in real files."""

from __future__ import annotations

import asyncio
import re
import smtplib
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message as ParsedMessage
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import pytest

from gateway.app import Running, running
from gateway.config import Config, load
from gateway.intake import record
from gateway.mail.signature import new_key
from gateway.opening import keys_of
from gateway.store.database import path_of
from gateway.store.log import Filters, LogEntry
from tests.bench.sink import free_port
from tests.doubles import EXTENSIONS, Received, RecordingSmarthost
from tests.smtp.client import Client

SECRET = "correct-horse-battery-staple"
ANNA, BRAM, CHRIS, DEWI = (f"{name}@example.org" for name in ("anna", "bram", "chris", "dewi"))

CONFIG = """
[gateway]
hostname = "gateway.test.example"
public_url = "http://127.0.0.1:{http}"
state_dir = "{state_dir}"
[smtp]
listen = ["127.0.0.1:0"]
answer_within_seconds = {answer_within}
{smtp}
[http]
listen = "127.0.0.1:{http}"
{pages}
[smarthost]
host = "127.0.0.1"
port = {smarthost}
tls = "none"
timeout_seconds = {smarthost_timeout}
max_connections = {connections}
[[dkim]]
domain = "shop.example"
selector = "test"
private_key_file = "dkim.pem"
[[controller]]
id = "shop"
name = "De Winkel"
postal_address = "Markt 1, 2611 GP Delft"
contact = "privacy@shop.example"
privacy_policy_url = "https://shop.example/privacy"
privacy_policy_mentions_marketing = true
country = "NL"
{shop}
[[category]]
id = "newsletter"
controller = "shop"
title = "Nieuwsbrief"
purpose = "marketing"
product_groups = ["bread"]
[[category]]
id = "offers"
controller = "shop"
title = "Aanbiedingen"
purpose = "marketing"
[[category]]
id = "invoice"
controller = "shop"
title = "Facturen"
purpose = "service"
ground = "contract"
[[login]]
name = "tool"
controller = "shop"
categories = ["newsletter", "invoice"]
default_category = "newsletter"
from_domains = ["shop.example"]
secret_hash = "sha256:{secret_hash}"
[[login]]
name = "strict"
controller = "shop"
categories = ["newsletter"]
default_category = "newsletter"
on_withheld = "reject"
from_domains = ["shop.example"]
secret_hash = "sha256:{secret_hash}"
[[login]]
name = "trial"
controller = "shop"
categories = ["newsletter"]
default_category = "newsletter"
mode = "report"
report_until = 2027-01-01T00:00:00Z
from_domains = ["shop.example"]
secret_hash = "sha256:{secret_hash}"
[[login]]
name = "nothing"
controller = "shop"
categories = []
from_domains = ["shop.example"]
secret_hash = "sha256:{secret_hash}"
"""

NEWSLETTER = (
    b"From: De Winkel <nieuws@shop.example>\r\n"
    b"To: Lezers <nieuws@shop.example>\r\n"
    b"Subject: Vers brood\r\n"
    b"Date: Sat, 21 Nov 2026 09:00:00 +0100\r\n"
    b"Message-ID: <week47@shop.example>\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/alternative; boundary="b1"\r\n'
    b"\r\n"
    b"--b1\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"\r\n"
    b"Het brood is vers.\r\n"
    b"--b1\r\n"
    b"Content-Type: text/html; charset=utf-8\r\n"
    b"\r\n"
    b"<html><body><p>Het brood is vers.</p></body></html>\r\n"
    b"--b1--\r\n"
)


class FrozenClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def move(self, step: timedelta) -> None:
        self._now += step


@dataclass
class House:
    """The running gateway and what stands around it."""

    config: Config
    gateway: Running
    smarthost: RecordingSmarthost
    clock: FrozenClock
    _inside: AsyncExitStack
    sessions: list[smtplib.SMTP] = field(default_factory=list)
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where the public pages are."""
        return self.config.gateway.public_url

    async def record(self, *rows: dict[str, object]) -> None:
        """Put evidence on record, as an import would."""
        controller = self.config.controller[0].id
        report = await record(self.gateway.rooms, controller, rows, self.clock.now())
        assert report.rejected == 0

    async def consent(self, *addresses: str, category: str = "newsletter", day: int = 1) -> None:
        """A proven consent for each address, on a day of November 2026."""
        await self.record(
            *(
                {
                    "email": address,
                    "kind": "consent",
                    "category": category,
                    "occurred_at": f"2026-11-{day:02}T12:00:00+01:00",
                    "source": "sign-up form",
                    "wording": "Yes, send me the newsletter.",
                    "wording_version": "1",
                }
                for address in addresses
            )
        )

    def connect(self, login: str | None = "tool") -> smtplib.SMTP:
        """An SMTP client's session (blocking: call it in a thread), logged in unless told not to."""
        host, port = self.gateway.smtp[0]
        client = smtplib.SMTP(host, port, timeout=30)
        self.sessions.append(client)
        client.ehlo("tool.shop.example")
        if login:
            client.login(login, SECRET)
        return client

    async def raw(self, login: str | None = "tool") -> Client:
        """A client that says any octets at all: greeted, and logged in unless told not to."""
        host, port = self.gateway.smtp[0]
        reader, writer = await asyncio.open_connection(host, port, limit=1 << 20)
        client = await Client(reader, writer).greeted()
        self.writers.append(writer)
        if login:
            plain = b64encode(f"\0{login}\0{SECRET}".encode()).decode()
            assert (await client.say(f"AUTH PLAIN {plain}")).startswith("235")
        return client

    async def submit(
        self,
        *recipients: str,
        login: str | None = "tool",
        message: bytes = NEWSLETTER,
        category: str | None = None,
        sender: str = "bounces@shop.example",
    ) -> tuple[int, str]:
        """Submit one message with an ordinary SMTP client; the reply after DATA, or the first refusal."""
        if category is not None:
            message = b"X-Sendright-Category: " + category.encode() + b"\r\n" + message
        return await asyncio.to_thread(self._submit, recipients, login, message, sender)

    def _submit(
        self, recipients: tuple[str, ...], login: str | None, message: bytes, sender: str
    ) -> tuple[int, str]:
        client = self.connect(login)
        try:
            replies = [client.mail(sender), *(client.rcpt(recipient) for recipient in recipients)]
            taken = [reply for reply in replies[1:] if reply[0] == 250]
            reply = client.data(message) if taken and replies[0][0] == 250 else max(replies)
            return reply[0], reply[1].decode()
        finally:
            client.close() if client.sock is None else client.quit()

    async def close(self) -> None:
        """Shut the house before the test ends, as when its disk goes away."""
        await self._inside.aclose()

    def hang_up(self) -> None:
        """End what raw clients left open."""
        for writer in self.writers:
            writer.close()

    async def log(self, **filters: object) -> list[LogEntry]:
        """The log, oldest first."""
        return [entry async for entry in self.gateway.rooms.log.entries(Filters(**filters))]

    async def click(self, link: str) -> int:
        """What a mail reader does on one click (RFC 8058 section 3.2); the status of the answer."""
        async with aiohttp.ClientSession() as session:
            async with session.post(link, data={"List-Unsubscribe": "One-Click"}) as response:
                await response.read()
                return response.status


def parsed(received: Received) -> ParsedMessage:
    """A copy as an independent reader sees it."""
    return message_from_bytes(received.content)


def link_of(received: Received) -> str:
    """The URL of the List-Unsubscribe field of a copy."""
    (link,) = re.findall(r"<(http[^>]+)>", parsed(received)["List-Unsubscribe"])
    return str(link)


def written(folder: Path, smarthost: int, extra: str = "", text: str = CONFIG, **settings: object) -> Path:
    """The configuration of a house for a smarthost's port; what its text leaves open is set by name."""
    variables: dict[str, object] = {
        "http": free_port(),
        "state_dir": "state",
        "smarthost": smarthost,
        "answer_within": 20,
        "smtp": "",
        "pages": "",
        "shop": "",
        "smarthost_timeout": 10,
        "connections": 8,
        "secret_hash": sha256(SECRET.encode()).hexdigest(),
    } | settings
    if not (folder / "dkim.pem").exists():
        (folder / "dkim.pem").write_bytes(new_key("ed25519"))
    path = folder / "gateway.toml"
    path.write_text(text.format(**variables) + extra)
    return path


@pytest.fixture
def write_config(tmp_path: Path) -> Callable[..., Path]:
    """Writes the configuration of a house, in this test's folder."""
    return partial(written, tmp_path)


@cache
def _first_start() -> tuple[bytes, bytes]:
    """The keys file and the empty store of a first start; made once: it takes longer than most tests."""
    with TemporaryDirectory() as folder:
        config = load(written(Path(folder), 25), {})
        keys_of(config)
        return config.gateway.keys_file.read_bytes(), path_of(config.store.url).read_bytes()


def started_before(config: Config) -> None:
    """Leave behind what a first start does, unless there was one."""
    files = config.gateway.keys_file, path_of(config.store.url)
    if not any(file.exists() for file in files):
        config.gateway.state_dir.mkdir(mode=0o700, exist_ok=True)
        for file, content in zip(files, _first_start(), strict=True):
            file.touch(mode=0o600)
            file.write_bytes(content)


@asynccontextmanager
async def opened(
    write: Callable[..., Path],
    *,
    offers: Sequence[str] = EXTENSIONS,
    now: datetime = datetime(2026, 11, 21, 12, tzinfo=UTC),
    **settings: object,
) -> AsyncIterator[House]:
    """A house on the configuration that `write` writes for its smarthost's port, until the block ends."""
    async with RecordingSmarthost(extensions=offers) as smarthost, AsyncExitStack() as inside:
        config = load(write(smarthost.port, **settings), {})
        started_before(config)
        clock = FrozenClock(now)
        gateway = await inside.enter_async_context(running(config, clock=clock))
        house = House(config, gateway, smarthost, clock, inside)
        inside.callback(house.hang_up)
        yield house


@pytest.fixture
async def open_house(write_config: Callable[..., Path]) -> AsyncIterator[Callable[..., object]]:
    """Opens houses that differ in their settings; all are closed when the test ends."""
    async with AsyncExitStack() as stack:

        async def open_one(**settings: object) -> House:
            return await stack.enter_async_context(opened(write_config, **settings))

        yield open_one


@pytest.fixture
async def house(open_house: Callable[..., object]) -> House:
    """A house with the ordinary settings."""
    return await open_house()  # type: ignore[misc, no-any-return]
