"""Evidence files: CSV and JSON lines, read as a stream in flat memory (contract section 6).

Rules of this file:

1. A row that cannot be read is named with its line; every other row is read all the same. A broken quotation
   spoils the line it opens on, not the lines after it: there may be refusals among them.
2. Octets that are not UTF-8 become lone surrogates here, which no field may hold: so the row is named.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, TextIO, TypeAlias

from gateway.intake.fields import FIELDS, RawRow

JSON_NAMES = (".jsonl", ".ndjson", ".json")
MAX_LINE = 1 << 20  # characters of a line, and of a CSV row over several lines
EVERY = 500  # rows between two words of progress
SHOWN = 100  # characters of a dropped column's name
TWICE = object()  # the value of a name that a JSON object gives twice
_KNOWN = frozenset(FIELDS)

Lines: TypeAlias = Iterator[tuple[int, str]]  # each with its number, from 1


class FileError(Exception):
    """The file as a whole cannot be read as evidence; the message says why."""


class EvidenceFile:
    """An evidence file that can be read more than once.

    `columns` are the known fields it has, `size` its octets; `on_progress` hears now and then how many octets
    all passes together have read.
    """

    MUST: tuple[str, ...] = ("email", "kind")  # columns without which no row says anything

    def __init__(self, path: Path) -> None:
        """Looks at the head of the file. Raises FileError."""
        self.path = path
        self.on_progress: Callable[[int], object] = lambda _octets: None
        self._earlier = 0  # octets read by passes before this one
        try:
            if not path.is_file():
                raise FileError(f"{path}: not a file" if path.exists() else f"{path}: there is no such file")
            self.size = path.stat().st_size
            with path.open("rb") as octets, _decoded(octets) as text:
                head = _first_line(text)
        except OSError as error:
            raise FileError(f"{path}: {error.strerror}") from error
        self.columns = FIELDS
        self._rows = self.rows_by(head)

    def rows_by(self, head: str) -> Callable[[Lines], Iterator[RawRow]]:
        """What makes rows of the lines, as the name and the first line tell. Raises FileError."""
        if self.path.suffix.lower() in JSON_NAMES or head.lstrip().startswith("{"):
            if head.lstrip().startswith("["):
                raise FileError(f"{self.path}: must be JSON lines, one object a line, not one JSON array")
            return _json_rows
        self._delimiter, self._header, self._dropped = _header_of(self.path, head, self.MUST)
        self.columns = tuple(name for name in self._header if name in _KNOWN)
        self._unknown = {*self._header} - _KNOWN
        return self._csv_rows

    def rows(self) -> Iterator[RawRow]:
        """Every row, in order; blank lines are none. Raises FileError when reading fails half-way."""
        try:
            with self.path.open("rb") as octets, _decoded(octets) as text:
                for count, row in enumerate(self._rows(_lines(text))):
                    if count % EVERY == 0:
                        self.on_progress(self._earlier + octets.tell())
                    yield row
                self._earlier += octets.tell()
                self.on_progress(self._earlier)
        except OSError as error:
            raise FileError(f"{self.path}: {error.strerror}") from error

    def _csv_rows(self, lines: Lines) -> Iterator[RawRow]:
        source = _Source(lines)
        next(line for line in source if line.strip())  # the header, read before
        reader = csv.reader(source, delimiter=self._delimiter, strict=True)  # after an error it begins anew
        while True:
            source.begin()
            fault = ""
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                cells = source.give_back(self._delimiter)
                fault = "quotation marks that do not match, or a row that is too long"
            if any(map(str.strip, cells)):
                yield self._row(source.taken[0][0], cells, fault)

    def _row(self, line: int, cells: Sequence[str], fault: str) -> RawRow:
        header = self._header
        if len(cells) > len(header) and any(map(str.strip, cells[len(header) :])):
            fault = fault or f"has {len(cells)} cells, the header {len(header)}"
        named: dict[str, object] = dict(zip(header, cells, strict=False))
        for name in self._unknown:
            named.pop(name, None)
        return RawRow(line, named, fault, self._dropped)


class _Source:
    """Lines for the CSV reader, some of which it may give back."""

    def __init__(self, lines: Lines) -> None:
        self.taken: list[tuple[int, str]] = []  # of the row being read
        self._lines = lines
        self._returned: deque[tuple[int, str]] = deque()
        self._length = 0  # characters taken
        self._spoilt = 0  # up to this line nothing closes a quotation that is open where a line begins

    def __iter__(self) -> _Source:
        return self

    def __next__(self) -> str:
        if self.taken and self._returned and self._returned[0][0] <= self._spoilt:
            raise csv.Error(
                "the quotation is not closed"
            )  # as was found before, for the row that gave it back
        number, line = self._returned.popleft() if self._returned else next(self._lines)
        self.taken.append((number, line))
        self._length += len(line)
        if self._length > MAX_LINE:
            raise csv.Error("the row is too long")
        return line

    def begin(self) -> None:
        """The next line begins a row."""
        self.taken.clear()
        self._length = 0

    def give_back(self, delimiter: str) -> list[str]:
        """Keep only the first line of the row that failed; its cells, as far as they can be told (rule 1)."""
        first, *rest = self.taken
        self.taken = [first]
        self._spoilt = max([self._spoilt, *(number for number, _ in rest[-1:])])
        self._returned.extendleft(reversed(rest))
        try:
            return next(csv.reader([first[1]], delimiter=delimiter), [])
        except csv.Error:
            return ["?"]  # not blank, so that the row is named


def _decoded(octets: BinaryIO) -> io.TextIOWrapper:
    """Rule 2; with or without a byte order mark, line ends as they are."""
    return io.TextIOWrapper(octets, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _lines(text: TextIO) -> Lines:
    """Each line with its number; one over MAX_LINE comes as its beginning and NULs, which nothing accepts."""
    number = 0
    while line := text.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE and not line.endswith(("\n", "\r")):
            while (rest := text.readline(MAX_LINE)) and not rest.endswith(("\n", "\r")):
                pass
            line += "\0"
        yield number, line


def _first_line(text: TextIO) -> str:
    return next((line for _, line in _lines(text) if line.strip()), "")


def _header_of(path: Path, line: str, must: tuple[str, ...]) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The delimiter, the lower-case column names, and unknown ones as written. Raises FileError."""
    if not line:
        raise FileError(f"{path}: the file is empty; its first line must name the columns")
    delimiter, written = max(
        ((one, _names(line, one)) for one in ",;"), key=lambda found: _fit(found[1], must)
    )
    names = [name.lower() for name in written]
    lacking = [name for name in must if name not in names]
    if lacking:
        raise FileError(f"{path}: the first line must name the columns, and lacks {' and '.join(lacking)}")
    if twice := sorted({name for name in names if name and names.count(name) > 1}):
        raise FileError(f"{path}: the first line names {_shown(twice[0])} twice")
    unknown = (
        _shown(name) or f"column {place}"
        for place, name in enumerate(written, 1)
        if name.lower() not in _KNOWN
    )
    return delimiter, tuple(names), tuple(unknown)


def _fit(names: list[str], must: tuple[str, ...]) -> tuple[int, int]:
    """How well these are column names: what must be there counts first."""
    return len({*must} & {name.lower() for name in names}), len(names)


def _names(line: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]
    except csv.Error:
        return []


def _json_rows(lines: Lines) -> Iterator[RawRow]:
    for number, line in lines:
        if not line.strip():
            continue
        try:
            value = json.loads(line, object_pairs_hook=_by_name, parse_constant=_no_number)
        except (ValueError, RecursionError) as error:
            yield RawRow(number, {}, f"not a JSON object on one line ({type(error).__name__})")
            continue
        if not isinstance(value, dict):
            yield RawRow(number, {}, "not a JSON object")
            continue
        yield raw_row(number, value)


def raw_row(line: int, values: Mapping[str, object]) -> RawRow:
    """A row from a mapping, as JSON has it; field names in any case.

    A field that is given twice breaks the row and says nothing: whoever took one would choose for the sender.
    """
    known: dict[str, object] = {}
    dropped = []
    fault = ""
    for name, value in values.items():
        plain = name.strip().lower()
        if plain not in _KNOWN:
            dropped.append(_shown(name))
        elif plain in known or value is TWICE:
            known[plain] = None
            fault = fault or f"{plain} is given twice"
        else:
            known[plain] = value
    return RawRow(line, known, fault, tuple(dropped))


def _by_name(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object; what has a name that is given twice is TWICE."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = Counter(name for name, _ in pairs)
        found = {name: TWICE if names[name] > 1 else value for name, value in found.items()}
    return found


def _no_number(_text: str) -> object:
    raise ValueError("NaN and Infinity are not JSON")


def _shown(name: str) -> str:
    """A column's name as it can be shown: short, and nothing a terminal would obey."""
    return "".join(char if char.isprintable() else "?" for char in name[:SHOWN])
