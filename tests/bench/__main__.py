"""make bench: every part, or those named; says what was reached, and leaves build/bench.json.

--write puts the results of the last run of each part on docs/speed.md, and measures nothing.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench import (
    client,
    effect,
    growth,
    importing,
    mail,
    objections,
    page,
    pages,
    proof,
    relay,
    resident,
    steps,
    withheld,
)
from tests.bench.figures import Aim, Part, Sheet
from tests.bench.stage import Stage, opened

PARTS: Mapping[str, Callable[[Stage], Part]] = {
    "relay": relay.measure,
    "recipients": relay.recipients,
    "matrix": relay.matrix,
    "client": client.measure,
    "steps": steps.measure,
    "objections": objections.measure,
    "pages": pages.measure,
    "effect": effect.measure,
    "import": importing.measure,
    "proof": proof.measure,
    "withheld": withheld.measure,
    "idle": resident.idle,
    "growth": growth.measure,
    "memory": resident.memory,
}
MAIL = "mail"  # needs no stage, and has a file of its own
RESULTS = Path("build/bench.json")


def main(arguments: list[str]) -> None:
    """Measure, or write the page."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is stopped
    if "--write" in arguments:
        write()
        return
    chosen = os.environ.get("BENCH_ONLY")
    names = arguments or (chosen.split(",") if chosen else [*PARTS, MAIL])
    if unknown := set(names) - {*PARTS, MAIL}:
        sys.exit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join([*PARTS, MAIL])}")
    if parts := [name for name in names if name != MAIL]:
        measure(parts)
    if MAIL in names:
        mail.main()


def measure(names: list[str]) -> None:
    """These parts; what they found is kept beside what others found before."""
    console = Console()
    aims: list[Aim] = []
    with opened() as stage:
        for name in names:
            found = PARTS[name](stage)
            tell(console, found.sheets)
            aims += found.aims
            keep(name, found)
    tell(console, [Sheet("to reach", ("aim", "figure", "bound", ""), [aim.said for aim in aims])])


def keep(name: str, found: Part) -> None:
    """Put a part's findings into the file of results."""
    results = read()
    results[name] = asdict(found) | {"machine": page.machine()}
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1))


def read() -> dict[str, Any]:
    """What was found so far, by part."""
    return dict(json.loads(RESULTS.read_text())) if RESULTS.exists() else {}


def write() -> None:
    """The results on the page, in the order of the parts."""
    results = read()
    found = {name: page.part_of(results[name]) for name in PARTS if name in results}
    machines = [results[name]["machine"] for name in found]
    page.PAGE.write_text(page.filled(page.PAGE.read_text(), found, machines))


def tell(console: Console, sheets: Iterable[Sheet]) -> None:
    """Print tables, but for empty ones."""
    for sheet in sheets:
        if sheet.rows:
            table = Table(*sheet.columns, title=sheet.title)
            for row in sheet.rows:
                table.add_row(*row)
            console.print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
