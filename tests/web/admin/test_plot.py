"""Bars over time: in their place, as high as their number, none lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.web.admin.plot import BOTTOM, HEIGHT, LEAST, TOP, WIDTH, Part, plot


def part(number: int) -> Part:
    return Part("send", number, f"{number} sent", "/there")


@given(st.lists(st.lists(st.integers(0, 10**9), max_size=5), max_size=60))
def test_every_number_is_a_bar_inside_the_drawing(columns: list[list[int]]) -> None:
    """Whatever the numbers: a bar for each but nought, within its margins, and two never overlap."""
    drawn = plot([(str(place), [part(number) for number in each]) for place, each in enumerate(columns)])
    assert len(drawn.bars) == sum(number > 0 for each in columns for number in each)
    for bar in drawn.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH + 0.1
        assert bar.y >= TOP - 5 * LEAST
        assert bar.y + bar.height <= HEIGHT - BOTTOM + 0.3
        assert bar.height >= LEAST


@pytest.mark.parametrize(
    ("most", "levels"),
    [
        (0, "0 1 2"),
        (1, "0 1 2"),
        (3, "0 5"),
        (7, "0 5 10"),
        (12, "0 10 20"),
        (100, "0 50 100"),
        (450_000, "0 250,000 500,000"),
    ],
)
def test_the_levels_are_numbers_one_reads_at_a_glance(most: int, levels: str) -> None:
    """The highest is at or above the highest column."""
    assert " ".join(mark.words for mark in plot([("", [part(most)])]).levels) == levels
