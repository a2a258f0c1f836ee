"""A list of people to be mailed: an evidence file of which only `email` is needed, or one address a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway.address import AddressError, parse
from gateway.intake.fields import RawRow
from gateway.intake.files import EvidenceFile, Lines


class AddressFile(EvidenceFile):
    """A list that can be read more than once, in flat memory."""

    MUST = ("email",)

    def rows_by(self, head: str) -> Callable[[Lines], Iterator[RawRow]]:
        """As of an evidence file, but a first line that is an address already makes it a plain list."""
        return _plain_rows if _is_address(head.strip()) else super().rows_by(head)


def _is_address(line: str) -> bool:
    """Whether this is meant for an address, even one with a slip in it, and not for columns."""
    try:
        parse(line)
    except AddressError:
        return "@" in line and not any(mark in line for mark in ',;{"')
    return True


def _plain_rows(lines: Lines) -> Iterator[RawRow]:
    for number, line in lines:
        if text := line.strip():
            yield RawRow(number, {"email": text})
