"""The stage: one sink, and the contenders in front of it, each started when it is first asked for."""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console

from tests.bench import floor, gateway, haraka, people, postfix, sink
from tests.bench.contender import Contender
from tests.bench.load import Load, Run, Source
from tests.bench.sink import Sink

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "4"))  # of one run, about
PEOPLE = int(os.environ.get("BENCH_PEOPLE", "1000000"))
WORKERS = int(os.environ.get("BENCH_WORKERS", "2"))
NAMES = ("sendright", "floor", "postfix", "postfix+opendkim", "haraka")
CHOSEN = tuple(os.environ.get("BENCH_CONTENDERS", ",".join(NAMES)).split(","))
WARM_UP = 100  # messages, by which the number of a run is found as well

error = Console(stderr=True)


@dataclass
class Stage:
    """Where everything is measured, and what has been started on it."""

    folder: Path
    sink: Sink
    source: Source
    _stack: ExitStack
    _started: dict[str, Contender] = field(default_factory=dict)
    _http: int = 0

    def contender(self, name: str) -> Contender:
        """The contender of that name, started if it has not been yet."""
        if name not in self._started:
            error.print(f"starting {name}")
            self._started[name] = self._start(name)
        return self._started[name]

    def contenders(self, names: Iterable[str] = NAMES) -> list[Contender]:
        """Those of these names that were chosen."""
        return [self.contender(name) for name in names if name in CHOSEN]

    @property
    def gateway(self) -> tuple[Contender, int]:
        """The gateway with the ordinary ledger, and its HTTP port."""
        return self.contender("sendright"), self._http

    def _start(self, name: str) -> Contender:
        folder, enter, port = self.folder, self._stack.enter_context, self.sink.port
        if name == "floor":
            return enter(floor.serving(folder, people.dkim_key(), port, WORKERS))
        if name == "haraka":
            return enter(haraka.forwarding(folder, port, max(WORKERS, 2)))
        if name == "postfix":
            return enter(postfix.plain(folder, port))
        if name == "postfix+opendkim":
            return enter(postfix.signing(folder, port, people.dkim_key()))
        assert name == "sendright", name
        store = people.copied(PEOPLE, folder)
        ours, self._http = enter(gateway.serving(folder / "sendright", store, port, WORKERS))
        return ours

    def compare(
        self, contenders: Iterable[Contender], load: Load, rounds: int = ROUNDS
    ) -> dict[str, list[Run]]:
        """Every contender in turn, round after round; each run lasts about SECONDS."""
        loads = {one: replace(load, messages=self.enough(one, load)) for one in contenders}
        runs: dict[str, list[Run]] = {one.name: [] for one in loads}
        for _ in range(rounds):
            for one, sized in loads.items():
                runs[one.name].append(self.source.run(one, sized))
        return runs

    def enough(self, contender: Contender, load: Load) -> int:
        """So many messages as take about SECONDS; found by a run that warms up as well."""
        least = max(load.sessions, WARM_UP // load.recipients)
        rate = self.source.run(contender, replace(load, messages=least)).rate / load.recipients
        return max(least, round(rate * SECONDS))


def medians(runs: Mapping[str, list[Run]]) -> dict[str, float]:
    """The median rate of each."""
    return {name: statistics.median(run.rate for run in each) for name, each in runs.items()}


@contextmanager
def opened() -> Iterator[Stage]:
    """An empty stage, until the block ends."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)  # the postfix user must get through
        counting = stack.enter_context(sink.counting(folder))
        yield Stage(folder, counting, Source(folder, counting, PEOPLE), stack)
