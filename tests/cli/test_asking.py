"""sendright decide and log."""

from __future__ import annotations

import asyncio
import csv
import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.address import parse
from gateway.config import load
from gateway.opening import rooms
from gateway.ports import Person, Wave
from tests.cli.conftest import Shop

KEYS = {"decision", "ground", "reason", "article", "evidence", "category", "channel", "at"}


def decide(shop: Shop, address: str, *more: str) -> dict[str, object]:
    """The decision as JSON."""
    result: dict[str, object] = shop.run("decide", address, "--category", "newsletter", "--json", *more).json
    return result


def test_a_send_is_exit_code_0_and_names_its_ground(stocked: Shop) -> None:
    """A send names its ground, article and evidence; what does not apply is null."""
    ran = stocked.run("decide", "Anna@Example.org", "--category", "newsletter", "--json")

    assert ran.code == 0
    assert ran.json.keys() == KEYS
    assert (ran.json["decision"], ran.json["ground"], ran.json["reason"]) == ("send", "consent", None)
    assert (ran.json["category"], ran.json["channel"]) == ("newsletter", "email")
    assert ran.json["article"]
    assert len(ran.json["evidence"]) == 1


def test_a_withhold_is_exit_code_1_and_names_its_reason(stocked: Shop) -> None:
    """The answer is no: exit code 1, with the reason and the row it rests on."""
    ran = stocked.run("decide", "bram@example.org", "--category", "newsletter", "--json")

    assert ran.code == 1
    assert ran.json.keys() == KEYS
    assert (ran.json["decision"], ran.json["ground"], ran.json["reason"]) == ("withhold", None, "objected")


def test_every_test_on_the_way_is_shown(stocked: Shop) -> None:
    """For people it says why in a plain sentence, with the article and each test that was passed."""
    ran = stocked.run("decide", "dewi@example.org", "--category", "newsletter")

    assert ran.out.startswith("withhold: unknown-person\n  Nothing is on record about this person.\n")
    assert "  article: " in ran.out
    assert [line.split()[0] for line in ran.out.splitlines()[5:]] == [str(row) for row in range(16)]


def test_decide_at_a_time_counts_only_what_was_there(stocked: Shop) -> None:
    """Rows recorded after T, or that occurred after it, do not count."""
    now = str(decide(stocked, "bram@example.org")["at"])

    assert decide(stocked, "bram@example.org", "--at", now)["reason"] == "objected"
    assert decide(stocked, "bram@example.org", "--at", "2026-05-01")["reason"] == "unknown-person"
    assert decide(stocked, "bram@example.org", "--at", "2026-05-01")["at"] == "2026-05-01T00:00:00+00:00"


def test_decide_at_a_time_tells_what_was_recorded_later(stocked: Shop) -> None:
    """Whoever asks about a day before the import learns why the rows of that day do not count."""
    ran = stocked.run("decide", "bram@example.org", "--category", "newsletter", "--at", "2026-05-01")

    assert "2 rows occurred by then and were recorded later" in ran.err


def test_decide_at_a_time_leaves_out_what_occurred_later(shop: Shop) -> None:
    """A row recorded by T that says it occurred after T does not count at T."""
    now = datetime.now(UTC)
    soon = (now + timedelta(minutes=4)).isoformat()
    rows = f"email,kind,what,occurred_at\ndewi@example.org,contact,contest,{soon}\n"
    shop.run("import", shop.file("soon.csv", rows))

    assert decide(shop, "dewi@example.org", "--at", (now + timedelta(minutes=1)).isoformat())["reason"] == (
        "unknown-person"
    )
    assert decide(shop, "dewi@example.org", "--at", soon)["reason"] == "not-a-customer"


def test_another_channel_is_another_decision(stocked: Shop) -> None:
    """Consent is for e-mail alone unless it says otherwise (L27)."""
    assert decide(stocked, "anna@example.org", "--channel", "sms")["reason"] == "consent-other-channel"


@pytest.mark.parametrize(
    "arguments",
    [
        ("decide", "anna@example.org"),
        ("decide", "anna", "--category", "newsletter"),
        ("decide", "anna@example.org", "--category", "nothing"),
        ("decide", "anna@example.org", "--category", "newsletter", "--channel", "fax"),
        ("decide", "anna@example.org", "--category", "newsletter", "--at", "yesterday"),
        ("decide", "anna@example.org", "--category", "newsletter", "--at", "2026-05-01T10:00:00"),
        ("log", "--since", "7x"),
        ("log", "--until", "999999w"),
        ("log", "--reason", "mood"),
        ("log", "--format", "xml"),
        ("log", "--limit", "0"),
        ("log", "--address", "anna"),
    ],
)
def test_wrong_usage_is_exit_code_2(stocked: Shop, arguments: tuple[str, ...]) -> None:
    """What lacks or cannot be is named on standard error."""
    ran = stocked.run(*arguments)

    assert (ran.code, ran.out) == (2, "")
    assert ran.err


# --- log


def decided(shop: Shop, **named: str) -> Shop:
    """The shop, having decided on anna (send) and bram (withhold)."""

    async def decide_wave() -> None:
        config = load(shop.config, {})
        async with rooms(config, serving=True) as place:
            people = tuple(
                Person(place.keys.hash("shop", address), parse(address))
                for address in ("anna@example.org", "bram@example.org")
            )
            wave = Wave(
                submission=place.store.ids.next(),
                login="tool",
                controller=config.controllers["shop"],
                category=config.categories["newsletter"],
                people=people,
                **named,
            )
            await place.journal.decide(wave, place.clock.now(), 10)

    asyncio.run(decide_wave())
    return shop


@pytest.fixture
def mailed(stocked: Shop) -> Shop:
    """A shop that decided on anna (send) and bram (withhold) for a campaign with a hostile name."""
    return decided(stocked, campaign="=week\x1b[2J", message_id="<1@shop.example>")


def entries(shop: Shop, *more: str) -> list[dict[str, object]]:
    """The log as JSON lines."""
    ran = shop.run("log", "--json", *more)
    assert ran.code == 0
    return [json.loads(line) for line in ran.out.splitlines()]


def test_the_log_has_one_object_a_line(mailed: Shop) -> None:
    """Each line has the fields of the contract; a send without a fate is unknown, a withhold has none."""
    anna, bram = entries(mailed)

    assert list(anna) == [
        "time",
        "ref",
        "login",
        "controller",
        "category",
        "campaign",
        "message_id",
        "address",
        "decision",
        "ground",
        "reason",
        "fate",
    ]
    assert (anna["address"], anna["decision"], anna["ground"], anna["fate"]) == (
        "anna@example.org",
        "send",
        "consent",
        "unknown",
    )
    assert (bram["decision"], bram["reason"], bram["fate"]) == ("withhold", "objected", None)


def test_what_a_message_did_not_say_is_null_in_the_log(stocked: Shop) -> None:
    """Without a campaign or a Message-ID the fields are there, and null."""
    anna, _ = entries(decided(stocked))

    assert (anna["campaign"], anna["message_id"]) == (None, None)


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ((), "anna bram"),
        (("--withheld",), "bram"),
        (("--reason", "objected"), "bram"),
        (("--reason", "consent-expired"), ""),
        (("--category", "newsletter", "--login", "tool"), "anna bram"),
        (("--category", "invoice"), ""),
        (("--login", "other"), ""),
        (("--campaign", "=week\x1b[2J"), "anna bram"),
        (("--address", "ANNA@example.org"), "anna"),
        (("--since", "1h"), "anna bram"),
        (("--since", "2100-01-01"), ""),
        (("--until", "1h"), ""),
        (("--until", "2000-01-01T00:00:00Z"), ""),
        (("--limit", "1"), "anna"),
    ],
)
def test_the_log_is_filtered(mailed: Shop, filters: tuple[str, ...], found: str) -> None:
    """Every filter of the contract narrows the log; times are dates, moments, or so long ago."""
    assert [str(one["address"]).split("@")[0] for one in entries(mailed, *filters)] == found.split()


def test_until_a_day_counts_to_its_end(mailed: Shop) -> None:
    """A period from a day until the same day is that day."""
    day = str(entries(mailed)[0]["time"])[:10]

    assert len(entries(mailed, "--since", day, "--until", day)) == 2


def test_the_log_as_csv_has_no_formulas(mailed: Shop) -> None:
    """No cell of the export begins as a formula would."""
    header, anna, _ = csv.reader(mailed.run("log", "--format", "csv").out.splitlines())

    assert header[0] == "time"
    assert dict(zip(header, anna, strict=True))["campaign"] == "'=week\x1b[2J"


def test_the_log_for_people_has_a_line_a_decision(mailed: Shop) -> None:
    """The table has a heading and one line a decision."""
    ran = mailed.run("log")

    assert len(ran.out.splitlines()) == 3
    assert "anna@example.org" in ran.out


def test_a_log_without_a_match_says_so(mailed: Shop) -> None:
    """An empty answer is told apart from a slip, on standard error alone."""
    ran = mailed.run("log", "--campaign", "nothing", "--format", "json")

    assert (ran.code, ran.out, ran.err) == (0, "", "no decision on record matches\n")
    assert mailed.run("log").err == ""


def test_doubts_are_listed_for_the_officer(stocked: Shop) -> None:
    """What was recorded after an objection: whose, which rows and when, in each format; nothing else."""
    stocked.run("object", "anna@example.org", "--via", "phone", "--operator", "kim")
    columns = "email,kind,product_group,occurred_at,source"
    row = "anna@example.org,purchase,bread,2026-05-01T10:00:00Z,till"
    stocked.run("import", stocked.file("later.csv", f"{columns}\n{row}\n"))

    doubt = stocked.run("log", "--doubts", "--json").json
    listed = stocked.run("log", "--doubts", "--format", "csv").out

    assert (doubt["doubt"], doubt["controller"]) == ("purchase-after-objection", "shop")
    assert (doubt["address"], doubt["scope"]) == ("anna@example.org", "marketing")
    assert doubt["objection"] < doubt["evidence"]
    assert doubt["occurred_at"] < doubt["objected_at"] < doubt["recorded_at"]
    assert list(csv.DictReader(listed.splitlines())) == [{name: str(doubt[name]) for name in doubt}]
    assert "purchase-after-objection" in stocked.run("log", "--doubts").out
    assert stocked.run("log", "--doubts", "--since", "2999-01-01", "--json").out == ""
    assert stocked.run("log", "--doubts", "--until", "2026-01-01", "--json").out == ""
    assert decide(stocked, "anna@example.org")["reason"] == "objected"


def test_doubts_do_not_go_with_filters_of_decisions(stocked: Shop) -> None:
    """A filter that would be passed over is refused."""
    assert stocked.run("log", "--doubts", "--reason", "objected").code == 2
    assert stocked.run("log", "--doubts", "--address", "anna@example.org").code == 2
