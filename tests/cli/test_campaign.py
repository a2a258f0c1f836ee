"""sendright precheck."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Shop

PEOPLE = "email,name\nAnna@example.org,Anna\nbram@example.org,Bram\ndewi@example.org,Dewi\nnobody,\n"
COLUMNS = ["address", "decision", "ground", "reason", "article", "evidence", "line"]


def precheck(shop: Shop, list_: str, *more: object) -> list[dict[str, str]]:
    """The lines of the CSV on standard output."""
    ran = shop.run("precheck", shop.file("list.csv", list_), "--category", "newsletter", *more)
    return list(csv.DictReader(ran.out.splitlines()))


def test_each_address_has_a_line_with_the_decision_and_its_article(stocked: Shop) -> None:
    """Address as written, send or withhold, why, by which article, on which evidence; a slip is rejected."""
    lines = precheck(stocked, PEOPLE)

    assert list(lines[0]) == COLUMNS
    assert [(one["address"], one["decision"], one["ground"] or one["reason"]) for one in lines] == [
        ("Anna@example.org", "send", "consent"),
        ("bram@example.org", "withhold", "objected"),
        ("dewi@example.org", "withhold", "unknown-person"),
        ("nobody", "rejected", "address must have the form local-part@domain"),
    ]
    assert [bool(one["article"]) for one in lines] == [True, True, True, False]
    assert [bool(one["evidence"]) for one in lines] == [True, True, False, False]
    assert [one["line"] for one in lines] == ["2", "3", "4", "5"]


def test_the_answers_are_those_of_decide(stocked: Shop) -> None:
    """With --json each line is what `decide --json` says of that person."""
    ran = stocked.run("precheck", stocked.file("list.csv", PEOPLE), "--category", "newsletter", "--json")

    for line in map(json.loads, ran.out.splitlines()[:3]):
        address, _ = line.pop("address"), line.pop("line")
        one = stocked.run("decide", address, "--category", "newsletter", "--json").json
        assert line == {name: one[name] for name in line}


def test_a_summary_by_reason_comes_last(stocked: Shop) -> None:
    """Beside the lines, on standard error, how many of each; with --out it is the result."""
    path = stocked.file("list.csv", PEOPLE + "erik@example.org,\n")
    out = stocked.folder / "out.csv"

    beside = stocked.run("precheck", path, "--category", "newsletter")
    ran = stocked.run("precheck", path, "--category", "newsletter", "--out", out)
    counted = stocked.run("precheck", path, "--category", "newsletter", "--out", out, "--json")

    summary = [
        "addresses 5",
        "  rejected 1",
        "  send consent 1",
        "  withhold unknown-person 2",
        "  withhold objected 1",
    ]
    assert beside.err.splitlines() == ran.out.splitlines() == summary
    assert counted.json == {
        "addresses": 5,
        "send": {"consent": 1},
        "withhold": {"objected": 1, "unknown-person": 2},
        "rejected": 1,
    }
    assert len(out.read_text().splitlines()) == 5


@pytest.mark.parametrize(
    ("list_", "code"),
    [("anna@example.org\n", 0), ("dewi@example.org\n", 1), ("a@b@c\n", 1), ("", 2), ("x,y\n", 2)],
)
def test_the_exit_code_says_whether_all_may_be_sent(stocked: Shop, list_: str, code: int) -> None:
    """0 when all may, 1 when any is withheld or rejected, 2 when this is no list."""
    assert stocked.run("precheck", stocked.file("list", list_), "--category", "newsletter").code == code


def test_the_lines_can_be_opened_safely(stocked: Shop) -> None:
    """No cell is a formula or has what a terminal would obey; nobody else can read the file."""
    out = stocked.folder / "out.csv"
    path = stocked.file("list", b"=a|b@example.org\n+1@example.org\n\x1b[2J@x\n\xff@example.org\n")

    assert stocked.run("precheck", path, "--category", "newsletter", "--out", out).code == 1

    cells = [row[0] for row in csv.reader(out.read_text().splitlines())][1:]
    assert cells == ["'=a|b@example.org", "'+1@example.org", "?[2J@x", "?@example.org"]
    assert out.stat().st_mode & 0o777 == 0o600
    assert stocked.run("precheck", path, "--category", "newsletter").code == 1  # and on a terminal


def test_the_list_is_never_overwritten(stocked: Shop) -> None:
    """--out with the list's own name is refused."""
    path = stocked.file("list", "anna@example.org\n")

    assert stocked.run("precheck", path, "--category", "newsletter", "--out", path).code == 2
    assert path.read_text() == "anna@example.org\n"


@pytest.mark.parametrize(
    "more", [("--category", "bread"), (), ("--category", "newsletter", "--channel", "fax")]
)
def test_wrong_usage_is_exit_code_2(stocked: Shop, more: tuple[str, ...]) -> None:
    """A category or channel that nobody knows, or no category at all."""
    assert stocked.run("precheck", stocked.file("list", "anna@example.org\n"), *more).code == 2


def test_service_mail_may_go_to_everybody(stocked: Shop) -> None:
    """An invoice goes to whoever objected to marketing, too (L12)."""
    path = stocked.file("list", "bram@example.org\nerik@example.org\n")

    assert stocked.run("precheck", path, "--category", "invoice").code == 0


def test_nothing_is_recorded(stocked: Shop) -> None:
    """A precheck leaves no decision in the log."""
    precheck(stocked, PEOPLE)

    assert stocked.run("log", "--json").out == ""


def test_a_store_that_is_down_is_exit_code_3(stocked: Shop) -> None:
    """Where the evidence cannot be read there is no answer."""
    for path in Path(stocked.folder / "state").glob("sendright.db*"):
        path.write_bytes(b"no database")

    assert (
        stocked.run("precheck", stocked.file("list", "a@b.example\n"), "--category", "newsletter").code == 3
    )
