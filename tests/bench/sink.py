"""Debian's smtp-sink, who counts what arrived, and free ports."""

from __future__ import annotations

import contextlib
import os
import random
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import SEEK_END
from pathlib import Path

_PORTS = range(10_000, 32_000)  # below what Linux gives to whoever asks for any (ip_local_port_range)
_COUNT = re.compile(rb"mesg=(\d+)")
PATIENCE = 60.0  # seconds between two copies


@dataclass(frozen=True)
class Sink:
    """A running smtp-sink, and the file it counts in."""

    port: int
    counts: Path
    pid: int

    @property
    def copies(self) -> int:
        """How many messages it has taken."""
        with self.counts.open("rb") as file:
            file.seek(max(file.seek(0, SEEK_END) - 400, 0))
            found = _COUNT.findall(file.read())
        return int(found[-1]) if found else 0

    def await_copies(self, total: int) -> None:
        """Wait until it has taken `total`. Raises TimeoutError when none comes for long."""
        seen, since = self.copies, time.monotonic()
        while seen < total:
            time.sleep(0.005)
            if (copies := self.copies) > seen:
                seen, since = copies, time.monotonic()
            elif time.monotonic() > since + PATIENCE:
                raise TimeoutError(f"{seen} of {total} copies arrived")


def free_port() -> int:
    """A port that nobody listens on now, and that no connection is given by the kernel either.

    Processes that share out the tests (pytest-xdist names them gw0, gw1, ...) choose among different ones.
    """
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    among = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    while True:
        port = random.choice(_PORTS[number::among])
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


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
    port = free_port()
    counts = folder / "sink.counts"
    with counts.open("wb") as out:
        process = subprocess.Popen(
            ["smtp-sink", "-u", "postfix", "-c", f"127.0.0.1:{port}", "1000"],
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        await_port(port)
        yield Sink(port, counts, process.pid)
    finally:
        process.kill()
        process.wait()
