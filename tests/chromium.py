"""Debian's Chromium, as every test that needs a browser starts it."""

from __future__ import annotations

import shutil
from pathlib import Path

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
SCREENSHOTS = Path(__file__).parents[1] / "build" / "screenshots"  # for people to look at


def program() -> str:
    """Where it is installed."""
    found = shutil.which("chromium")
    assert found, "chromium is not installed: run deploy/debian-packages chromium"
    return found


def emptied(name: str) -> Path:
    """A folder of screenshots without those of the run before."""
    folder = SCREENSHOTS / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
