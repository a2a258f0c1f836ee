"""Who is measured: a mail server on loopback in front of the sink, and its processes."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench import processes
from tests.bench.sink import await_port


@dataclass(frozen=True)
class Contender:
    """A server that takes mail on `port`; `pids` head its process trees."""

    name: str
    port: int
    pids: tuple[int, ...]

    @property
    def cpu_seconds(self) -> float:
        """Processor time that it has used."""
        return processes.cpu_seconds(self.pids)

    @property
    def workers(self) -> list[int]:
        """The processes that do the work: those without children."""
        alive = [pid for root in self.pids for pid in processes.tree(root)]
        return [pid for pid in alive if len(processes.tree(pid)) == 1]


@contextmanager
def started(command: Sequence[str | Path], log: Path, port: int, seconds: float = 60) -> Iterator[int]:
    """A program until the block ends, once somebody listens on `port`: its process id."""
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        await_port(port, seconds)
        with socket.create_connection(("127.0.0.1", port), seconds) as probe:
            probe.recv(200)  # the greeting: it does not only listen
            probe.sendall(b"QUIT\r\n")
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
