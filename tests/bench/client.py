"""What smtp-source cannot do, by a small client of ours: log in, and send each reader a body of their own."""

from __future__ import annotations

import asyncio
import statistics
import time
from base64 import b64encode
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Manner:
    """How the client sends: with a login or by its network, and to each reader the same body or another."""

    auth: str = ""
    own_bodies: bool = False

    def body(self, octets: bytes, number: int) -> bytes:
        """The message for one reader; where bodies differ, links say whose they are, as trackers do."""
        return octets.replace(b"nieuws", b"%06d" % number) if self.own_bodies else octets


MANNERS = {
    "by network": Manner(),
    "by AUTH PLAIN": Manner(auth=AUTH),
    "by network, no two bodies alike": Manner(own_bodies=True),
}


def measure(stage: Stage) -> Part:
    """One message a session, so that each message has a login of its own."""
    ours, _ = stage.gateway
    runs: dict[str, list[Run]] = {name: [] for name in MANNERS}
    for number in range(ROUNDS):
        for place, (name, manner) in enumerate(MANNERS.items()):
            octets = newsletter(10_000, 10**6 + len(MANNERS) * number + place)
            runs[name].append(_run(ours, stage.sink, octets, manner))
    rows = [
        (name, spread([run.rate for run in each]), f"{statistics.median(run.cpu_ms for run in each):.2f}")
        for name, each in runs.items()
    ]
    title = f"10 kB, {SESSIONS} sessions at once, a new one for each message, a client of ours"
    return Part([Sheet(title, ("manner", "copies/s", "CPU ms a copy"), rows)])


def _run(contender: Contender, sink: Sink, octets: bytes, manner: Manner) -> Run:
    """All messages, until the sink has them."""
    copies = SESSIONS * EACH
    before, spent, started = sink.copies, contender.cpu_seconds, time.monotonic()
    uvloop.run(_all(contender.port, octets, manner))
    sink.await_copies(before + copies)
    took = time.monotonic() - started
    return Run(copies / took, (contender.cpu_seconds - spent) / copies * 1000)


async def _all(port: int, octets: bytes, manner: Manner) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(SESSIONS):
            group.create_task(_one_after_another(port, octets, manner, number * EACH))


async def _one_after_another(port: int, octets: bytes, manner: Manner, first: int) -> None:
    for number in range(first, first + EACH):
        await _session(port, manner.body(octets, number), manner.auth, name_of(number))


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
