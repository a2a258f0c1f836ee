"""The unit for systemd lets the workers do what they do at their start."""

from __future__ import annotations

from pathlib import Path

UNIT = Path(__file__).parents[2] / "deploy" / "sendright.service"
OURS = {"setpriority", "sched_setaffinity"}  # os.nice and os.sched_setaffinity; both are among @resources


def test_what_workers_call_at_their_start_is_allowed() -> None:
    """A later line wins (systemd.exec(5)): what a denied group takes away is given back by name."""
    filters = [
        line.partition("=")[2].split()
        for line in UNIT.read_text().splitlines()
        if line.startswith("SystemCallFilter=")
    ]
    denied = next(place for place, words in enumerate(filters) if "@resources" in words)

    assert filters[denied][0].startswith("~")
    assert set().union(*filters[denied + 1 :]) >= OURS
