"""make bench: the gateway beside Postfix as a plain relay, in turn and repeated; then the cost of mail."""

from __future__ import annotations

import json
import os
import statistics
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import gateway, mail, postfix, sink

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "100000"))
MESSAGES = int(os.environ.get("BENCH_MESSAGES", "3000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SIZE = 10240  # octets
SESSIONS = 20
LIMIT_MB = 150


def main() -> None:
    """Measure, print the table, and leave the figures in build/bench.json."""
    with tempfile.TemporaryDirectory() as name, sink.counting(Path(name)) as counting:
        folder = Path(name)
        port = sink.free_port()
        rates: dict[str, list[float]] = {"sendright": [], "postfix": []}
        with (
            postfix.relaying(folder / "postfix", port, counting.port),
            gateway.serving(folder, counting.port, PEOPLE) as (ours, pid),
        ):
            ports = {"sendright": ours, "postfix": port}
            for _ in range(ROUNDS):
                for contender, target in ports.items():
                    rates[contender].append(
                        sink.rate(target, counting, messages=MESSAGES, size=SIZE, sessions=SESSIONS)
                    )
            resident = gateway.resident_mb(pid)
    report(rates, resident)


def report(rates: dict[str, list[float]], resident: float) -> None:
    """The table, and whether each aim was reached."""
    medians = {contender: statistics.median(figures) for contender, figures in rates.items()}
    ratio = medians["sendright"] / medians["postfix"]
    console = Console()
    table = Table("contender", "copies/s (median)", "each round", title=f"{SIZE} octets, {SESSIONS} sessions")
    for contender, figures in rates.items():
        each = ", ".join(f"{figure:.0f}" for figure in figures)
        table.add_row(contender, f"{medians[contender]:.0f}", each)
    console.print(table)
    console.print(f"sendright / postfix: {ratio:.2f} (at least 0.50: {reached(ratio >= 0.5)})")
    console.print(f"resident: {resident:.0f} MB (at most {LIMIT_MB}: {reached(resident <= LIMIT_MB)})")
    build = Path("build")
    build.mkdir(exist_ok=True)
    (build / "bench.json").write_text(
        json.dumps({"rates": rates, "ratio": ratio, "resident_mb": resident, "people": PEOPLE}, indent=2)
    )


def reached(yes: bool) -> str:
    """The verdict in words."""
    return "reached" if yes else "not reached"


main()
mail.main()
