"""Haraka as a forwarder without any policy, in a cluster of processes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.contender import Contender, started
from tests.bench.sink import free_port

HOME = Path(__file__).parent / "node_modules" / "Haraka"
FILES = {
    "config/smtp.ini": "listen=127.0.0.1:{port}\nnodes={processes}\n",
    "config/smtp_forward.ini": "host=127.0.0.1\nport={sink}\none_message_per_rcpt=true\n",
    "config/plugins": "anybody\nqueue/smtp_forward\n",
    "config/loglevel": "ERROR",
    "config/me": "haraka.bench.example",
    "plugins/anybody.js": "exports.hook_rcpt = (next) => next(OK)\n",
}


@contextmanager
def forwarding(folder: Path, sink: int, processes: int) -> Iterator[Contender]:
    """Haraka in front of the sink."""
    root, port = folder / "haraka", free_port()
    for name, content in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content.format(port=port, sink=sink, processes=processes))
    shutil.copy(HOME / "config" / "connection.ini", root / "config")  # it does not start without
    with started(["node", HOME / "bin" / "haraka", "-c", root], folder / "haraka.log", port) as pid:
        yield Contender("haraka", port, (pid,))
