"""The sum of all workers' figures, for whoever asks a worker for it.

What a worker said last counts for as long as anybody asks, also when it is dead by then: a sum of counts that
was shown never falls (Prometheus would take that for a restart of everything).
"""

from __future__ import annotations

from gateway.metrics import Figures, add, dumped, lasting
from gateway.workers.line import Line, Word


class Summing:
    """Asks in rounds: every worker is asked, and when the last has answered, who wanted the sum is told."""

    def __init__(self) -> None:
        self._past: Figures = {}  # of workers that have ended
        self._latest: dict[Line, Figures] = {}
        self._waiting: list[Line] = []  # for the next round
        self._asking: list[Line] = []  # in this round
        self._missing: set[Line] = set()  # have not answered in this round

    def joined(self, line: Line) -> None:
        """A worker serves."""
        self._latest[line] = {}

    def left(self, line: Line) -> None:
        """A worker has ended."""
        self._past = add((self._past, lasting(self._latest.pop(line, {}))))
        self._waiting = [one for one in self._waiting if one is not line]
        self._missing.discard(line)
        self._conclude()

    def wanted(self, line: Line) -> None:
        """A worker wants the sum."""
        self._waiting.append(line)
        self._begin()

    def said(self, line: Line, figures: Figures) -> None:
        """A worker said its figures."""
        if line in self._latest:
            self._latest[line] = figures
        self._missing.discard(line)
        self._conclude()

    def _begin(self) -> None:
        if self._waiting and not self._asking:
            self._asking, self._waiting = self._waiting, []
            self._missing = set(self._latest)
            for line in self._latest:
                line.say(Word.WANT_FIGURES)

    def _conclude(self) -> None:
        if self._asking and not self._missing:
            total = dumped(add((self._past, *self._latest.values())))
            for line in self._asking:
                line.say(Word.SUM, total)
            self._asking = []
            self._begin()
