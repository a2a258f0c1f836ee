"""The sum of all workers' figures: fresh, complete, and never falling."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import pytest

from gateway.metrics import Figures, loaded
from gateway.workers.line import Line, Word, pair
from gateway.workers.summing import Summing

COUNT, GAUGE = ("mails_total", ()), ("clients", ())


@dataclass
class Worker:
    """Both ends of a worker's line."""

    ours: Line
    own: Line

    def heard(self) -> list[tuple[Word, Figures | None]]:
        """Every letter that came since the last look."""
        letters: list[tuple[Word, Figures | None]] = []
        with suppress(BlockingIOError):
            while letter := self.own.heard():
                letters.append((letter[0], loaded(letter[1]) if letter[1] else None))
        return letters


@pytest.fixture
def workers() -> Iterator[list[Worker]]:
    """Three lines."""
    made = [Worker(*pair()) for _ in range(3)]
    yield made
    for worker in made:
        worker.ours.close()
        worker.own.close()


@pytest.fixture
def summing(workers: list[Worker]) -> Summing:
    """Two of the three serve."""
    summing = Summing()
    for worker in workers[:2]:
        summing.joined(worker.ours)
    return summing


def test_everybody_is_asked_before_anybody_is_told(workers: list[Worker], summing: Summing) -> None:
    """Who wants the sum gets it once the last worker has said its own figures."""
    one, other, _ = workers

    summing.wanted(one.ours)
    asked = [one.heard(), other.heard()]
    summing.said(one.ours, {COUNT: 1, GAUGE: 5})
    early = one.heard()
    summing.said(other.ours, {COUNT: 2, GAUGE: 7})

    assert asked == [[(Word.WANT_FIGURES, None)]] * 2
    assert early == []
    assert one.heard() == [(Word.SUM, {COUNT: 3, GAUGE: 12})]
    assert other.heard() == []


def test_a_question_during_a_round_gets_a_round_of_its_own(workers: list[Worker], summing: Summing) -> None:
    """What happened before a question is in its answer, also when others were being asked already."""
    one, other, _ = workers
    summing.wanted(one.ours)
    summing.said(one.ours, {COUNT: 1})
    summing.wanted(other.ours)
    summing.said(other.ours, {COUNT: 1})
    first = [one.heard(), other.heard()]
    summing.said(one.ours, {COUNT: 9})
    summing.said(other.ours, {COUNT: 1})

    assert first == [
        [(Word.WANT_FIGURES, None), (Word.SUM, {COUNT: 2}), (Word.WANT_FIGURES, None)],
        [(Word.WANT_FIGURES, None), (Word.WANT_FIGURES, None)],
    ]
    assert other.heard() == [(Word.SUM, {COUNT: 10})]


def test_a_worker_that_ends_is_not_waited_for(workers: list[Worker], summing: Summing) -> None:
    """What it said last is counted on, without its gauges; a worker that came meanwhile adds to it."""
    one, other, third = workers
    summing.said(other.ours, {COUNT: 4, GAUGE: 3})
    summing.wanted(one.ours)
    summing.said(one.ours, {COUNT: 1, GAUGE: 1})

    summing.left(other.ours)
    without = one.heard()[-1]
    summing.joined(third.ours)
    summing.wanted(one.ours)
    summing.said(one.ours, {COUNT: 1, GAUGE: 1})
    summing.said(third.ours, {COUNT: 2, GAUGE: 1})

    assert without == (Word.SUM, {COUNT: 5, GAUGE: 1})
    assert one.heard()[-1] == (Word.SUM, {COUNT: 7, GAUGE: 2})


def test_who_asked_and_ended_is_forgotten(workers: list[Worker], summing: Summing) -> None:
    """A worker that dies with a question open keeps nobody from the next answer."""
    one, other, _ = workers
    summing.wanted(other.ours)
    summing.left(other.ours)
    summing.said(one.ours, {COUNT: 1})
    summing.wanted(one.ours)
    summing.said(one.ours, {COUNT: 2})

    assert one.heard()[-1] == (Word.SUM, {COUNT: 2})
