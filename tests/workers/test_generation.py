"""When a worker that died is started again."""

from __future__ import annotations

from typing import cast

import pytest

from gateway.app import Prepared
from gateway.listening import Listeners
from gateway.workers.generation import FIRST_PAUSE, LONGEST_PAUSE, SOUND_SECONDS, Generation, Worker
from gateway.workers.line import pair


@pytest.fixture
def generation() -> Generation:
    """Without workers yet."""
    return Generation(cast(Prepared, None), Listeners())


def pause_after(generation: Generation, number: int, *lives: float) -> float:
    """Seconds until the worker is started again, after it died so often, having lived so long each time."""
    now = 0.0
    for life in lives:
        lines = pair()
        generation.lost(Worker(1, number, generation, lines[0], started=now), now + life)
        for line in lines:
            line.close()
        now += life
    pause = generation.pause(now)
    assert pause is not None
    return pause


@pytest.mark.parametrize(
    ("lives", "pause"),
    [
        ((1.0,), FIRST_PAUSE),
        ((1.0, 1.0), 2 * FIRST_PAUSE),
        ((1.0, 1.0, 1.0), 4 * FIRST_PAUSE),
        ((1.0,) * 20, LONGEST_PAUSE),
        ((1.0, 1.0, SOUND_SECONDS), FIRST_PAUSE),
    ],
)
def test_who_dies_again_and_again_waits_longer(
    generation: Generation, lives: tuple[float, ...], pause: float
) -> None:
    """Twice as long each time, up to a bound; a worker that lived soundly begins anew."""
    assert pause_after(generation, 0, *lives) == pytest.approx(pause)


def test_each_is_started_once_and_not_before_its_time(generation: Generation) -> None:
    """Whom it is time for is named once; who waits longer is not, and nobody waits in the end."""
    pause_after(generation, 0, 1.0)
    pause_after(generation, 1, 1.0, 1.0)

    assert generation.take_due(1.0) == []
    assert generation.take_due(1.0 + FIRST_PAUSE) == [0]
    assert generation.take_due(1.0 + FIRST_PAUSE) == []
    assert generation.take_due(9.0) == [1]
    assert generation.pause(9.0) is None
