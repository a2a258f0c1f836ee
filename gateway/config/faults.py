"""A fault of the configuration: where it is, what is wrong, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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


NAMED_BY = ("id", "name", "domain")  # the key by which a fault names a table


def label(number: int, table: Mapping[str, object]) -> str:
    """What a table is called in faults: its id or name, else its place."""
    names = [table[key] for key in NAMED_BY if key in table]
    return next((name for name in names if isinstance(name, str) and name.isprintable()), str(number))


class ConfigError(Exception):
    """The configuration cannot be used; every fault of it at once."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(map(str, self.faults)))
