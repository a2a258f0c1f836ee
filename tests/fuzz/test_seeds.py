"""The fuzz target's claims over its seeds: what was found once stays mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.claims import check

HERE = Path(__file__).parent
SEEDS = sorted([*(HERE / "seeds").iterdir(), *(HERE.parent / "mail" / "golden").glob("*.eml")])


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_claims_hold_for_each_seed(path: Path) -> None:
    """Each seed is carried with its way out, its words and files unchanged and signed, or refused by name."""
    check(path.read_bytes())
