"""Bars over time, as numbers that a template draws in SVG: attributes alone, each bar a link."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 100  # percent: a drawing is as wide as its place, and its words are as large as any
HEIGHT, TOP, BOTTOM = 200, 20, 24  # CSS pixels of the drawing, and of its margins
LEAST = 2  # height of the smallest bar that is not nothing
TICKS = 5  # under the bars, about


@dataclass(frozen=True, slots=True)
class Part:
    """Of one column: what it is (its class), how many, what it says to whoever points at it, its link."""

    kind: str
    number: int
    words: str
    link: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A part as a rectangle: `x` and `width` in percent, `y` and `height` in pixels."""

    x: float
    y: float
    width: float
    height: float
    part: Part


@dataclass(frozen=True, slots=True)
class Mark:
    """A line or a word beside the bars, at this place along its axis."""

    at: float
    words: str


@dataclass(frozen=True, slots=True)
class Plot:
    """All there is to draw."""

    bars: Sequence[Bar]
    levels: Sequence[Mark]  # from the left edge to the right, in pixels
    ticks: Sequence[Mark]  # under the bars, in percent
    height: int = HEIGHT


def plot(columns: Sequence[tuple[str, Sequence[Part]]]) -> Plot:
    """Columns from left to right, each with its name and its parts from the bottom up."""
    top = _round(max((sum(part.number for part in parts) for _, parts in columns), default=0))
    room, step = HEIGHT - TOP - BOTTOM, WIDTH / max(1, len(columns))
    bars = []
    for place, (_, parts) in enumerate(columns):
        y = float(HEIGHT - BOTTOM)
        for part in parts:
            if part.number:
                height = max(LEAST, part.number / top * room)
                y -= height
                x = place * step + step / 10
                bars.append(Bar(round(x, 2), round(y, 1), round(step * 0.8, 2), round(height, 1), part))
    levels = [Mark(round(HEIGHT - BOTTOM - level / top * room, 1), f"{level:,}") for level in _levels(top)]
    every = max(1, math.ceil(len(columns) / TICKS))
    ticks = [
        Mark(round(place * step + step / 10, 2), name)
        for place, (name, _) in enumerate(columns)
        if place % every == 0
    ]
    return Plot(bars, levels, ticks)


def _round(most: int) -> int:
    """The next number that is read at a glance: 1, 2 or 5 and noughts."""
    if most <= 2:
        return 2
    unit: int = 10 ** (len(str(most)) - 1)
    return next(unit * step for step in (1, 2, 5, 10) if unit * step >= most)


def _levels(top: int) -> list[int]:
    return [0, top // 2, top] if top % 2 == 0 else [0, top]
