"""sendright import and object."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import BUTCHER, CONFIG, ROWS, Shop


def test_import_tells_what_came_of_the_rows(shop: Shop) -> None:
    """The JSON result has exactly the keys of the contract; a second import changes nothing."""
    path = shop.file("rows.csv", ROWS)

    first, second = shop.run("import", path, "--json"), shop.run("import", path, "--json")

    assert first.json == {"imported": 3, "unchanged": 0, "rejected": 0, "dropped_columns": []}
    assert second.json == {"imported": 0, "unchanged": 3, "rejected": 0, "dropped_columns": []}
    assert (first.code, second.code) == (0, 0)


def test_rejected_rows_are_exit_code_1_and_named(shop: Shop) -> None:
    """A row that fails is told with its line; the others are imported; a consent without proof is told."""
    rows = ROWS + "nobody,contact,,,,,,\ndewi@example.org,consent,newsletter,2026-03-01T09:30:00Z,,,,\n"

    ran = shop.run("import", shop.file("rows.csv", rows))

    assert ran.code == 1
    assert ran.out == "imported 4, unchanged 0, rejected 1\n"
    assert "line 5: email: " in ran.err
    assert "unproven consents: 1" in ran.err


def test_an_unconfirmed_consent_is_told_wherever_it_is_asked_about(shop: Shop) -> None:
    """Import, decide and dossier say that a double opt-in category asks for confirmed_at (L2)."""
    strict = CONFIG.replace('title = "Nieuwsbrief"', 'title = "Nieuwsbrief"\ndouble_opt_in = true')
    shop.file("gateway.toml", strict)
    lacks = "lacks confirmed_at, which newsletter asks for (double opt-in)"

    imported = shop.run("import", shop.file("rows.csv", ROWS))
    decided = shop.run("decide", "anna@example.org", "--category", "newsletter")
    held = json.loads(shop.run("dossier", "anna@example.org", "--format", "json").out)

    assert imported.out == "imported 3, unchanged 0, rejected 0\n"
    assert "unconfirmed consents: 2; newsletter asks for confirmed_at (double opt-in)" in imported.err
    assert decided.out.startswith(f"withhold: consent-unproven ({lacks})\n")
    assert {one["lacks"] for one in held["sections"][0]["now"]} == {lacks, None}
    assert lacks in shop.run("dossier", "anna@example.org", "--format", "html").out


def test_the_rows_in_the_documentation_work(shop: Shop) -> None:
    """docs/import.md has a confirmed consent, a customer's soft opt-in and an objection, as it says."""
    text = (Path(__file__).parents[2] / "docs" / "import.md").read_text("utf-8")
    rows = text.partition("```csv\n")[2].partition("```")[0]
    shop.file("gateway.toml", CONFIG.replace('["bread"]', '["shop"]\ndouble_opt_in = true'))

    ran = shop.run("import", shop.file("rows.csv", rows))
    said = [
        shop.run("decide", f"{name}@example.org", "--category", "newsletter").out.splitlines()[0]
        for name in ("anna", "bram", "chris")
    ]

    assert (ran.out, ran.err) == ("imported 3, unchanged 0, rejected 0\n", "")
    assert said == ["send: consent", "send: soft-opt-in (one-off customer)", "withhold: objected"]


@pytest.mark.parametrize(
    ("column", "meant"),
    [("optout_offered", "optout_offered_at"), ("Confirmed", "confirmed_at"), ("shoe size", "")],
)
def test_a_dropped_column_near_a_known_one_is_told(shop: Shop, column: str, meant: str) -> None:
    """A slip in a column's name costs its proof; the report names the column that was meant."""
    path = shop.file("rows.csv", f"email,kind,{column}\nanna@example.org,objection,7\n")

    ran = shop.run("import", path)

    assert f"not stored: {column}" in ran.out
    assert ran.err == (f"{column}: did you mean {meant}?\n" if meant else "")


def test_the_rejects_file_can_be_opened_safely(shop: Shop) -> None:
    """Rejects have line, reason and known columns; no cell is a formula; nobody else can read the file."""
    path = shop.file("rows.csv", 'email,kind,what,Age\n"=HYPERLINK(1)",contact,@x,7\n')
    rejects = shop.folder / "rejects.csv"

    ran = shop.run("import", path, "--rejects", rejects)

    with rejects.open(newline="") as file:
        header, row = csv.reader(file)
    assert ran.code == 1
    assert header == ["line", "reason", "email", "kind", "what"]
    assert (row[0], row[2:]) == ("2", ["'=HYPERLINK(1)", "contact", "'@x"])
    assert rejects.stat().st_mode & 0o777 == 0o600
    assert "not stored: Age" in ran.out


def test_a_rejects_file_never_replaces_the_import(shop: Shop) -> None:
    """--rejects with the imported file's own name is refused before anything is read or written."""
    path = shop.file("rows.csv", ROWS)

    assert shop.run("import", path, "--rejects", path).code == 2
    assert path.read_text() == ROWS


def test_a_dry_run_counts_as_the_import_does(shop: Shop) -> None:
    """A row that a file has twice is imported once, and is said to be."""
    path = shop.file("twice.csv", ROWS + 2 * "eva@example.org,objection,,,,,,\n")
    rehearsed = shop.run("import", path, "--dry-run", "--json").json
    assert rehearsed["unchanged"] == 1
    assert shop.run("import", path, "--json").json == rehearsed


def test_a_dry_run_changes_nothing(shop: Shop) -> None:
    """Before the first start it makes neither keys nor store; after an import it knows what is on record."""
    path = shop.file("rows.csv", ROWS)

    before = shop.run("import", path, "--dry-run", "--json").json
    assert shop.state == []
    shop.run("import", path)
    held = shop.state
    after = shop.run("import", shop.file("more.csv", ROWS + "eva@example.org,objection,,,,,,\n"), "--dry-run")

    assert (before["imported"], before["unchanged"]) == (3, 0)
    assert after.out == "imported 1, unchanged 3, rejected 0 (dry run)\n"
    assert shop.state == held
    assert shop.run("decide", "eva@example.org", "--category", "newsletter", "--json").json["reason"] == (
        "unknown-person"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "the file is empty"), ("name;age\n", "lacks email and kind"), ("email,kind,kind\n", "twice")],
)
def test_a_file_that_cannot_be_evidence_is_exit_code_2(shop: Shop, content: str, said: str) -> None:
    """Such a file is refused as a whole, and nothing is on record."""
    ran = shop.run("import", shop.file("rows.csv", content))

    assert ran.code == 2
    assert said in ran.err


def test_import_needs_a_controller_where_there_are_several(shop_with: Callable[[str], Shop]) -> None:
    """Whose evidence it is must be said; a category of another's is rejected, a refusal never."""
    shop = shop_with(BUTCHER)
    path = shop.file("rows.csv", ROWS)

    assert shop.run("import", path).code == 2
    assert shop.run("import", path, "--controller", "baker").code == 2
    ran = shop.run("import", path, "--controller", "butcher", "--json")
    assert (ran.code, ran.json["imported"], ran.json["rejected"]) == (1, 1, 2)


def test_an_objection_is_recorded_for_every_controller(shop_with: Callable[[str], Shop]) -> None:
    """Without --controller each controller has it; the same words again are on record already."""
    shop = shop_with(BUTCHER)
    said = ("object", "ANNA@example.org", "--via", "phone", "--operator", "Saskia", "--json")

    first, second = shop.run(*said), shop.run(*said)

    assert first.code == second.code == 0
    assert [(one["controller"], one["scope"], one["new"]) for one in first.json] == [
        ("shop", "marketing", True),
        ("butcher", "marketing", True),
    ]
    assert [one["new"] for one in second.json] == [False, False]
    assert [one["evidence"] for one in second.json] == [one["evidence"] for one in first.json]
    for category in ("newsletter", "meat"):
        ran = shop.run("decide", "anna@example.org", "--category", category, "--json")
        assert ran.json["reason"] == "objected"


def test_an_unknown_scope_is_recorded_as_the_widest(shop: Shop) -> None:
    """An objection has no required form (L11): a scope nobody knows is one to all marketing, and says so."""
    ran = shop.run("object", "a@example.org", "--via", "letter", "--operator", "S", "--scope", "category:old")

    assert ran.code == 0
    assert ran.out.startswith("shop: objection to marketing recorded, evidence ")
    assert "that is all marketing of shop: it knows no 'category:old'" in ran.out
    assert (
        "not known to shop; there is marketing, profiling, category:invoice, category:newsletter" in ran.err
    )


def test_an_objection_of_a_stranger_is_told_as_such(stocked: Shop) -> None:
    """It binds all the same; a slip in the address is found while the person is still on the phone."""
    said = ("--via", "phone", "--operator", "S")

    assert "nothing else is on record" in stocked.run("object", "ana@example.org", *said).err
    assert stocked.run("object", "anna@example.org", *said).err == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("object", "a@example.org"),
        ("object", "a@example.org", "--via", "phone"),
        ("object", "a@example.org", "--via", " ", "--operator", "S"),
        ("object", "nobody", "--via", "phone", "--operator", "S"),
        ("object", "a@example.org", "--via", "phone", "--operator", "S", "--controller", "baker"),
        ("import",),
        ("import", "missing.csv"),
        ("import", "\x07\u202e.csv"),
    ],
)
def test_wrong_usage_is_exit_code_2(shop: Shop, arguments: tuple[str, ...]) -> None:
    """What lacks or cannot be is named on standard error, with nothing that a terminal would obey."""
    ran = shop.run(*arguments)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err
    assert ran.err.replace("\n", "").isprintable()


def test_octets_that_are_no_utf8_on_the_command_line(shop: Shop) -> None:
    """Latin-1 from a terminal is kept where it is only words, and named where it is the address."""
    latin = os.fsdecode(b"caf\xe9")

    assert shop.run("object", "a@example.org", "--via", latin, "--operator", latin).code == 0
    assert shop.run("object", f"{latin}@example.org", "--via", "x", "--operator", "y").code == 2
