"""The demonstration: the main job on real mail, with an ordinary SMTP client and a catch-all mail server.

Every step is checked; the exit status is 0 only if each came out as it should.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import signal
import smtplib
import socket
import sys
import tempfile
from email import message_from_bytes
from hashlib import sha256
from pathlib import Path

import aiohttp
import dkim
import structlog
from rich.console import Console
from rich.table import Table

from gateway.app import Running, running
from gateway.config import Config, load
from gateway.demo.catch_all import Inbox, listening
from gateway.demo.story import CAST, SENDER, SENT, message, text_of
from gateway.intake import import_file
from gateway.mail.signature import load_key, new_key, record
from gateway.operators import COMMAND_LINE
from gateway.passwords import Passwords, fresh
from gateway.store.log import Filters, LogEntry

OPERATOR = "demo"


def main(*, once: bool) -> int:
    """Run it; with `once` end by itself, else stay up until Ctrl-C. The exit status."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))  # errors alone
    with tempfile.TemporaryDirectory(prefix="sendright-demo-") as folder:
        return asyncio.run(_Demo(Path(folder)).play(once=once))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _program() -> str:
    """How this program was called, so that it can be called again."""
    called = sys.argv[0]
    return f"{sys.executable} -m gateway" if called.endswith("__main__.py") else called


class _Demo:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.console = Console(width=None if Console().is_terminal else 140)
        self.secret = secrets.token_urlsafe(24)
        self.password = fresh()  # of the operator
        self.failures = 0

    async def play(self, *, once: bool) -> int:
        self.inbox = Inbox(self.folder / "inbox")
        smarthost = await listening(self.inbox)
        config = self._configured(smarthost.sockets[0].getsockname()[1])
        async with running(config) as gateway:
            await self._tell(config, gateway)
            if not once:
                await self._stay(config, gateway)
        smarthost.close()
        await smarthost.wait_closed()
        self.console.print()
        self._check(self.failures == 0, "every step came out as it should")
        return 1 if self.failures else 0

    def _configured(self, smarthost: int) -> Config:
        (self.folder / "demo.pem").write_bytes(new_key("rsa"))
        values = {
            "http": _free_port(),
            "smtp": _free_port(),
            "smarthost": smarthost,
            "secret_hash": sha256(self.secret.encode()).hexdigest(),
        }
        path = self.folder / "gateway.toml"
        text = text_of("gateway.toml")
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(value))
        path.write_text(text)
        return load(path, {})

    async def _tell(self, config: Config, gateway: Running) -> None:
        await self._record_evidence(gateway)
        await self._send_newsletter(gateway)
        await self._send_invoice(gateway)
        await self._show_copy(config)
        await self._unsubscribe(gateway)
        await self._sign_in(config, gateway)
        await self._visit(config)

    async def _record_evidence(self, gateway: Running) -> None:
        self._step("1", "Evidence is recorded for eight people")
        path = self.folder / "people.jsonl"
        path.write_text(text_of("people.jsonl"))
        report = await import_file(gateway.rooms, "bakery", path)
        self._check(
            report.rejected == 0, f"{report.imported} rows on record, {report.unproven} without proof"
        )

    async def _send_newsletter(self, gateway: Running) -> None:
        self._step("2", "A newsletter is submitted once, for nine people")
        reply = await self._submit(gateway, message("newsletter.eml"))
        self.console.print(f"   the gateway answers: [bold]{reply}[/bold]")
        entries = await self._log(gateway, category="newsletter")
        table = Table("person", "who", "decision", "why", "article", "fate")
        for cast in CAST:
            entry = entries[cast.address]
            why = entry.ground or entry.reason or ""
            table.add_row(
                cast.address, cast.who, entry.decision, why, self._article(gateway, why), entry.fate or "-"
            )
            expected = ("send", "relayed") if cast.why in SENT else ("withhold", None)
            self._expect((why, entry.decision, entry.fate) == (cast.why, *expected), cast.address)
            self._expect(len(self.inbox.of(cast.address)) == (cast.why in SENT), f"inbox of {cast.address}")
        self.console.print(table)

    async def _send_invoice(self, gateway: Running) -> None:
        self._step(
            "3",
            "An invoice is submitted for the same nine: it needs no consent, and objections do not stop it",
        )
        reply = await self._submit(gateway, message("invoice.eml"))
        self.console.print(f"   the gateway answers: [bold]{reply}[/bold]")
        entries = await self._log(gateway, category="invoice")
        why = {entry.ground or "" for entry in entries.values()}
        self._check(why == {"contract"}, f"ground: {', '.join(why)}: {self._article(gateway, 'contract')}")
        untouched = message("invoice.eml").partition(b"\r\n\r\n")[2]
        self._check(
            all(self.inbox.of(cast.address)[-1].endswith(untouched) for cast in CAST),
            "all nine got it, its body byte for byte",
        )

    async def _show_copy(self, config: Config) -> None:
        self._step("4", "What was added to Anna's copy of the newsletter")
        copy = self.inbox.of("anna@example.org")[0]
        before = message("newsletter.eml").decode().splitlines()
        for line in copy.decode().splitlines():
            if line not in before:
                self.console.print(
                    f"   [green]+[/green] {line}",
                    markup=True,
                    highlight=False,
                    overflow="ellipsis",
                    no_wrap=True,
                )
        kept = [line for line in before if line in copy.decode().splitlines()]
        self._check(len(kept) == len(before), "every line of the sender's is still there")
        (key,) = config.dkim
        _, value = record(key.domain, key.selector, load_key(key.private_key_file.read_bytes()))
        verified = dkim.verify(copy, dnsfunc=lambda *_, **__: "".join(value).encode())
        self._check(verified, "its DKIM signature verifies")

    async def _unsubscribe(self, gateway: Running) -> None:
        self._step("5", "Anna clicks unsubscribe in her mail reader, and the newsletter is sent again")
        link = self._link(self.inbox.of("anna@example.org")[0])
        async with (
            aiohttp.ClientSession() as session,
            session.post(link, data={"List-Unsubscribe": "One-Click"}) as answer,
        ):
            self._check(answer.status == 200, f"the page answers {answer.status}: recorded")
        got = len(self.inbox.of("anna@example.org"))
        again = message("newsletter.eml").replace(b"nieuwsbrief-2026-47", b"nieuwsbrief-2026-48")
        reply = await self._submit(gateway, again)
        self.console.print(f"   the gateway answers: [bold]{reply}[/bold]")
        entry = (await self._log(gateway, category="newsletter"))["anna@example.org"]
        why = entry.reason or ""
        self._check(
            (entry.decision, why, len(self.inbox.of("anna@example.org")))
            == ("withhold", "objected-category", got),
            f"anna@example.org: {entry.decision}, {why}: {self._article(gateway, why)}",
        )

    async def _sign_in(self, config: Config, gateway: Running) -> None:
        self._step("6", "An operator signs in to the admin pages, and sees what was withheld")
        rooms, hashed = gateway.rooms, await Passwords().hash(self.password)
        await rooms.accounts.add(OPERATOR, "administrator", hashed, rooms.clock.now(), COMMAND_LINE)
        form = {"name": OPERATOR, "password": self.password, "then": "/admin/withheld"}
        jar = aiohttp.CookieJar(unsafe=True)  # also from an address, as this is
        async with (
            aiohttp.ClientSession(cookie_jar=jar, headers={"Sec-Fetch-Site": "same-origin"}) as session,
            session.post(f"{config.gateway.public_url}/admin/sign-in", data=form) as answer,
        ):
            seen = answer.status == 200 and "anna@example.org" in await answer.text()
            self._check(seen, f"{answer.url.path} answers {answer.status}, and shows Anna's")

    async def _visit(self, config: Config) -> None:
        self._step("7", "Whoever visits can sign up, object without a mail at hand, and choose what to get")
        async with aiohttp.ClientSession() as session:
            for what, url in self._pages(config).items():
                async with session.get(url) as answer:
                    self._check(answer.status == 200, f"{what} answers {answer.status}")

    def _pages(self, config: Config) -> dict[str, str]:
        """The public pages, by what they are."""
        link = self._link(self.inbox.of("bram@example.org")[0])
        return {
            "the sign-up page": f"{config.gateway.public_url}/subscribe/workshops",
            "the objection form": f"{config.gateway.public_url}/objection",
            "the unsubscribe page": link,
            "the preferences page": link.replace("/u/", "/p/"),
        }

    async def _stay(self, config: Config, gateway: Running) -> None:
        self.console.print(
            f"\nStill up: SMTP on {gateway.smtp[0][1]} (login mailtool, password {self.secret})"
        )
        self.console.print(
            f"  the admin pages      {config.gateway.public_url}/admin"
            f" (name {OPERATOR}, password {self.password})"
        )
        for what, url in self._pages(config).items():
            self.console.print(f"  {what:<20} {url}")
        self.console.print(f"  figures and health   {config.gateway.public_url}/metrics  /readyz")
        self.console.print(f"  captured mail        {self.inbox.folder}")
        self.console.print(f"  the log              {_program()} log --config {self.folder / 'gateway.toml'}")
        self.console.print("Ctrl-C ends it and removes its files.")
        stop = asyncio.Event()
        for name in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(name, stop.set)
        await stop.wait()

    async def _submit(self, gateway: Running, content: bytes) -> str:
        return await asyncio.to_thread(self._submitted, gateway, content)

    def _submitted(self, gateway: Running, content: bytes) -> str:
        host, port = gateway.smtp[0]
        with smtplib.SMTP(host, port, timeout=60) as client:
            client.ehlo("mailtool.bakkerij-dejong.example")
            client.login("mailtool", self.secret)
            client.mail(SENDER)
            for cast in CAST:
                client.rcpt(cast.address)
            code, text = client.data(content)
        return f"{code} {text.decode()}"

    async def _log(self, gateway: Running, *, category: str) -> dict[str, LogEntry]:
        """The newest entry of each person."""
        filters = Filters(category=category)
        return {entry.address: entry async for entry in gateway.rooms.log.entries(filters) if entry.address}

    def _article(self, gateway: Running, why: str) -> str:
        (controller,) = gateway.rooms.config.controllers.values()
        return controller.pack.articles[why]

    def _link(self, copy: bytes) -> str:
        (link,) = re.findall(r"<(http[^>]+)>", str(message_from_bytes(copy)["List-Unsubscribe"]))
        return str(link)

    def _step(self, number: str, title: str) -> None:
        self.console.print(f"\n[bold]{number}. {title}[/bold]")

    def _check(self, right: bool, text: str) -> None:
        self._expect(right, text)
        self.console.print(
            f"   [{'green' if right else 'red'}]{'ok' if right else 'WRONG'}[/] {text}", highlight=False
        )

    def _expect(self, right: bool, what: str) -> None:
        if not right:
            self.failures += 1
            self.console.print(f"   [red]not as it should be:[/red] {what}")
