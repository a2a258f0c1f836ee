"""Claims about the law's independence of everything else."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import gateway.law

FILES = sorted(Path(gateway.law.__file__).parent.rglob("*.py"))
ALLOWED = {
    *("__future__", "bisect", "collections", "dataclasses", "datetime", "enum"),
    *("functools", "itertools", "operator", "types", "typing"),
}
CLOCKS = {"now", "utcnow", "today"}


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield node.module or ""


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_law_is_pure(file: Path) -> None:
    """law/ imports itself and harmless parts of the standard library, and never asks the time."""
    tree = ast.parse(file.read_text("utf-8"))
    foreign = {
        name
        for name in _imports(tree)
        if name.split(".")[0] not in ALLOWED and not f"{name}.".startswith("gateway.law.")
    }
    assert foreign == set()
    calls = {
        node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not calls & CLOCKS
