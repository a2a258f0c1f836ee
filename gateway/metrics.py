"""What is counted and timed, for Prometheus: never an address, a person or a token in a label (L26).

Each worker has figures of its own; what is shown is their sum (`add`), gauges included.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST

Labels: TypeAlias = tuple[tuple[str, str], ...]
Figures: TypeAlias = dict[tuple[str, Labels], float]  # by the sample's name and labels

_COUNTS = ("_total", "_bucket", "_sum", "_count")  # how samples are called that only rise

# Seconds: a decision takes about a millisecond, a relay as long as the smarthost likes.
_DECISION_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_RELAY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """One worker's figures, in a registry of its own that is passed around."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.total: Callable[[], Awaitable[Figures]] = self._own  # one of several workers asks for all
        self._messages = self._counter("messages", "Submissions, by how they ended.", "result")
        self._recipients = self._counter(
            "recipients", "Decisions, by outcome and by ground or reason.", "decision", "reason"
        )
        self._fates = self._counter("fates", "Copies, by what became of them.", "fate")
        self._objections = self._counter("objections", "Objections put on record, by how they came.", "via")
        self._decision = Histogram(
            "sendright_decision_seconds",
            "Seconds to decide on one wave of people, commit included.",
            registry=self.registry,
            buckets=_DECISION_BUCKETS,
        )
        self._relay = Histogram(
            "sendright_relay_seconds",
            "Seconds for the smarthost to take one copy.",
            registry=self.registry,
            buckets=_RELAY_BUCKETS,
        )
        self._connections = Gauge(
            "sendright_connections", "SMTP clients connected now.", registry=self.registry
        )
        # Looking a label up takes a lock and a tuple each time; the label values are few and closed.
        self._message_of = cache(self._messages.labels)
        self._recipient_of = cache(self._recipients.labels)
        self._fate_of = cache(self._fates.labels)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"sendright_{name}", text, labels, registry=self.registry)

    def message(self, result: str) -> None:
        """A submission ended; `result` is its envelope.Cause."""
        self._message_of(result).inc()

    def decided(self, decision: str, reason: str) -> None:
        """One recipient was decided on: `send` with its ground, or `withhold` with its reason."""
        self._recipient_of(decision, reason).inc()

    def fate(self, kind: str) -> None:
        """The smarthost answered for a copy; `kind` is its envelope.FateKind."""
        self._fate_of(kind).inc()

    def objection(self, via: str) -> None:
        """An objection went on record; `via` is `one-click`, `page`, `api` or `operator`, never free text."""
        self._objections.labels(via).inc()

    def deciding(self) -> AbstractContextManager[object]:
        """Times one wave's decisions."""
        return self._decision.time()

    def relaying(self) -> AbstractContextManager[object]:
        """Times the relay of one copy."""
        return self._relay.time()

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Counts an SMTP client while it is connected."""
        self._connections.inc()
        try:
            yield
        finally:
            self._connections.dec()

    def figures(self) -> Figures:
        """This worker's figures."""
        return {
            (sample.name, tuple(sample.labels.items())): sample.value
            for family in self.registry.collect()
            for sample in family.samples
            if not sample.name.endswith("_created")  # a sum of times says nothing
        }

    async def _own(self) -> Figures:
        return self.figures()

    def exposition(self, total: Figures | None = None) -> bytes:
        """Figures in the Prometheus text format (`CONTENT_TYPE`); this worker's own unless told which."""
        return generate_latest(_Shown(self.registry, self.figures() if total is None else total))


class _Shown:
    """Figures under the names and explanations of a registry."""

    def __init__(self, registry: CollectorRegistry, figures: Figures) -> None:
        self._registry = registry
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """What Prometheus's writer asks for."""
        for family in self._registry.collect():
            shown = Metric(family.name, family.documentation, family.type)
            for (name, labels), value in self._figures.items():
                if name in {family.name, *(family.name + count for count in _COUNTS)}:
                    shown.add_sample(name, dict(labels), value)
            yield shown


def add(parts: Iterable[Figures]) -> Figures:
    """The sum of figures."""
    total: defaultdict[tuple[str, Labels], float] = defaultdict(float)
    for part in parts:
        for key, value in part.items():
            total[key] += value
    return dict(total)


def lasting(figures: Figures) -> Figures:
    """What remains of a worker's figures when it ended: counts, which must never fall, and no gauge."""
    return {key: value for key, value in figures.items() if key[0].endswith(_COUNTS)}


def dumped(figures: Figures) -> bytes:
    """Figures as octets, to be sent from one process to another."""
    return json.dumps([(name, labels, value) for (name, labels), value in figures.items()]).encode()


def loaded(octets: bytes) -> Figures:
    """Figures as they were dumped."""
    return {
        (name, tuple((label, text) for label, text in labels)): value
        for name, labels, value in json.loads(octets)
    }
