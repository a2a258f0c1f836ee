"""POST /api/v1/decisions: what would be decided, recording nothing."""

from __future__ import annotations

import pytest

from gateway.web.api.decisions import MOST_ADDRESSES
from tests.web.machine import CONSENT, Machine

NEWSLETTER: dict[str, object] = {"category": "newsletter", "addresses": ["anna@example.org"]}


async def test_each_address_gets_its_decision(machine: Machine) -> None:
    """In order, each with ground or reason, article and evidence, as `sendright decide --json` has them."""
    known = (await machine.post("evidence", CONSENT)).json["rows"][0]["id"]
    await machine.post("objections", {"address": "bram@example.org"})

    said = await machine.post(
        "decisions",
        NEWSLETTER | {"addresses": ["Anna@Example.org", "bram@example.org", "nobody@example.org", "no one"]},
    )

    anna, bram, nobody, broken = said.json["decisions"]
    assert anna == {
        "address": "Anna@Example.org",
        "decision": "send",
        "ground": "consent",
        "reason": None,
        "article": anna["article"],
        "evidence": [known],
    }
    assert "6(1)(a)" in anna["article"] or "11.7" in anna["article"]
    assert (bram["decision"], bram["reason"], len(bram["evidence"])) == ("withhold", "objected", 1)
    assert (nobody["decision"], nobody["reason"], nobody["evidence"]) == ("withhold", "unknown-person", [])
    assert (broken["decision"], broken["article"]) == ("rejected", None)
    assert broken["reason"]
    assert said.json["at"] == machine.house.clock.now().isoformat()
    assert (said.json["category"], said.json["channel"]) == ("newsletter", "email")


async def test_asking_records_nothing(machine: Machine) -> None:
    """Neither the ledger nor the journal grows by being asked."""
    await machine.post("decisions", NEWSLETTER)

    assert await machine.on_record() == []
    assert await machine.house.log() == []


async def test_a_consent_for_mail_is_none_for_text_messages(machine: Machine) -> None:
    """The decision is for the channel that is asked (L27)."""
    await machine.post("evidence", CONSENT)

    said = await machine.post("decisions", NEWSLETTER | {"channel": "sms"})

    assert said.json["decisions"][0]["reason"] == "consent-other-channel"


async def test_another_controllers_category_is_as_unknown(machine: Machine) -> None:
    """A rival's category and one that nobody has are both not found, in the same words (I8)."""
    theirs, nobodys = [
        await machine.post("decisions", NEWSLETTER | {"category": name}) for name in ("rumours", "nothing")
    ]

    assert theirs.status == nobodys.status == 404
    assert theirs.json["detail"].replace("rumours", "nothing") == nobodys.json["detail"]


async def test_another_controllers_evidence_counts_for_nothing(machine: Machine) -> None:
    """What the rival knows of a person does not reach a decision here (I8)."""
    await machine.post("evidence", CONSENT)

    said = await machine.post(
        "decisions", {"category": "rumours", "addresses": ["anna@example.org"]}, token="rival"
    )

    assert said.json["decisions"][0]["reason"] == "unknown-person"


async def test_ten_thousand_addresses_are_one_question(machine: Machine) -> None:
    """The most that may be asked at once is answered in full; one more is refused."""
    await machine.post("evidence", CONSENT)
    many = [f"p{number}@example.org" for number in range(MOST_ADDRESSES - 1)] + ["anna@example.org"]

    said = await machine.post("decisions", NEWSLETTER | {"addresses": many})
    more = await machine.post("decisions", NEWSLETTER | {"addresses": [*many, "one@example.org"]})

    assert (said.status, more.status) == (200, 422)
    assert [one["address"] for one in said.json["decisions"]] == many
    assert [one["decision"] for one in said.json["decisions"]].count("send") == 1
    assert said.json["decisions"][-1]["ground"] == "consent"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"category": ""}, "/category"),
        ({"category": None}, "/category"),
        ({"channel": "fax"}, "/channel"),
        ({"addresses": []}, "/addresses"),
        ({"addresses": "anna@example.org"}, "/addresses"),
        ({"addresses": ["a@example.org", 5]}, "/addresses/1"),
        ({"adresses": []}, "/adresses"),
    ],
)
async def test_a_question_that_is_not_clear_is_refused(
    machine: Machine, change: dict[str, object], where: str
) -> None:
    """What is wrong is named by its place; a misspelt name is not passed over."""
    said = await machine.post("decisions", NEWSLETTER | change)

    assert (said.status, [fault["where"] for fault in said.json["faults"]]) == (422, [where])
