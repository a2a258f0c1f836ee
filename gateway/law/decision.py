"""The decision: one table, in order (law.md section 2). A decision and its explanation are one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from gateway.law.reason import Ground, Reason


@dataclass(frozen=True, slots=True)
class Step:
    """One test of the table and how it came out."""

    row: int
    test: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """The law lets this mail reach this person."""

    ground: Ground
    article: str
    evidence: tuple[int, ...] = ()  # ids of the rows it rests on
    customer: Literal["one-off", "recurring"] | None = None  # L17, on the soft opt-in
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Withhold:
    """The law does not let it, and why."""

    reason: Reason
    article: str
    evidence: tuple[int, ...] = ()
    detail: str = ""  # what lacks, where the reason names something
    steps: tuple[Step, ...] = ()


Decision: TypeAlias = Send | Withhold
