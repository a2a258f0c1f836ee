"""The load: Debian's smtp-source with a newsletter of a given size, each time to other people.

The people are numbered in blocks: `smtp-source -N` puts a number from 1 on before the recipient, and what
follows names the block. Run after run takes other blocks, so that no contender finds its people in a cache.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, cycle
from pathlib import Path

from tests.bench import shapes
from tests.bench.contender import Contender
from tests.bench.sink import Sink

BLOCK = 10_000  # people
PATIENCE = 300  # seconds for one block
SENDER = "news@shop.example"


def address(number: int, block: int) -> str:
    """The recipient that smtp-source names: numbers run from 1 in each block."""
    return f"{number}{_block(block)}"


def _block(block: int) -> str:
    return f"reader{block}@example.org"


@dataclass(frozen=True)
class Load:
    """So many messages of about `size` octets, each to so many people, over so many sessions at once."""

    messages: int
    size: int = 10_000
    sessions: int = 40
    recipients: int = 1

    @property
    def copies(self) -> int:
        """How many should arrive."""
        return self.messages * self.recipients


@dataclass(frozen=True)
class Run:
    """What came of a load: copies a second at the sink, and processor time of the contender a copy."""

    rate: float
    cpu_ms: float


class Source:
    """Sends loads in front of one sink, to people of a ledger of so many."""

    def __init__(self, folder: Path, sink: Sink, people: int) -> None:
        self.sink = sink
        self._folder = folder
        self._blocks = cycle(range(max(people // BLOCK - 1, 1)))  # the last one is for other uses
        self._runs = count(1)

    def run(self, contender: Contender, load: Load) -> Run:
        """One load through one contender, from the start until the sink has every copy."""
        message = self._message(load.size)
        before, spent = self.sink.copies, contender.cpu_seconds
        started = time.monotonic()
        for messages in _pieces(load):
            subprocess.run(
                self._command(contender.port, message, load, messages), check=True, timeout=PATIENCE
            )
        self.sink.await_copies(before + load.copies)
        took = time.monotonic() - started
        return Run(load.copies / took, (contender.cpu_seconds - spent) / load.copies * 1000)

    def begin(self, contender: Contender, load: Load) -> subprocess.Popen[bytes]:
        """A load of one block at most that runs beside something else."""
        return subprocess.Popen(
            self._command(contender.port, self._message(load.size), load, load.messages),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _message(self, size: int) -> Path:
        """A file for -F, which wants plain line ends. A run's Message-ID is its own (I5)."""
        path = self._folder / f"{size}.eml"
        path.write_bytes(newsletter(size, next(self._runs)).replace(b"\r\n", b"\n"))
        return path

    def _command(self, port: int, message: Path, load: Load, messages: int) -> list[str]:
        options = {
            "-s": str(min(load.sessions, messages)),
            "-m": str(messages),
            "-r": str(load.recipients),
            "-F": str(message),
            "-f": SENDER,
            "-t": _block(next(self._blocks)),
        }
        flat = [word for option in options.items() for word in option]
        return ["smtp-source", "-d", "-N", *flat, f"127.0.0.1:{port}"]


def newsletter(size: int, number: int) -> bytes:
    """Text and HTML, about so many octets, from a domain that the login may use."""
    head = (
        b"From: De Winkel <news@shop.example>\r\nTo: Lezers <news@shop.example>\r\nSubject: Vers brood\r\n"
        b"Date: Sat, 21 Nov 2026 09:00:00 +0100\r\nMessage-ID: <%012d@shop.example>\r\n" % number
    )
    return head + shapes.newsletter(size).removeprefix(shapes.HEAD)


def _pieces(load: Load) -> Iterator[int]:
    """The messages in pieces of one block of people each."""
    most = BLOCK // load.recipients
    for done in range(0, load.messages, most):
        yield min(most, load.messages - done)
