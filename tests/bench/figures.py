"""What a part of the bench found: tables as they are printed, and the aims with the figure for each."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Aim:
    """A line of what is to be reached. `figure` is None where it was not measured; `unit` says why."""

    text: str
    figure: float | None
    bound: float
    at_least: bool
    unit: str = ""

    @property
    def verdict(self) -> str:
        """In words."""
        if self.figure is None:
            return "not measured"
        reached = self.figure >= self.bound if self.at_least else self.figure <= self.bound
        return "reached" if reached else "not reached"

    @property
    def said(self) -> tuple[str, str, str, str]:
        """The line: what, the figure, the bound, whether it was reached."""
        figure = self.unit if self.figure is None else f"{self.figure:.2f} {self.unit}".strip()
        return self.text, figure, f"{'≥' if self.at_least else '≤'} {self.bound:g}", self.verdict


@dataclass(frozen=True)
class Sheet:
    """A table of text, the same on the terminal and on the page."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Part:
    """What one part found."""

    sheets: Sequence[Sheet]
    aims: Sequence[Aim] = field(default_factory=tuple)


def spread(figures: Sequence[float], form: str = ".0f") -> str:
    """A median, and the least and most beside it where there are more."""
    middle = format(statistics.median(figures), form)
    if len(figures) == 1:
        return middle
    return f"{middle} ({format(min(figures), form)} to {format(max(figures), form)})"
