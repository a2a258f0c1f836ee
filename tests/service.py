"""The program itself, served by several processes, in front of a recording smarthost.

Starting it takes longer than most of what is asked of it, so one serves all tests of a file; each has people
of its own, and leaves the configuration, the smarthost and the number of workers as it found them.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import smtplib
import socket
import sys
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
import pytest_asyncio

from gateway.config import load
from gateway.intake import record
from gateway.opening import rooms
from tests.bench.sink import free_port
from tests.doubles import RecordingSmarthost
from tests.house import NEWSLETTER, SECRET, written

TRIES = 200  # connections until the kernel's choice has fallen on a certain worker


@dataclass
class Service:
    """`sendright serve`, and what its log says."""

    path: Path  # of its configuration
    smarthost: RecordingSmarthost
    process: asyncio.subprocess.Process
    events: list[dict[str, Any]] = field(default_factory=list)
    clients: list[smtplib.SMTP] = field(default_factory=list)  # to be closed
    over: bool = False  # a test has ended it
    _seen: int = 0  # events before this test
    _before: tuple[str, set[int]] = ("", set())  # configuration and children when it began
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def read_log(self) -> None:
        """Take the log in, line by line, until the last process has ended."""
        assert self.process.stderr
        async for line in self.process.stderr:
            async with self._changed:
                self.events.append(json.loads(line))
                self._changed.notify_all()

    async def logged(self, event: str, count: int = 1) -> dict[str, Any]:
        """Wait until `count` lines of that event were logged in this test; the last of them."""

        def found() -> list[dict[str, Any]]:
            return [one for one in self.events[self._seen :] if one["event"] == event]

        async with self._changed, asyncio.timeout(30):
            await self._changed.wait_for(lambda: len(found()) >= count)
        return found()[count - 1]

    def signal(self, number: signal.Signals) -> None:
        """To the supervisor."""
        self.process.send_signal(number)

    async def end(self, number: signal.Signals) -> None:
        """Send a signal that the supervisor ends with, and wait until it has."""
        self.over = True
        self.signal(number)
        await ended(self.process.pid)

    @property
    def smtp_port(self) -> int:
        """Where it takes mail."""
        return self._port("smtp")

    @property
    def http_port(self) -> int:
        """Where its pages are."""
        return self._port("http")

    def _port(self, service: str) -> int:
        (serving,) = [one for one in self.events if one["event"] == "serving"]
        return int(serving[service][0].rpartition(":")[2])

    @property
    def workers(self) -> set[int]:
        """The process ids of those who take mail."""
        return self._listening(self.smtp_port)

    @property
    def pages(self) -> int:
        """The process id of the one who answers over HTTP."""
        (pid,) = self._listening(self.http_port)
        return pid

    def _listening(self, port: int) -> set[int]:
        sockets = {f"socket:[{inode}]" for inode in _inodes(port, _LISTENS)}
        return {pid for pid in self.children if not sockets.isdisjoint(_files(pid))}

    @property
    def children(self) -> set[int]:
        """The process ids of the supervisor's children, those that are being started or retire too."""
        pid = self.process.pid
        return {int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}

    def edit(self, old: str, new: str) -> None:
        """Change the configuration file."""
        text = self.path.read_text()
        assert old in text
        self.path.write_text(text.replace(old, new))

    async def reload(self) -> None:
        """Send SIGHUP, and wait until the new configuration is in force."""
        before = sum(one["event"] == "reloaded" for one in self.events[self._seen :])
        self.signal(signal.SIGHUP)
        await self.logged("reloaded", before + 1)

    def begin(self) -> None:
        """A test begins; it sees its own events and copies alone."""
        self._seen = len(self.events)
        self.smarthost.messages.clear()
        self._before = self.path.read_text(), self.children

    async def restore(self) -> None:
        """A test has ended: nobody is connected, and two workers serve by the words there were before."""
        for client in self.clients:
            client.close()
        self.clients.clear()
        self.smarthost.behave()
        if not self.over and self._before != (self.path.read_text(), self.children):
            retiring = self.children
            self.path.write_text(self._before[0])
            await self.reload()
            await ended(*retiring)

    async def consenting(self, count: int) -> list[str]:
        """So many people of whom nothing was known before, with a proven consent since yesterday."""
        people = [f"{token_hex(8)}@example.org" for _ in range(count)]
        given = {
            "kind": "consent",
            "category": "newsletter",
            "occurred_at": (datetime.now(UTC) - timedelta(days=1)).isoformat(),
            "source": "sign-up form",
            "wording": "Yes, send me the newsletter.",
            "wording_version": "1",
        }
        async with rooms(load(self.path, {})) as place:
            report = await record(
                place, "shop", [{"email": one} | given for one in people], datetime.now(UTC)
            )
        assert report.rejected == 0
        return people

    # --- clients; each call blocks: make it in a thread

    def session(self, wanted: Callable[[int], bool] = lambda _pid: True) -> tuple[smtplib.SMTP, int]:
        """An SMTP session, logged in, with a worker that is wanted, and that worker's process id."""
        for _ in range(TRIES):
            client = self.connect()
            pid = _server_of(client.sock.getsockname()[1], self.smtp_port, self.children)
            if wanted(pid):
                return client, pid
            client.quit()
        raise AssertionError("the kernel never chose such a worker")

    def connect(self) -> smtplib.SMTP:
        """An SMTP session, logged in, with any worker."""
        client = smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=30)
        self.clients.append(client)
        client.ehlo("tool.shop.example")
        client.login("tool", SECRET)
        return client

    def get(self, times: int) -> None:
        """Ask so often over one kept connection, anew where it was closed in order, whether it is healthy."""
        client = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=30)
        for _ in range(times):
            client.request("GET", "/healthz")
            answer = client.getresponse()
            assert (answer.status, answer.read()) == (200, b'{"status": "ok"}')
        client.close()

    def submit(
        self, *recipients: str, to: Callable[[int], bool] = lambda _pid: True
    ) -> tuple[tuple[int, str], int]:
        """One message in a session of its own: the reply, and the process id of the worker that gave it."""
        client, pid = self.session(to)
        try:
            return send(client, *recipients), pid
        finally:
            client.quit()

    def fetch(self, method: str, url: str) -> str:
        """The body of an HTTP answer with status 200."""
        client = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=30)
        client.request(method, re.sub(r"^http://[^/]*", "", url), body="" if method == "POST" else None)
        answer = client.getresponse()
        body = answer.read().decode()
        client.close()
        assert answer.status == 200, body
        return body

    def figures(self) -> dict[str, float]:
        """What /metrics shows, by the names of the samples."""
        shown = self.fetch("GET", "/metrics")
        samples = (line.rsplit(" ", 1) for line in shown.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in samples}

    async def shows(self, wanted: Callable[[dict[str, float]], bool]) -> dict[str, float]:
        """Look at the figures until they are as wanted."""
        async with asyncio.timeout(30):
            while not wanted(figures := await asyncio.to_thread(self.figures)):
                pass  # each look is a question over HTTP
        return figures


def send(client: smtplib.SMTP, *recipients: str) -> tuple[int, str]:
    """One newsletter in a session; the reply to its last dot."""
    client.mail("bounces@shop.example")
    for recipient in recipients:
        client.rcpt(recipient)
    code, text = client.data(NEWSLETTER)
    return code, text.decode()


_ESTABLISHED, _LISTENS = "01", "0A"  # tcp_states.h


def _server_of(client_port: int, port: int, pids: set[int]) -> int:
    """Which process serves a connection: the one that has its socket among its open files."""
    (inode,) = _inodes(port, _ESTABLISHED, client_port)
    return next(pid for pid in pids if f"socket:[{inode}]" in _files(pid))


def _inodes(port: int, state: str, client_port: int = 0) -> list[str]:
    """The sockets of that state at a port of this machine."""
    return [
        words[9]
        for words in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
        if words[1].endswith(f":{port:04X}")
        and words[2].endswith(f":{client_port:04X}")
        and words[3] == state
    ]


def _files(pid: int) -> set[str]:
    found = set()
    with suppress(FileNotFoundError):  # it has ended
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # it was closed
                found.add(str(file.readlink()))
    return found


def cut_off(client: smtplib.SMTP) -> None:
    """End a session that another thread waits in for an answer: it hears none."""
    assert client.sock
    client.sock.shutdown(socket.SHUT_RDWR)


async def ended(*pids: int) -> None:
    """Wait until processes, of whichever parent, have ended."""
    for pid in pids:
        await _ended(pid)


async def _ended(pid: int) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(handle, over.set)
    try:
        async with asyncio.timeout(30):
            await over.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


@asynccontextmanager
async def serving(path: Path, smarthost: RecordingSmarthost) -> AsyncIterator[Service]:
    """The program on a configuration, until the block ends; whatever it left running is ended then."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "serve", "--config", str(path), stderr=asyncio.subprocess.PIPE
    )
    service = Service(path, smarthost, process)
    reading = asyncio.create_task(service.read_log())
    try:
        await service.logged("serving")
        yield service
    finally:
        await _stop(process, reading, service.workers if process.returncode is None else ())


async def _stop(
    process: asyncio.subprocess.Process, reading: asyncio.Task[None], pids: Collection[int]
) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(30):
            await process.wait()
            await reading
    except TimeoutError:
        for pid in (process.pid, *pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        raise


class Landlord:
    """Sees to it that the program runs, on one configuration."""

    def __init__(self, path: Path, smarthost: RecordingSmarthost, stack: AsyncExitStack) -> None:
        self.path = path
        self._smarthost = smarthost
        self._stack = stack
        self._service: Service | None = None

    async def service(self) -> Service:
        """The program; started where it does not run."""
        if self._service is None or self._service.over:
            self._service = await self._stack.enter_async_context(serving(self.path, self._smarthost))
        return self._service


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def landlord(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Landlord]:
    """For all tests of a file; what ran ends with the last."""
    async with AsyncExitStack() as stack:
        smarthost = await stack.enter_async_context(RecordingSmarthost())
        path = written(
            tmp_path_factory.mktemp("service"),
            smarthost.port,
            smarthost_timeout=120,  # a gate is held on busy machines too
            answer_within=120,
            connections=4,  # one for each worker: people of one message are served in turn
        )
        text = path.read_text().replace("[gateway]", "[gateway]\nworkers = 2", 1)
        path.write_text(text.replace('"127.0.0.1:0"', f'"127.0.0.1:{free_port()}"', 1))
        yield Landlord(path, smarthost, stack)


@pytest_asyncio.fixture(loop_scope="module")
async def service(landlord: Landlord) -> AsyncIterator[Service]:
    """The program, served by two workers."""
    service = await landlord.service()
    service.begin()
    yield service
    await service.restore()
