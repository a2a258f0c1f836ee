"""Promise: killed at any moment, the gateway comes back with its records, and nobody is mailed twice for it.

The real program in a process of its own, before a smarthost that answers when it is told to.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import smtplib
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.config import load
from gateway.envelope import Stage
from gateway.intake import record
from gateway.opening import rooms
from tests.doubles import RecordingSmarthost
from tests.house import ANNA, BRAM, NEWSLETTER, SECRET

Process = asyncio.subprocess.Process
PROGRAM = (sys.executable, "-m", "gateway")


@dataclass
class Serving:
    """`sendright serve` as often as it is started, on one state directory."""

    config: Path
    smarthost: RecordingSmarthost
    process: Process = field(init=False)
    place: tuple[str, int] = field(init=False)

    @property
    def environment(self) -> dict[str, str]:
        """Where the program finds its configuration."""
        return os.environ | {"SENDRIGHT_CONFIG": str(self.config)}

    async def start(self) -> None:
        """Start it, and wait until it serves."""
        self.process = await asyncio.create_subprocess_exec(
            *PROGRAM,
            "serve",
            env=self.environment,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # a group of its own, to be killed whole
        )
        host, port = (await self.event("serving"))["smtp"][0].rsplit(":", 1)
        self.place = host, int(port)

    async def event(self, name: str) -> dict[str, list[str]]:
        """The next line of its log that tells of this event."""
        assert self.process.stderr is not None
        async with asyncio.timeout(30):
            while line := await self.process.stderr.readline():
                told: dict[str, list[str]] = json.loads(line)
                if told["event"] == name:
                    return told
        raise AssertionError(f"it ended without {name}")

    async def end(self, number: signal.Signals) -> int:
        """Send all its processes a signal and wait for their end; the exit status."""
        if self.process.returncode is None:
            os.killpg(self.process.pid, number)
        async with asyncio.timeout(30):
            await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode

    async def log(self) -> list[tuple[str, str]]:
        """Address and fate of every decision, as `sendright log --json` tells them."""
        program = await asyncio.create_subprocess_exec(
            *PROGRAM, "log", "--json", env=self.environment, stdout=asyncio.subprocess.PIPE
        )
        lines, _ = await program.communicate()
        assert program.returncode == 0
        return [(told["address"], told["fate"]) for told in map(json.loads, lines.splitlines())]

    def client(self) -> smtplib.SMTP:
        """A client that is logged in (blocking)."""
        client = smtplib.SMTP(*self.place, timeout=30)
        client.login("tool", SECRET)
        return client

    def send(self, client: smtplib.SMTP, *recipients: str) -> tuple[int, str]:
        """Send the newsletter; the reply to its final dot (blocking)."""
        client.mail("bounces@shop.example")
        for recipient in recipients:
            client.rcpt(recipient)
        code, text = client.data(NEWSLETTER)
        return code, text.decode()

    async def submit(self, *recipients: str) -> tuple[int, str]:
        """What an ordinary client hears, from login to QUIT."""

        def whole() -> tuple[int, str]:
            with self.client() as client:
                return self.send(client, *recipients)

        return await asyncio.to_thread(whole)


@pytest.fixture
async def serving(write_config: Callable[..., Path]) -> AsyncIterator[Serving]:
    """The program serving, with a consent of Anna and Bram on record."""
    async with AsyncExitStack() as stack:
        smarthost = await stack.enter_async_context(RecordingSmarthost())
        config = write_config(smarthost.port)
        consent = {"kind": "consent", "category": "newsletter", "occurred_at": "2026-02-01T12:00:00+01:00"}
        proof = {"source": "form", "wording": "Yes, mail me.", "wording_version": "1"}
        async with rooms(load(config, {})) as opened:
            rows = [{"email": who} | consent | proof for who in (ANNA, BRAM)]
            assert (await record(opened, "shop", rows, datetime.now(UTC))).rejected == 0
        one = Serving(config, smarthost)
        await one.start()
        yield one
        await one.end(signal.SIGKILL)


async def test_killed_while_a_copy_waits_for_its_answer(serving: Serving) -> None:
    """The decision is on record, its fate unknown; the store opens again, the retry is accepted (B6)."""
    gate = serving.smarthost.hold(Stage.DOT, times=1)
    client = await asyncio.to_thread(serving.client)
    submitting = asyncio.create_task(asyncio.to_thread(_cut_off, serving, client, ANNA))
    await gate.reached()

    await serving.end(signal.SIGKILL)
    await submitting
    after_the_crash = await serving.log()
    await serving.start()
    code, text = await serving.submit(ANNA)

    assert after_the_crash == [(ANNA, "unknown")]
    assert (code, text.split()[2]) == (250, "relayed=1")
    assert serving.smarthost.delivered == [ANNA]
    assert await serving.log() == [(ANNA, "unknown"), (ANNA, "relayed")]


def _cut_off(serving: Serving, client: smtplib.SMTP, *recipients: str) -> None:
    """Submit, and see the connection break before any answer."""
    with pytest.raises((smtplib.SMTPServerDisconnected, ConnectionError)):
        serving.send(client, *recipients)
    client.close()


async def test_killed_after_the_fate_was_committed(serving: Serving) -> None:
    """Killed before it knew that its 250 was heard: the retry is told the same and mails nobody (B6)."""
    client = await asyncio.to_thread(serving.client)
    before = await asyncio.to_thread(serving.send, client, ANNA, BRAM)

    await serving.end(signal.SIGKILL)
    client.close()
    await serving.start()
    again = await serving.submit(ANNA, BRAM)

    assert (before[0], again[0]) == (250, 250)
    assert before[1].split()[2:] == again[1].split()[2:] == ["relayed=2", "withheld=0", "refused=0"]
    assert sorted(serving.smarthost.delivered) == [ANNA, BRAM]
    assert sorted(await serving.log()) == [(ANNA, "relayed"), (BRAM, "relayed")]


async def test_killed_between_two_copies(serving: Serving) -> None:
    """One copy was answered, the other's answer is open: the retry repeats the other alone (B6)."""
    gate = serving.smarthost.hold(Stage.DOT, recipient=BRAM, times=1)
    client = await asyncio.to_thread(serving.client)
    sending = asyncio.create_task(asyncio.to_thread(_cut_off, serving, client, ANNA, BRAM))
    await gate.reached()
    async with asyncio.timeout(30):
        while (ANNA, "relayed") not in await serving.log():
            pass  # each look is a run of the program

    await serving.end(signal.SIGKILL)
    await sending
    await serving.start()
    code, text = await serving.submit(ANNA, BRAM)

    assert (code, text.split()[2]) == (250, "relayed=2")
    assert sorted(serving.smarthost.delivered) == [ANNA, BRAM]


async def test_told_to_end_it_finishes_the_open_transaction(serving: Serving) -> None:
    """SIGTERM while a copy waits: its client hears 250, others 421 or nothing, the exit status is 0 (B7)."""
    gate = serving.smarthost.hold(Stage.DOT, times=1)
    client, idle = [await asyncio.to_thread(serving.client) for _ in range(2)]
    submitting = asyncio.create_task(asyncio.to_thread(serving.send, client, ANNA))
    await gate.reached()

    serving.process.terminate()
    await serving.event("draining")
    sent_away, _ = await asyncio.to_thread(idle.getreply)
    idle.close()
    with pytest.raises((ConnectionError, smtplib.SMTPException)):
        await asyncio.to_thread(smtplib.SMTP, *serving.place, timeout=30)
    gate.release()
    code, text = await submitting
    client.close()
    status = await serving.end(signal.SIGTERM)

    assert (sent_away, code, text.split()[2], status) == (421, 250, "relayed=1", 0)
    assert serving.smarthost.delivered == [ANNA]
    assert await serving.log() == [(ANNA, "relayed")]
