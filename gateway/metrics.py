"""What is counted and timed, for Prometheus: never an address, a person or a token in a label (L26)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

CONTENT_TYPE = CONTENT_TYPE_LATEST

# Seconds: a decision takes about a millisecond, a relay as long as the smarthost likes.
_DECISION_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_RELAY_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)


class Metrics:
    """One worker's figures, in a registry of its own that is passed around."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
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
        """An objection went on record; `via` is `one-click` or `page`, never free text."""
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

    def exposition(self) -> bytes:
        """The figures in the Prometheus text format (`CONTENT_TYPE`)."""
        return generate_latest(self.registry)
