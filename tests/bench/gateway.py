"""The gateway as a contender, everything on: ledger, notice, RSA-2048 signature, every commit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import people
from tests.bench.configuration import configured
from tests.bench.contender import Contender, started
from tests.bench.sink import free_port


@contextmanager
def serving(
    folder: Path,
    store: Path,
    sink: int,
    workers: int,
    *,
    name: str = "sendright",
) -> Iterator[tuple[Contender, int]]:
    """A gateway on this store in front of the sink, and its HTTP port."""
    port, http = free_port(), free_port()
    config = configured(
        folder,
        store,
        people.keys_path(),
        people.dkim_key(),
        smtp=port,
        http=http,
        sink=sink,
        workers=workers,
    )
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
    with started(command, folder / "gateway.log", port) as pid:
        yield Contender(name, port, (pid,)), http
