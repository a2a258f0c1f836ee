"""A cell of an exported table, whoever opens it."""

from __future__ import annotations


def guarded(cell: str) -> str:
    """A CSV cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) else cell
