"""Debian's smtp-source and smtp-sink: who sends the load, and who counts what arrived."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_COUNT = re.compile(rb"mesg=(\d+)")
PATIENCE = 300.0  # seconds for the last copy to arrive


@dataclass(frozen=True)
class Sink:
    """A running smtp-sink, and the file it counts in."""

    port: int
    counts: Path

    @property
    def copies(self) -> int:
        """How many messages it has taken."""
        found = _COUNT.findall(self.counts.read_bytes()[-400:])
        return int(found[-1]) if found else 0

    def await_copies(self, total: int) -> None:
        """Wait until it has taken `total`. Raises TimeoutError."""
        end = time.monotonic() + PATIENCE
        while self.copies < total:
            if time.monotonic() > end:
                raise TimeoutError(f"{self.copies} of {total} copies arrived")
            time.sleep(0.01)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_port(port: int, seconds: float = 30.0) -> None:
    """Wait until somebody listens. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")


@contextmanager
def counting(folder: Path) -> Iterator[Sink]:
    """A smtp-sink on a free port."""
    sink = Sink(free_port(), folder / "sink.counts")
    with sink.counts.open("wb") as counts:
        process = subprocess.Popen(
            ["smtp-sink", "-u", "postfix", "-c", f"127.0.0.1:{sink.port}", "1000"],
            stdout=counts,
            stderr=subprocess.STDOUT,
        )
    await_port(sink.port)
    try:
        yield sink
    finally:
        process.kill()
        process.wait()


def rate(port: int, sink: Sink, *, messages: int, size: int, sessions: int) -> float:
    """Copies per second that reach the sink when `messages` of `size` octets go to `port`."""
    before = sink.copies
    started = time.monotonic()
    subprocess.run(
        [
            "smtp-source",
            "-d",
            "-N",
            "-s",
            str(sessions),
            "-m",
            str(messages),
            "-l",
            str(size),
            "-f",
            "news@shop.example",
            "-t",
            "reader@example.org",
            f"127.0.0.1:{port}",
        ],
        check=True,
    )
    sink.await_copies(before + messages)
    return messages / (time.monotonic() - started)
