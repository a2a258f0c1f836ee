"""What AUTH costs: smtp-source knows none, so a small client of ours sends, with a login and without."""

from __future__ import annotations

import asyncio
import statistics
import time
from base64 import b64encode

import uvloop

from tests.bench.configuration import SECRET
from tests.bench.contender import Contender
from tests.bench.figures import Part, Sheet, spread
from tests.bench.load import SENDER, Run, newsletter
from tests.bench.people import name_of
from tests.bench.sink import Sink
from tests.bench.stage import ROUNDS, Stage

SESSIONS = 40
EACH = 10  # sessions one after another, each of one message
AUTH = f"AUTH PLAIN {b64encode(f'{chr(0)}bench{chr(0)}{SECRET}'.encode()).decode()}"


def measure(stage: Stage) -> Part:
    """One message a session, so that each message has a login of its own."""
    ours, _ = stage.gateway
    runs: dict[str, list[Run]] = {"by network": [], "by AUTH PLAIN": []}
    for number in range(ROUNDS):
        for place, each in enumerate(runs.values()):
            octets = newsletter(10_000, 10**6 + 2 * number + place)
            each.append(_run(ours, stage.sink, octets, AUTH if place else ""))
    rows = [
        (name, spread([run.rate for run in each]), f"{statistics.median(run.cpu_ms for run in each):.2f}")
        for name, each in runs.items()
    ]
    title = f"10 kB, {SESSIONS} sessions at once, a new one for each message, a client of ours"
    return Part([Sheet(title, ("login", "copies/s", "CPU ms a copy"), rows)])


def _run(contender: Contender, sink: Sink, octets: bytes, auth: str) -> Run:
    """All messages, until the sink has them."""
    copies = SESSIONS * EACH
    before, spent, started = sink.copies, contender.cpu_seconds, time.monotonic()
    uvloop.run(_all(contender.port, octets, auth))
    sink.await_copies(before + copies)
    took = time.monotonic() - started
    return Run(copies / took, (contender.cpu_seconds - spent) / copies * 1000)


async def _all(port: int, octets: bytes, auth: str) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(SESSIONS):
            group.create_task(_one_after_another(port, octets, auth, number * EACH))


async def _one_after_another(port: int, octets: bytes, auth: str, first: int) -> None:
    for number in range(first, first + EACH):
        await _session(port, octets, auth, name_of(number))


async def _session(port: int, octets: bytes, auth: str, recipient: str) -> None:
    """One session with one message. Raises RuntimeError when it is not taken."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    commands = ["EHLO bench.example", auth, f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{recipient}>", "DATA"]
    await _answer(reader)
    for command in filter(None, commands):
        writer.write(command.encode() + b"\r\n")
        await _answer(reader)
    writer.write(octets + b".\r\n")
    await _answer(reader)
    writer.write(b"QUIT\r\n")
    await _answer(reader)
    writer.close()


async def _answer(reader: asyncio.StreamReader) -> None:
    while True:
        line = await reader.readline()
        if line[:1] not in (b"2", b"3"):
            raise RuntimeError(f"not taken: {line!r}")
        if line[3:4] != b"-":
            return
