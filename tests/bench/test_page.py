"""docs/speed.md is kept true by the bench: its results come from build/bench.json and nowhere else."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.bench import page
from tests.bench.figures import Aim, Part, Sheet

PAGE = Path(__file__).parents[2] / "docs" / "speed.md"
FOUND = Part(
    [Sheet("10 kB, 40 sessions", ("contender", "copies/s"), [("sendright", "1234")])],
    [Aim("times postfix", 2.61, 2.5, at_least=True), Aim("wakes", 9.0, 5, at_least=False)],
)


def test_results_fill_the_page() -> None:
    """What a run left in JSON stands between the markers, in place of what was there; the rest is kept."""
    found = page.part_of(json.loads(json.dumps(asdict(FOUND))))
    written = page.filled(PAGE.read_text(), {"relay": found}, ["a machine"])

    before, _, rest = written.partition(page.BEGINNING)
    inside, _, after = rest.partition(page.END)
    assert "| sendright | 1234 |" in inside
    assert "| times postfix | 2.61 | ≥ 2.5 | reached |" in inside
    assert "| wakes | 9.00 | ≤ 5 | not reached |" in inside
    assert "Measured on a machine." in inside
    assert before == PAGE.read_text().partition(page.BEGINNING)[0]
    assert after == PAGE.read_text().partition(page.END)[2]
    assert page.filled(written, {"relay": found}, ["a machine"]) == written


@pytest.mark.parametrize("text", ["", page.BEGINNING, page.END, page.BEGINNING * 2 + page.END])
def test_a_page_without_its_markers_is_left_alone(text: str) -> None:
    """No results are put where no page asks for them."""
    with pytest.raises(ValueError, match="marker"):
        page.filled(text, {}, [])


def test_the_machine_has_no_name() -> None:
    """Cores, model, kernel and Python are told; the host's name is not."""
    assert "cores" in page.machine()
    assert Path("/proc/sys/kernel/hostname").read_text().strip() not in page.machine().split()
