"""What is wrapped and refused, and that the page for operators says so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.mail.shapes import Refusal, Wrapping

PAGE = Path(__file__).parents[2] / "docs" / "message-shapes.md"


def first_column(heading: str) -> list[str]:
    """The first cell of each row of the table under that heading."""
    section = PAGE.read_text("utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| ([^|]+?) \|", section, re.MULTILINE)[1:]


@pytest.mark.parametrize(("heading", "reasons"), [("Wrapped", Wrapping), ("Refused", Refusal)])
def test_the_page_lists_every_reason(heading: str, reasons: type[Wrapping | Refusal]) -> None:
    """docs/message-shapes.md has each reason of the code once, in the code's order, and no other."""
    assert first_column(heading) == [str(reason) for reason in reasons]
