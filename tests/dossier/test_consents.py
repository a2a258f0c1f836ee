"""Consents in the shape of ISO/IEC TS 27560: what was asked, of whom, and what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.dossier.conftest import ANNA, CONSENT, Desk, Made

RunAtDesk = Callable[[Callable[[Desk], Awaitable[Any]]], Awaitable[Any]]


def test_a_record_has_the_parts_of_the_standard(anna: Made) -> None:
    """Identifier, schema, subject, controller, purpose, legal basis, notice, recipients, storage, parties."""
    (record,) = anna.document["sections"][0]["consent_records"]
    (process,) = record["dpv:hasProcess"]
    controller = "sendright:controller:shop"

    assert record["@type"] == ["dpv:ConsentRecord"]
    assert record["dct:conformsTo"] == ["https://w3id.org/dpv/schema/iso-27560#record"]
    assert record["dpv:hasDataSubject"].endswith(anna.document["sections"][0]["person"])
    assert record["dpv:hasDataController"] == controller
    assert record["dpv:hasEntity"][controller]["dpv:hasName"] == "De Winkel"
    assert process["dpv:hasPurpose"][0]["skos:prefLabel"] == "Nieuwsbrief"
    assert "eu-gdpr:A6-1-a" in process["dpv:hasLegalBasis"]
    assert process["dpv:hasPersonalData"] == ["pd:EmailAddress"]
    assert process["dpv:hasRecipient"] == [controller]
    assert process["dpv:hasJurisdiction"] == ["loc:NL"]
    assert process["dpv:hasStorageCondition"][0]["dpv:hasDuration"]["rdf:value"] == "P1825D"
    assert process["dpv:hasNotice"] == [
        {
            "@type": ["dpv:ConsentNotice"],
            "dpv:hasIdentifier": "2",
            "dct:description": CONSENT["wording"],
            "dpv:hasLocation": "sign-up form",
        }
    ]


def test_every_prefix_is_in_the_context(anna: Made) -> None:
    """No name is left that JSON-LD could not expand."""
    (record,) = anna.document["sections"][0]["consent_records"]

    def prefixes(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {name.partition(":")[0] for name in value if ":" in name}
            return own.union(*(prefixes(one) for name, one in value.items() if name != "@context"), set())
        return set().union(*map(prefixes, value), set()) if isinstance(value, list) else set()

    assert prefixes(record) <= set(record["@context"])


@pytest.mark.parametrize(
    ("row", "objection", "states"),
    [
        ({}, None, ["dpv:ConsentGiven"]),
        ({"confirmed_at": "2026-02-02T09:30:00Z"}, None, ["dpv:ConsentGiven", "dpv:ConsentGiven"]),
        ({"wording": ""}, None, ["dpv:ConsentUnknown"]),
        ({"expires_at": "2026-02-20T00:00:00Z"}, None, ["dpv:ConsentGiven", "dpv:ConsentExpired"]),
        ({"expires_at": "2027-02-20T00:00:00Z"}, None, ["dpv:ConsentGiven"]),
        ({}, "marketing", ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"]),
        ({}, "category:newsletter", ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"]),
        ({}, "channel:email", ["dpv:ConsentGiven", "dpv:ConsentWithdrawn"]),
        ({}, "category:club", ["dpv:ConsentGiven"]),
        ({}, "profiling", ["dpv:ConsentGiven"]),
        ({}, "channel:sms", ["dpv:ConsentGiven"]),
    ],
    ids=str,
)
async def test_its_events_say_what_became_of_it(
    run_at_desk: RunAtDesk, row: dict[str, object], objection: str | None, states: list[str]
) -> None:
    """Given, confirmed, withdrawn by whatever refusal covers it, expired; unproven is never given."""

    async def work(desk: Desk) -> Any:
        given = {name: value for name, value in CONSENT.items() if name != "confirmed_at"}
        await desk.record(given | row)
        desk.clock.move(timedelta(days=1))
        if objection:
            await desk.object(ANNA, scope=objection)
        return await desk.document()

    body = await run_at_desk(work)
    (record,) = body["sections"][0]["consent_records"]
    events = record["dpv:hasProcess"][0]["dpv:hasConsentStatus"]

    assert [state for event in events for state in event["@type"]] == states
    assert events == sorted(events, key=lambda event: event["dpv:isIndicatedAtTime"])


async def test_a_withdrawal_and_a_third_party_are_in_it(run_at_desk: RunAtDesk) -> None:
    """A withdrawal ends it (GDPR 7(3)); whom the consent names besides the controller receives (L8)."""

    async def work(desk: Desk) -> Any:
        await desk.record(CONSENT | {"third_party": ["Bakker & Zn"]})
        await desk.record({"email": ANNA, "kind": "withdrawal", "category": "newsletter"})
        return await desk.document()

    (record,) = (await run_at_desk(work))["sections"][0]["consent_records"]
    process = record["dpv:hasProcess"][0]

    assert process["dpv:hasConsentStatus"][-1]["@type"] == ["dpv:ConsentWithdrawn"]
    assert process["dpv:hasRecipient"] == ["sendright:controller:shop", "sendright:recipient:1"]
    assert record["dpv:hasEntity"]["sendright:recipient:1"]["dpv:hasName"] == "Bakker & Zn"
