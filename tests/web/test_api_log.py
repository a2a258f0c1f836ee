"""GET /api/v1/log: pages as JSON, everything as CSV."""

from __future__ import annotations

import csv
import io
import sqlite3
from datetime import timedelta

import pytest
from yarl import URL

from gateway.store import log as store_log
from gateway.web import exporting
from gateway.web.guard import HEADERS
from tests.house import NEWSLETTER
from tests.web.machine import CONSENT, Machine

PEOPLE = [f"p{number}@example.org" for number in range(7)]


async def mailed(machine: Machine, *people: str, message: bytes = NEWSLETTER) -> None:
    """Submit to each in turn, a second apart: all are withheld but those who consented."""
    for person in people:
        await machine.house.submit(person, message=message)
        machine.house.clock.move(timedelta(seconds=1))


async def test_an_entry_says_what_the_command_says(machine: Machine) -> None:
    """Every field of `sendright log --json`, null for what there is none of."""
    await machine.post("evidence", CONSENT)
    reply = await machine.house.submit("anna@example.org", "bram@example.org")

    sent, withheld = (await machine.log()).json["entries"]
    assert sent == {
        "time": machine.house.clock.now().isoformat(),
        "ref": reply[1].split()[1],
        "login": "tool",
        "controller": "shop",
        "category": "newsletter",
        "campaign": None,
        "message_id": "<week47@shop.example>",
        "address": "anna@example.org",
        "decision": "send",
        "ground": "consent",
        "reason": None,
        "fate": "relayed",
    }
    assert (withheld["decision"], withheld["reason"], withheld["fate"]) == (
        "withhold",
        "unknown-person",
        None,
    )


async def test_pages_hold_everything_once(machine: Machine) -> None:
    """Following `next` from page to page gives every entry once, in order, also while the log grows."""
    await mailed(machine, *PEOPLE[:5])
    found: list[str] = []
    cursor: dict[str, str] = {}
    for page in range(10):
        said = await machine.log(limit="2", **cursor)
        found += [entry["address"] for entry in said.json["entries"]]
        if page == 0:
            await mailed(machine, *PEOPLE[5:])
        if said.json["next"] is None:
            break
        cursor = {"cursor": said.json["next"]}

    assert found == PEOPLE
    assert page == 3


async def test_the_link_field_leads_on(machine: Machine) -> None:
    """RFC 8288: the Link field is the next page with the same filters; the last page has none."""
    await mailed(machine, *PEOPLE[:3])

    first = await machine.log(limit="2", reason="unknown-person", login="tool")
    url, rel = first.headers["Link"].split("; ")
    second = await machine.ask("GET", url.strip("<>"))

    assert rel == 'rel="next"'
    assert URL(url.strip("<>")).query["reason"] == "unknown-person"
    assert [entry["address"] for entry in second.json["entries"]] == PEOPLE[2:3]
    assert "Link" not in second.headers


async def test_a_page_looks_at_a_bounded_part(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where little passes the filters a page may be empty, and says where to go on; nothing is lost."""
    monkeypatch.setattr(store_log, "PAGE", 1)
    monkeypatch.setattr(store_log, "READS", 2)
    await mailed(machine, *PEOPLE)
    await machine.post("evidence", CONSENT)
    await mailed(machine, "anna@example.org")

    pages, cursor = [], {}
    while True:
        said = await machine.log(reason="unknown-person", limit="3", login="strict", **cursor)
        pages.append(said.json["entries"])
        if said.json["next"] is None:
            break
        cursor = {"cursor": said.json["next"]}

    assert pages == [[]] * len(pages)
    assert len(pages) > 3


async def test_a_persons_pages_go_day_by_day(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """One person's mail over the days, two to a page: every one once, in order."""
    monkeypatch.setattr(store_log, "DAYS", 2)
    for _ in range(5):
        await machine.house.submit("anna@example.org", "bram@example.org")
        machine.house.clock.move(timedelta(hours=30))

    times, cursor = [], {}
    while True:
        said = await machine.log(address="ANNA@example.org", limit="2", **cursor)
        times += [entry["time"] for entry in said.json["entries"]]
        if said.json["next"] is None:
            break
        cursor = {"cursor": said.json["next"]}

    assert len(times) == len(set(times)) == 5
    assert times == sorted(times)


@pytest.mark.parametrize(
    ("query", "people"),
    [
        ({}, [0, 1, 2, 3]),
        ({"withheld": "true"}, [1, 2, 3]),
        ({"withheld": "false"}, [0, 1, 2, 3]),
        ({"since": "2026-11-21T12:00:02Z"}, [2, 3]),
        ({"since": "2026-11-21"}, [0, 1, 2, 3]),
        ({"since": "2026-11-22"}, []),
        ({"until": "2026-11-21"}, [0, 1, 2, 3]),
        ({"until": "2026-11-20"}, []),
        ({"until": "2026-11-21T13:00:02+01:00"}, [0, 1]),
        ({"since": "0001-01-01", "until": "9999-12-31"}, [0, 1, 2, 3]),
        ({"since": "9999-12-31T23:59:59Z"}, []),
        ({"reason": "unknown-person"}, [1, 2, 3]),
        ({"reason": "objected"}, []),
        ({"category": "newsletter", "login": "tool"}, [0, 1, 2, 3]),
        ({"category": "invoice"}, []),
        ({"campaign": "week 47"}, []),
        ({"login": "nobody"}, []),
        ({"address": "p2@example.org"}, [2]),
        ({"address": "nobody@example.org"}, []),
        ({"limit": "1"}, [0]),
    ],
)
async def test_filters(machine: Machine, query: dict[str, str], people: list[int]) -> None:
    """Each filter narrows as the command's does."""
    await machine.post("evidence", CONSENT | {"email": PEOPLE[0]})
    await mailed(machine, *PEOPLE[:4])

    entries = (await machine.log(**query)).json["entries"]

    assert [entry["address"] for entry in entries] == [PEOPLE[number] for number in people]


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=1.5", "limit"),
        ("limit=ten", "limit"),
        ("since=yesterday", "since"),
        ("until=2026-11-21T12:00:00", "until"),
        ("reason=because", "reason"),
        ("withheld=yes", "withheld"),
        ("address=anna", "address"),
        ("cursor=zzzzzzzzzzzzz", "cursor"),
        ("cursor=1", "cursor"),
        ("adress=anna@example.org", "adress"),
        ("login=a&login=b", "login"),
    ],
)
async def test_a_filter_that_is_not_understood_is_refused(machine: Machine, query: str, where: str) -> None:
    """A filter that did not narrow would show more than was asked: it is named instead."""
    said = await machine.ask("GET", f"/api/v1/log?{query}")

    assert (said.status, [fault["where"] for fault in said.json["faults"]]) == (422, [where])


async def test_only_the_tokens_controller_is_shown(machine: Machine) -> None:
    """The rival sees none of our decisions, whatever it asks for, and a cursor of ours opens nothing (I8)."""
    await mailed(machine, *PEOPLE[:3])
    cursor = (await machine.log(limit="1")).json["next"]

    for query in ({}, {"login": "tool"}, {"address": PEOPLE[0]}, {"cursor": cursor}):
        assert (await machine.log("rival", **query)).json == {"entries": [], "next": None}


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/csv", "text/csv"),
        ("text/csv, application/json;q=0.5", "text/csv"),
        ("application/json, text/csv", "application/json"),
        ("*/*", "application/json"),
        ("", "application/json"),
    ],
)
async def test_csv_is_for_who_asks(machine: Machine, accept: str, kind: str) -> None:
    """JSON unless CSV is named first."""
    said = await machine.ask("GET", "/api/v1/log", headers={"Accept": accept})

    assert said.headers["Content-Type"].startswith(kind)


async def test_the_export_is_whole_and_guarded(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every entry in one table, however many chunks; no cell is a formula to a spreadsheet."""
    monkeypatch.setattr(exporting, "_LINES", 2)
    formula = b"X-Sendright-Campaign: =HYPERLINK(1)\r\n" + NEWSLETTER
    await mailed(machine, *PEOPLE, "+31612345678@example.org", message=formula)

    said = await machine.ask("GET", "/api/v1/log?withheld=true", headers={"Accept": "text/csv"})

    rows = list(csv.DictReader(io.StringIO(said.text)))
    assert [row["address"] for row in rows] == [*PEOPLE, "'+31612345678@example.org"]
    assert {row["campaign"] for row in rows} == {"'=HYPERLINK(1)"}
    assert "attachment" in said.headers["Content-Disposition"]
    assert HEADERS.items() <= said.headers.items()


async def test_an_erased_address_is_an_empty_cell(machine: Machine) -> None:
    """What was erased is null in JSON and empty in CSV, and the entry stays."""
    await mailed(machine, PEOPLE[0])
    path = machine.house.config.gateway.state_dir / "sendright.db"
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM decision_details")
    database.close()

    said = await machine.ask("GET", "/api/v1/log", headers={"Accept": "text/csv"})

    assert (await machine.log()).json["entries"][0]["address"] is None
    assert [row["address"] for row in csv.DictReader(io.StringIO(said.text))] == [""]
