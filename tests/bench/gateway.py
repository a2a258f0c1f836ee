"""The gateway as a contender, everything on: ledger, notice, RSA-2048 signature, every commit."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.mail.signature import new_key
from tests.bench.sink import await_port, free_port

CONFIG = """\
[gateway]
hostname = "gateway.bench.example"
public_url = "http://127.0.0.1:{http}"
state_dir = "state"
[smtp]
listen = ["127.0.0.1:{smtp}"]
[http]
listen = "127.0.0.1:{http}"
[smarthost]
host = "127.0.0.1"
port = {sink}
tls = "none"
[[dkim]]
domain = "shop.example"
selector = "bench"
private_key_file = "dkim.pem"
[[controller]]
id = "shop"
name = "De Winkel"
postal_address = "Markt 1, 2611 GP Delft"
contact = "privacy@shop.example"
privacy_policy_url = "https://shop.example/privacy"
privacy_policy_mentions_marketing = true
country = "NL"
[[category]]
id = "newsletter"
controller = "shop"
title = "Nieuwsbrief"
purpose = "marketing"
[[login]]
name = "bench"
controller = "shop"
categories = ["newsletter"]
default_category = "newsletter"
from_domains = ["shop.example"]
networks = ["127.0.0.0/8"]
"""


def record_people(folder: Path, config: Path, people: int) -> None:
    """Import a proven consent for as many people as smtp-source -N will name."""
    rows = folder / "people.csv"
    with rows.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["email", "kind", "category", "occurred_at", "source", "wording", "wording_version"])
        for number in range(people):
            out.writerow(
                [
                    f"{number}reader@example.org",
                    "consent",
                    "newsletter",
                    "2026-01-01T00:00:00Z",
                    "form",
                    "Yes",
                    "1",
                ]
            )
    subprocess.run([sys.executable, "-m", "gateway", "import", rows, "--config", config], check=True)


@contextmanager
def serving(folder: Path, sink: int, people: int) -> Iterator[tuple[int, int]]:
    """A gateway in front of the sink: its port and its process id."""
    port = free_port()
    config = folder / "gateway.toml"
    (folder / "dkim.pem").write_bytes(new_key("rsa"))
    config.write_text(CONFIG.format(http=free_port(), smtp=port, sink=sink))
    record_people(folder, config, people)
    with (folder / "gateway.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve", "--config", config], stdout=log, stderr=log
        )
    await_port(port)
    try:
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def resident_mb(pid: int) -> float:
    """The most memory that any worker of this supervisor has had resident, in MB."""
    workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return max(
        int(line.split()[1]) / 1024
        for worker in workers
        for line in Path(f"/proc/{worker}/status").read_text().splitlines()
        if line.startswith("VmHWM:")
    )
