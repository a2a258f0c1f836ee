"""A fault of the configuration: where it is, what is wrong, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to mend; `key` is dotted, a table by its id or name, as `login[shop].default_category`."""

    file: str
    key: str
    fault: str
    mend: str

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.fault}; {self.mend}"


class ConfigError(Exception):
    """The configuration cannot be used; every fault of it at once."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))
