"""Pages in docs/ that are made from the code say what the code does."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.decisions import page
from gateway.law.packs import PACKS
from gateway.law.reason import Ground, Reason

DOCS = Path(__file__).parent.parent / "docs"


def test_the_page_on_decisions_is_the_one_that_is_made_now() -> None:
    """After a change to the law: python docs/decisions.py > docs/decisions.md"""
    assert (DOCS / "decisions.md").read_text("utf-8") == page()


@pytest.mark.parametrize("outcome", [*Ground, *Reason])
def test_each_ground_and_reason_is_on_the_page(outcome: Ground | Reason) -> None:
    """With its sentence and every pack's article, or the word that the pack never gives it."""
    (row,) = [line for line in page().splitlines() if line.startswith(f"| **{outcome.value}**<br>")]
    articles = row.strip("| ").split(" | ")[-len(PACKS) :]

    assert outcome.sentence in row
    for article, pack in zip(articles, PACKS.values(), strict=True):
        assert article in (pack.articles[outcome], "–")
    assert set(articles) != {"–"}


def test_every_table_is_whole() -> None:
    """Each row of a table has as many cells as its head."""
    for table in page().split("\n\n"):
        rows = [line for line in table.splitlines() if line.startswith("|")]
        assert len({row.count(" | ") for row in rows}) <= 1
