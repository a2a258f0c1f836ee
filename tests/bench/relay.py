"""Copies a second and processor time a copy, each contender beside the others in one run."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from tests.bench.figures import Aim, Part, Sheet, spread
from tests.bench.load import Load, Run
from tests.bench.stage import Stage, medians

KB = 1000
AIMS = {
    10 * KB: {"postfix": 2.5, "postfix+opendkim": 6.0, "haraka": 1.4, "floor": 0.5},
    60 * KB: {"floor": 0.5},
}


def measure(stage: Stage) -> Part:
    """10 kB and 60 kB in 40 sessions."""
    sheets, aims = [], []
    for size, bounds in AIMS.items():
        runs = stage.compare(stage.contenders(), Load(1, size=size))
        sheets.append(sheet(f"{size // KB} kB, 40 sessions", runs))
        aims += [aim(runs, name, bound, f"{size // KB} kB") for name, bound in bounds.items() if name in runs]
    return Part(sheets, aims)


def recipients(stage: Stage) -> Part:
    """One message to 50 people, in 40 sessions."""
    runs = stage.compare(stage.contenders(), Load(1, recipients=50))
    aims = [aim(runs, "floor", 0.6, "50 recipients")] if "floor" in runs else []
    return Part([sheet("10 kB to 50 recipients, 40 sessions", runs)], aims)


def matrix(stage: Stage) -> Part:
    """Other sizes and other numbers of sessions, each a short round."""
    loads = [Load(1, size=size * KB, sessions=20) for size in (3, 10, 60, 500)]
    loads += [Load(1, sessions=sessions) for sessions in (1, 100)]
    rows = []
    for load in loads:
        rates = medians(stage.compare(stage.contenders(), load, rounds=1))
        rows.append(
            (f"{load.size // KB} kB", str(load.sessions), *(f"{rate:.0f}" for rate in rates.values()))
        )
    names = [one.name for one in stage.contenders()]
    return Part(
        [Sheet("copies a second by size and sessions, one round", ("size", "sessions", *names), rows)]
    )


def aim(runs: Mapping[str, list[Run]], other: str, bound: float, what: str) -> Aim:
    """So many times another contender."""
    rates = medians(runs)
    return Aim(f"times {other}, {what}", rates["sendright"] / rates[other], bound, at_least=True)


def sheet(title: str, runs: Mapping[str, list[Run]]) -> Sheet:
    """A row for each contender."""
    rates = medians(runs)
    ours = rates.get("sendright")
    rows = [
        (
            name,
            spread([run.rate for run in each]),
            f"{statistics.median(run.cpu_ms for run in each):.2f}",
            f"{ours / rates[name]:.2f}" if ours else "",
        )
        for name, each in runs.items()
    ]
    return Sheet(title, ("contender", "copies/s", "CPU ms a copy", "sendright / it"), rows)
