"""Which workers there are, what each has, and when one that died is started again."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from gateway.app import Prepared, connections
from gateway.config import load
from gateway.listening import MAIL, PAGES, Listeners
from gateway.workers.generation import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    SOUND_SECONDS,
    Generation,
    Part,
    Worker,
    parts,
    served,
)
from gateway.workers.line import pair
from tests.house import written


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


@pytest.mark.parametrize(
    ("workers", "most", "each", "of_pages"),
    [(1, 2, 1, 1), (1, 40, 38, 2), (2, 3, 1, 1), (2, 40, 19, 2), (3, 7, 2, 1), (4, 5, 1, 1)],
)
def test_connections_are_shared_out_and_no_more(
    tmp_path: Path, workers: int, most: int, each: int, of_pages: int
) -> None:
    """Beside those who take mail one answers over HTTP, with few of the connections to the smarthost."""
    path = written(tmp_path, 25, connections=most)
    path.write_text(path.read_text().replace("[gateway]", f"[gateway]\nworkers = {workers}", 1))
    config = load(path, {})

    there = parts(config)
    shares = [connections(config, part.services) for part in there]

    assert there == [*(Part(MAIL, number, workers) for number in range(workers)), Part(PAGES, 0, 1)]
    assert shares == [each] * workers + [of_pages]
    assert sum(shares) <= most
    assert {place.service: count for place, count in served(config).items()} == {"smtp": workers, "http": 1}
