"""How soon an objection binds: somebody clicks, and once the click is answered mail for them is submitted.

All the while other mail pours in. Each submission is a session of its own, with whichever worker takes it.
A miss is a message that was not withheld; there may be none (I3).
"""

from __future__ import annotations

import os
import smtplib
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.bench import people
from tests.bench.figures import Aim, Part, Sheet
from tests.bench.load import BLOCK, SENDER, Load, newsletter
from tests.bench.objections import click, said, seconds_of
from tests.bench.stage import PEOPLE, Stage

RUNS = int(os.environ.get("BENCH_EFFECT", "1000"))
CONTROLS = 20  # people who are mailed before they click, to see that they would be
SIZE = 2_000  # octets


def measure(stage: Stage) -> Part:
    """Click and submit, run after run, under load."""
    ours, port = stage.gateway
    load = Load(min(stage.enough(ours, Load(1)) * 3, BLOCK))
    misses, clicks, submissions = 0, [], []
    with _pouring(stage, load) as pour:
        for run, number in enumerate(range(PEOPLE - RUNS, PEOPLE)):
            pour()
            if run < CONTROLS and "relayed=1" not in _submitted(ours.port, number, run):
                raise RuntimeError("a message that should go was withheld")
            clicks.append(seconds_of(port, click(number)))
            started = time.perf_counter()
            misses += "withheld=1" not in _submitted(ours.port, number, RUNS + run)
            submissions.append(time.perf_counter() - started)
    rows = [
        ("POST, to its 200", *said(clicks)),
        ("from that 200 to the next message withheld", *said(submissions)),
    ]
    columns = ("", "runs", "median", "99th percentile", "most")
    sheet = Sheet("Time to effect of an objection under full SMTP load, milliseconds", columns, rows)
    aim = Aim(f"messages not withheld after a click, of {RUNS:,}", misses, 0, at_least=False)
    return Part([sheet], [aim])


@contextmanager
def _pouring(stage: Stage, load: Load) -> Iterator[object]:
    """Load after load beside what is measured; the function it gives begins the next where one has ended."""
    ours, _ = stage.gateway
    sources: list[subprocess.Popen[bytes]] = []

    def pour() -> None:
        if not sources or sources[-1].poll() is not None:
            sources.append(stage.source.begin(ours, load))

    try:
        yield pour
    finally:
        if sources:
            sources[-1].wait()


def _submitted(port: int, number: int, name: int) -> str:
    """One message to a person: what the gateway says of it."""
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.ehlo("bench.example")
        client.mail(SENDER)
        client.rcpt(people.name_of(number))
        return client.data(newsletter(SIZE, 900_000 + name))[1].decode()
