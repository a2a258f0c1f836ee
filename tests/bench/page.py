"""docs/speed.md: the part between its two markers is written from the results, so that it stays true."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tests.bench.figures import Aim, Part, Sheet

PAGE = Path("docs/speed.md")
BEGINNING = "<!-- results: written by `python -m tests.bench --write` -->"
END = "<!-- end of results -->"


def machine() -> str:
    """What it was measured on; no name of a host."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    return (
        f"{os.cpu_count()} cores ({cpu}), {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}"
    )


def filled(page: str, parts: Mapping[str, Part], measured_on: Iterable[str]) -> str:
    """The page with these results between its markers. Raises ValueError when it has not just one of each."""
    if page.count(BEGINNING) != 1 or page.count(END) != 1:
        raise ValueError("the page must have each marker once")
    before, _, rest = page.partition(BEGINNING)
    _, _, after = rest.partition(END)
    text = "\n".join(_text(parts, measured_on))
    return f"{before}{BEGINNING}\n\n{text}\n{END}{after}"


def _text(parts: Mapping[str, Part], measured_on: Iterable[str]) -> Iterator[str]:
    yield from (f"Measured on {one}." for one in sorted(set(measured_on)))
    yield ""
    aims = [aim.said for part in parts.values() for aim in part.aims]
    if aims:
        yield from table(Sheet("To reach", ("aim", "figure", "bound", ""), aims))
    for part in parts.values():
        for sheet in part.sheets:
            yield from table(sheet)


def table(sheet: Sheet) -> Iterator[str]:
    """A sheet in Markdown."""
    title = sheet.title[0].upper() + sheet.title[1:]
    yield f"### {title}\n"
    yield _row(sheet.columns)
    yield _row(["---"] * len(sheet.columns))
    yield from map(_row, sheet.rows)
    yield ""


def _row(cells: Iterable[str]) -> str:
    escaped = (cell.replace("|", "\\|").replace("<", "\\<") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def part_of(found: Mapping[str, list[dict[str, object]]]) -> Part:
    """A part out of JSON."""
    return Part(
        [Sheet(**sheet) for sheet in found["sheets"]],  # type: ignore[arg-type]  # as it was dumped
        [Aim(**aim) for aim in found["aims"]],  # type: ignore[arg-type]
    )
