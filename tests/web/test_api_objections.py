"""POST /api/v1/objections: an objection by any route (L11, I3)."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from tests.web.machine import CONSENT, Machine

ANNA: dict[str, object] = {"address": "anna@example.org"}


async def test_what_is_acknowledged_is_on_record(machine: Machine) -> None:
    """An address is enough; the next mail is withheld."""
    await machine.post("evidence", CONSENT)

    said = await machine.post("objections", ANNA, token="form")

    assert said.status == 200
    assert said.json == {"recorded": True, "scope": "marketing", "dropped": []}
    assert (await machine.house.submit("anna@example.org"))[1].endswith("relayed=0 withheld=1 refused=0")


async def test_the_answer_tells_nothing_of_the_person(machine: Machine) -> None:
    """Known or unknown, objected before or not: the answer is the same, octet for octet."""
    await machine.post("evidence", CONSENT)
    body = {"scope": "category:newsletter", "via": "phone"}

    known = await machine.post("objections", ANNA | body)
    again = await machine.post("objections", ANNA | body)
    unknown = await machine.post("objections", {"address": "nobody@example.org"} | body)

    assert known.text == again.text == unknown.text


async def test_how_it_came_is_kept_beside_it(machine: Machine) -> None:
    """Route, operator, references and its own time are on record, for the dossier."""
    said = await machine.post(
        "objections",
        ANNA
        | {
            "scope": "profiling",
            "via": "letter",
            "operator": "Mia",
            "reference": "box 7",
            "message_reference": "06xxkhw0g0409",
            "occurred_at": "2026-11-18T09:00:00+01:00",
        },
    )

    (fact,) = await machine.on_record()
    path = machine.house.config.gateway.state_dir / "sendright.db"
    with sqlite3.connect(path) as database:
        ((address, details),) = database.execute("SELECT address, details FROM ledger_details")
    database.close()
    assert said.json["scope"] == "profiling"
    assert fact.occurred_at == datetime(2026, 11, 18, 8, tzinfo=UTC)
    assert address == "anna@example.org"
    for word in ("letter", "Mia", "box 7", "06xxkhw0g0409"):
        assert word in details


@pytest.mark.parametrize(
    "occurred_at", ["2026-12-24T09:00:00Z", "2026-11-20T09:00:00", "last week", 5, None, {"at": []}]
)
async def test_a_time_that_cannot_be_is_now(machine: Machine, occurred_at: object) -> None:
    """Missing, zoneless, ahead or nonsense: the time of recording, and never a refusal to record."""
    await machine.post("objections", ANNA | {"occurred_at": occurred_at})

    (fact,) = await machine.on_record()
    assert fact.occurred_at == machine.house.clock.now()


@pytest.mark.parametrize(
    ("scope", "recorded"),
    [
        ("marketing", "marketing"),
        ("category:newsletter", "category:newsletter"),
        ("channel:phone", "channel:phone"),
        ("profiling", "profiling"),
        ("everything", "marketing"),
        ("category:nothing", "marketing"),
        ("category:rumours", "marketing"),
        (["newsletter"], "marketing"),
        (None, "marketing"),
    ],
)
async def test_an_unknown_scope_is_all_marketing(machine: Machine, scope: object, recorded: str) -> None:
    """What it names is objected to; what nobody here knows widens it, a rival's category too (I8)."""
    said = await machine.post("objections", ANNA | {"scope": scope})

    (fact,) = await machine.on_record()
    assert said.json["scope"] == fact.scope == recorded


async def test_fields_beyond_these_are_named_and_dropped(machine: Machine) -> None:
    """L23 holds here too."""
    said = await machine.post("objections", ANNA | {"phone": "06-12345678", "birth\x1bdate": "1990"})

    state = machine.house.config.gateway.state_dir
    assert said.json["dropped"] == ["birth?date", "phone"]
    assert not any(b"06-12345678" in path.read_bytes() for path in state.iterdir() if path.is_file())


async def test_an_objection_after_a_consent_binds_again(machine: Machine) -> None:
    """The same words twice are one row, unless a consent came between: then it is recorded anew."""
    for _ in range(2):
        await machine.post("objections", ANNA)
    assert len(await machine.on_record()) == 1

    machine.house.clock.move(timedelta(days=1))
    await machine.post("evidence", CONSENT | {"occurred_at": "2026-11-22T12:00:00Z"})
    machine.house.clock.move(timedelta(days=1))
    await machine.post("objections", ANNA)

    assert len(await machine.on_record()) == 3
    assert (await machine.house.submit("anna@example.org"))[1].endswith("relayed=0 withheld=1 refused=0")


async def test_it_reaches_the_tokens_controller_alone(machine: Machine) -> None:
    """An objection to the rival's mail leaves ours as it was (I8)."""
    await machine.post("objections", ANNA, token="rival")

    assert await machine.on_record("shop") == []


@pytest.mark.parametrize("address", ["anna", "anna@", "a@b@c", "Anna <anna@example.org>", "x" * 400])
async def test_what_is_no_address_is_told(machine: Machine, address: str) -> None:
    """422, naming the field: an objection that could not be found again is not acknowledged."""
    said = await machine.post("objections", {"address": address})

    assert (said.status, said.json["faults"][0]["where"]) == (422, "/address")


async def test_while_the_store_is_locked_nothing_is_acknowledged(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another holds the file: 503. Once it lets go the same objection is recorded (I3)."""
    ledger = type(machine.house.gateway.rooms.ledger)
    monkeypatch.setitem(ledger.append.__kwdefaults__, "patience", 0.2)
    path = machine.house.config.gateway.state_dir / "sendright.db"
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    refused = await machine.post("objections", ANNA)
    holder.execute("ROLLBACK")
    holder.close()
    taken = await machine.post("objections", ANNA)

    assert (refused.status, taken.status) == (503, 200)
    assert len(await machine.on_record()) == 1
