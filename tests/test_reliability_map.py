"""The map in tests/README.md leads somewhere: every case has a test, and every test it names is there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CASES = [
    *(f"A{number}" for number in (*range(1, 10), 16, 20)),
    *(f"B{number}" for number in (*range(1, 6), 8, 14)),
    *(f"C{number}" for number in (*range(1, 5), *range(8, 11), 13, 14)),
]
ROWS = re.findall(r"^\| ([^|]+) \| [^|]+ \| (.+) \|$", (HERE / "README.md").read_text(), re.MULTILINE)[1:]
NAMED = sorted({tuple(name) for _, cell in ROWS for name in re.findall(r"`(\S+\.py)::(\w+)`", cell)})


@pytest.mark.parametrize("case", CASES)
def test_every_case_has_a_test(case: str) -> None:
    """The case has a row of its own that names a test."""
    (tests,) = [cell for name, cell in ROWS if name == case]

    assert "::test_" in tests


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[*map("::".join, NAMED)])
def test_every_named_test_is_there(file: str, name: str) -> None:
    """The file defines the test."""
    tree = ast.parse((HERE / file).read_text())

    assert name in {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_named_dialog_is_there() -> None:
    """The dialogs named in brackets are files."""
    named = [
        name for _, cell in ROWS for list_ in re.findall(r"\(([^)]*)\)", cell) for name in list_.split(", ")
    ]

    assert named
    assert [name for name in named if not (HERE / f"smtp/dialogs/{name.strip('`')}.txt").exists()] == []
