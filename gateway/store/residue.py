"""What SQLite leaves behind in a file although it deletes securely, and how it can be made to overwrite it.

When SQLite shares out the rows of a full page among its neighbours, copies of rows may stay in the part of a
page that is not in use; `secure_delete` does not overwrite those. Rules of this file:

1. It only reads, and it is a program of its own (`python residue.py FILE [PAGE...]`): a process that closes
   any file it had open loses the locks that its SQLite connections hold on that file (POSIX).
2. It names for each such page a row on it, and by how much that row must grow to fill the page. Whoever
   writes that row so, and then as it was, has had the whole unused part overwritten: SQLite clears what a
   row gives back.
3. Only leaves of tables of details are looked at: key, 16 octets of salt, then text. Nothing
   else names people.

Source: https://www.sqlite.org/fileformat2.html, sections 1.3 (header) and 1.6 (b-tree pages).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

HEADER = 100  # octets of the file's header
LEAF = 0x0D  # of a table
FIXED = 8  # octets of a leaf's own header
KEY, SALT = 0, 12 + 2 * 16  # serial types: the row's own number, a blob of 16 octets
NEAR = 16  # octets: lengths grow by a few octets with what they count
LEAST = 24  # octets: a page filled to within so many can hold no more of a row than chance would
_WORDS = re.compile(rb"[\x20-\xff]{4}")  # what text looks like, and stale pointers do not


@dataclass(frozen=True, slots=True)
class Residue:
    """A page with something in its unused part; `columns` and `row` name a row on it, which grows by `by`."""

    page: int
    columns: int
    row: int
    by: int


@dataclass(frozen=True, slots=True)
class _Cell:
    """A row as it lies on the page."""

    payload: int  # octets, wherever they are
    row: int
    types: tuple[int, ...]


def residues(file: BinaryIO, pages: Sequence[int] = ()) -> Iterator[Residue]:
    """Every page of a database that has residue, or those of `pages` that have."""
    head = file.read(HEADER)
    size = int.from_bytes(head[16:18], "big")
    size = 65536 if size == 1 else size
    if pages:
        for number in pages:
            file.seek((number - 1) * size)
            if found := residue_of(file.read(size), number, size - head[20]):
                yield found
        return
    file.seek(0)
    number = 0
    while page := file.read(size):
        number += 1
        if page[0] == LEAF and (found := residue_of(page, number, size - head[20])):
            yield found


def residue_of(page: bytes, number: int, usable: int) -> Residue | None:
    """What is left on a page, if anything is."""
    if len(page) < usable or page[0] != LEAF:
        return None
    rows, top = int.from_bytes(page[3:5], "big"), int.from_bytes(page[5:7], "big") or 65536
    low = FIXED + 2 * rows
    if not _WORDS.search(page, low + LEAST, top):
        return None
    try:
        cells = [_cell(page, int.from_bytes(page[at : at + 2], "big")) for at in range(FIXED, low, 2)]
        free = top - low + page[7] + sum(_freed(page))
    except IndexError:  # the page was being written while it was read
        return None
    own = [cell for cell in cells if cell.types[:2] == (KEY, SALT)]
    for near in (free - NEAR, 0):  # what fits at once, else whatever comes nearest
        grown = [found for cell in own if (found := _growth(cell, free, usable, max(near, 0)))]
        if grown:
            _, by, cell = min(grown, key=lambda one: one[0])
            return Residue(number, len(cell.types), cell.row, by)
    return None


def _growth(cell: _Cell, free: int, usable: int, least: int) -> tuple[int, int, _Cell] | None:
    """How little of the free part stays unfilled, and by how much the row's last text grows for it."""
    room = _size(cell, 0, usable) + free
    sizes = ((room - _size(cell, by, usable), by, cell) for by in range(free, least, -1))
    return min((one for one in sizes if one[0] >= 0), default=None, key=lambda one: one[0])


def _size(cell: _Cell, by: int, usable: int) -> int:
    """The octets of a row on its page once its last text has grown (sections 1.6 and 2.1)."""
    last = cell.types[-1]
    payload = cell.payload + by + _varint_length(last + 2 * by) - _varint_length(last)
    most, least = usable - 35, (usable - 12) * 32 // 255 - 23
    local, beyond = payload, 0
    if payload > most:
        local, beyond = least + (payload - least) % (usable - 4), 4
        local = local if local <= most else least
    return max(_varint_length(payload) + _varint_length(cell.row) + local + beyond, 4)


def _cell(page: bytes, at: int) -> _Cell:
    payload, at = _varint(page, at)
    row, at = _varint(page, at)
    length, start = _varint(page, at)
    end, types, at = at + length, [], start
    while at < end:
        kind, at = _varint(page, at)
        types.append(kind)
    return _Cell(payload, row, tuple(types))


def _freed(page: bytes) -> Iterator[int]:
    """The octets of each block that was given back between rows."""
    at = int.from_bytes(page[1:3], "big")
    while at:
        yield int.from_bytes(page[at + 2 : at + 4], "big")
        later = int.from_bytes(page[at : at + 2], "big")
        if later and later <= at:
            raise IndexError
        at = later


def _varint(page: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(8):
        octet = page[at + place]
        value = value << 7 | octet & 0x7F
        if octet < 0x80:
            return value, at + place + 1
    return value << 8 | page[at + 8], at + 9


def _varint_length(value: int) -> int:
    return next((octets for octets in range(1, 9) if value < 1 << 7 * octets), 9)


def main() -> None:
    """Print page, columns, row and growth of each, a line each."""
    path, *pages = sys.argv[1:]
    with open(path, "rb") as file:  # noqa: PTH123 - without pathlib this program starts sooner
        for one in residues(file, [*map(int, pages)]):
            print(one.page, one.columns, one.row, one.by)


if __name__ == "__main__":
    main()
