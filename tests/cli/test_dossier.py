"""`sendright dossier`: all that is held on a person, as data that can be checked, or as a page."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import BUTCHER, ROWS, Shop

VERIFIER = Path(__file__).parents[2] / "deploy" / "verify_export.py"


def test_a_dossier_is_printed_and_can_be_checked_without_the_gateway(stocked: Shop) -> None:
    """Saved to a file, the independent verifier finds it whole."""
    ran = stocked.run("dossier", "Bram@example.org")
    path = stocked.file("bram.json", ran.out)
    body = json.loads(ran.out)
    (section,) = body["sections"]

    assert (ran.code, ran.err) == (0, "")
    assert [one["kind"] for one in section["evidence"]] == ["objection", "consent"]
    assert body["address"] == "Bram@example.org"
    done = subprocess.run(
        [sys.executable, "-I", VERIFIER, path, "--key", body["key"]],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_json_is_the_same_by_either_option(stocked: Shop) -> None:
    """--json is --format json, and what is printed is ASCII alone."""
    plain, asked, option = (
        stocked.run("dossier", "anna@example.org", *more) for more in ([], ["--json"], ["--format", "json"])
    )

    assert plain.out.isascii()
    for one in (asked, option):
        first, second = json.loads(plain.out), json.loads(one.out)
        assert first["sections"][0]["evidence"] == second["sections"][0]["evidence"]


def test_a_page_is_printed(stocked: Shop) -> None:
    """--format html is a whole page, in the controller's language."""
    ran = stocked.run("dossier", "anna@example.org", "--format", "html")

    assert ran.code == 0
    assert ran.out.startswith("<!doctype html>")
    assert ran.out.rstrip().endswith("</html>")
    assert "Wat De Winkel van je heeft vastgelegd" in ran.out


def test_of_whom_nothing_is_held_the_dossier_says_so(stocked: Shop) -> None:
    """Nothing is an answer, not a failure: exit 0, an empty dossier, and a remark."""
    ran = stocked.run("dossier", "nobody@example.org")
    (section,) = json.loads(ran.out)["sections"]

    assert ran.code == 0
    assert (section["evidence"], section["decisions"], section["acts"]) == ([], [], [])
    assert "nothing is held" in ran.err


def test_without_controller_there_is_a_section_for_each(shop_with: Callable[[str], Shop]) -> None:
    """With --controller one alone (contract section 2)."""
    shop = shop_with(BUTCHER)
    assert shop.run("import", shop.file("rows.csv", ROWS), "--controller", "shop").code == 0
    both = json.loads(shop.run("dossier", "anna@example.org").out)["sections"]
    one = json.loads(shop.run("dossier", "anna@example.org", "--controller", "butcher").out)["sections"]

    assert [section["controller"]["id"] for section in both] == ["shop", "butcher"]
    assert [len(section["evidence"]) for section in both] == [1, 0]
    assert [section["controller"]["id"] for section in one] == ["butcher"]


@pytest.mark.parametrize(
    "wrong",
    [["anna"], ["anna@example.org", "--controller", "baker"], ["anna@example.org", "--format", "csv"]],
)
def test_what_is_wrong_is_said(stocked: Shop, wrong: list[str]) -> None:
    """No address, no such controller, no such format: exit 2."""
    assert stocked.run("dossier", *wrong).code == 2
