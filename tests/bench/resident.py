"""What a worker holds in memory, and how often it wakes when nothing happens."""

from __future__ import annotations

import os
import time

from tests.bench import gateway, people, processes
from tests.bench.figures import Aim, Part, Sheet
from tests.bench.load import BLOCK, Load, Source
from tests.bench.stage import PEOPLE, WORKERS, Stage

MEMORY_PEOPLE = int(os.environ.get("BENCH_MEMORY_PEOPLE", "10000000"))
MEMORY_MESSAGES = int(os.environ.get("BENCH_MEMORY_MESSAGES", "100000"))
LIMIT_MB = 120
FLAT = 1.1  # at the end, times the figure after a tenth of the messages
IDLE_SECONDS = 10
WAKES = 5  # a second: "a few"


def memory(stage: Stage) -> Part:
    """Resident memory of each worker at so many people, over so many messages."""
    store = (
        people.store(MEMORY_PEOPLE) if MEMORY_PEOPLE > PEOPLE else people.copied(MEMORY_PEOPLE, stage.folder)
    )
    with gateway.serving(stage.folder / "memory", store, stage.sink.port, WORKERS) as (ours, _):
        source = Source(stage.folder, stage.sink, MEMORY_PEOPLE)
        seen = []
        for _ in range(10):
            source.run(ours, Load(max(MEMORY_MESSAGES // 10, 1)))
            seen.append([processes.status(pid, "VmRSS") / 1024 for pid in ours.workers])
        most = [processes.status(pid, "VmHWM") / 1024 for pid in ours.workers]
    first, last = max(seen[0]), max(seen[-1])
    what = f"{MEMORY_PEOPLE:,} people, {MEMORY_MESSAGES:,} messages"
    rows = [(f"{tenth * 10}%", ", ".join(f"{one:.0f}" for one in each)) for tenth, each in enumerate(seen, 1)]
    rows.append(("most at any time", ", ".join(f"{one:.0f}" for one in most)))
    return Part(
        [Sheet(f"resident MB of each worker, {what}", ("after", "MB"), rows)],
        [
            Aim(
                f"resident per worker at {MEMORY_PEOPLE:,} people",
                max(most),
                LIMIT_MB,
                at_least=False,
                unit="MB",
            ),
            Aim(f"flat over {MEMORY_MESSAGES:,} messages", last / first, FLAT, at_least=False, unit="times"),
        ],
    )


def idle(stage: Stage) -> Part:
    """Wakes of a worker a second, with its connections kept and nothing to do."""
    ours, _ = stage.gateway
    stage.source.run(ours, Load(min(200, BLOCK)))
    time.sleep(2)
    before = {pid: processes.wakes(pid) for pid in ours.workers}
    time.sleep(IDLE_SECONDS)
    rates = [(processes.wakes(pid) - count) / IDLE_SECONDS for pid, count in before.items()]
    rows = [(str(number), f"{rate:.1f}") for number, rate in enumerate(rates, 1)]
    return Part(
        [Sheet(f"idle for {IDLE_SECONDS} seconds", ("worker", "wakes a second"), rows)],
        [Aim("wakes of an idle worker a second", max(rates), WAKES, at_least=False)],
    )
