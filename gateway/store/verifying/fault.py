"""What a check finds wrong: which row, and what of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A row that is not as it was written, or is not there: its table, its key, and what is wrong."""

    table: str
    id: str
    what: str
