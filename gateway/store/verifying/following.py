"""Following the chains of one stream, row by row, in the order in which they were written (chain.py).

Rules of this file:

1. Each chain is followed to the head that was on record when the check began: what a live gateway writes
   meanwhile is not looked at.
2. One altered row is one fault. After it, the next row may follow either what is on record or what should
   have been, so that what comes after a fault is checked like all else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gateway.store.chain import Head, next_link, row_digest
from gateway.store.verifying.fault import Fault


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is a link: the key that names it, its values up to its place, and its link."""

    key: int
    values: tuple[object, ...]  # the last two are writer and n
    writer: int
    n: int
    link: bytes


class Following:
    """The chains of one stream, each as far as it was followed."""

    def __init__(
        self, stream: str, until: Mapping[int, Head], before: Callable[[Row], Head | None] | None
    ) -> None:
        """`until`: the heads by writer; `before` finds where a chain begins whose first rows are left out."""
        self._stream = stream
        self._until = until
        self._before = before
        self._ends: dict[int, tuple[Head, ...]] = {}  # by writer: the last row, in each way it can be taken
        self._later: dict[int, Row] = {}  # by writer: the last row after the head

    def is_later(self, row: Row) -> bool:
        """Whether it comes after the head: written since the check began, unless `faults` says otherwise."""
        head = self._until.get(row.writer)
        if head is not None and row.n <= head.n:
            return False
        if row.writer not in self._later or self._later[row.writer].n < row.n:
            self._later[row.writer] = row
        return True

    def follow(self, row: Row) -> str:
        """What is wrong with the next row; empty when nothing is."""
        ends = self._ends.get(row.writer) or (self._beginning(row),)
        due = [next_link(end.link, digest) for end in ends if end.n + 1 == row.n for digest in _digests(row)]
        if row.link in due:
            self._ends[row.writer] = (Head(row.n, row.link),)
            return ""
        first = ends[0].n + 1
        taken = [Head(row.n, row.link), *[Head(row.n, link) for link in due], Head(first, row.link), ends[0]]
        self._ends[row.writer] = tuple(taken if row.n >= first else taken[::-1])
        if row.n > first:
            return f"rows {first} to {row.n - 1} of writer {row.writer} are missing before it"
        if row.n < first:
            return f"out of place: row {row.n} of writer {row.writer}, where row {first} is due"
        return "altered: its link does not follow from its values and the row before it"

    def faults(self, heads_now: Mapping[int, Head]) -> Iterator[Fault]:
        """What is wrong with the ends; `heads_now` are the heads after all rows were followed."""
        for writer, head in self._until.items():
            ends = self._ends.get(writer)
            name = f"{self._stream} of writer {writer}"
            if ends is None:
                if self._before is None:
                    yield Fault(self._stream, f"1-{head.n}", f"rows of writer {writer} are missing")
            elif ends[0].n < head.n:
                yield Fault(
                    self._stream, f"{ends[0].n + 1}-{head.n}", f"the last rows of writer {writer} are missing"
                )
            elif head not in ends:
                yield Fault("heads", name, "is not the last row")
        for writer, row in self._later.items():
            if writer not in heads_now or heads_now[writer].n < row.n:
                yield Fault(self._stream, str(row.key), f"no head of writer {writer} covers its row {row.n}")

    def _beginning(self, row: Row) -> Head:
        found = self._before(row) if self._before and row.n > 1 else None
        return found or Head()


def _digests(row: Row) -> Iterator[bytes]:
    """The row's digest; none where its text is not text any more."""
    try:
        yield row_digest(row.values)
    except ValueError:  # which every encoder's own is a kind of
        return
