"""Claims about taking rows apart for storage and putting them together again."""

from __future__ import annotations

import json
from datetime import timedelta, timezone

import pytest
from hypothesis import given

from gateway.law.evidence import KINDS, Evidence, from_facts, kind_of, to_facts
from tests.law.people import (
    NOW,
    consent,
    contact,
    notice,
    objection,
    purchase,
    register,
    undeliverable,
    withdrawal,
)
from tests.law.rows import KINDS as CLASSES
from tests.law.rows import row


@given(row(*CLASSES))
def test_every_row_survives_storage_as_json(fact: Evidence) -> None:
    """A row taken apart, written as JSON, read and put together is the same row."""
    stored = json.loads(json.dumps(to_facts(fact)))
    again = from_facts(
        kind_of(fact), id=fact.id, occurred_at=fact.occurred_at, recorded_at=fact.recorded_at, facts=stored
    )
    assert again == fact
    assert type(again) is type(fact)


@pytest.mark.parametrize(
    ("fact", "kind", "facts"),
    [
        (consent(), "consent", {"category": "news", "proven": True}),
        (
            consent(channels=frozenset({"sms", "email"}), third_party=frozenset({"b", "a"}), corrects=7),
            "consent",
            {
                "category": "news",
                "proven": True,
                "channels": ["email", "sms"],
                "third_party": ["a", "b"],
                "corrects": 7,
            },
        ),
        (
            consent(expires_at=NOW.astimezone(timezone(timedelta(hours=2)))),
            "consent",
            {"category": "news", "proven": True, "expires_at": 1780315200000000},
        ),
        (withdrawal(), "withdrawal", {}),
        (withdrawal(category="news"), "withdrawal", {"category": "news"}),
        (
            purchase(days=0, reference="1"),
            "purchase",
            {
                "product_group": "bread",
                "reference": "1",
                "optout_offered_at": 1780315200000000,
                "optout_offered_how": True,
            },
        ),
        (objection(), "objection", {}),
        (notice(), "notice", {"subject": "profiling"}),
        (contact(), "contact", {"what": "contest"}),
        (register(listed=False), "register", {"listed": False}),
        (undeliverable(), "undeliverable", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_stored_of_a_row(fact: Evidence, kind: str, facts: dict[str, object]) -> None:
    """Only the kind's own fields, without defaults: sets sorted, times as microseconds since the epoch."""
    assert kind_of(fact) == kind
    assert to_facts(fact) == facts


def test_the_kinds_are_those_of_the_law() -> None:
    """law.md section 3 names eight kinds."""
    assert set(KINDS) == {
        "consent",
        "withdrawal",
        "purchase",
        "objection",
        "notice",
        "contact",
        "register",
        "undeliverable",
    }


def test_what_is_not_evidence_is_not_read() -> None:
    """An unknown kind and an unknown field are errors, never a row that counts for something else."""
    with pytest.raises(KeyError):
        from_facts("promise", id=1, occurred_at=NOW, recorded_at=NOW, facts={})
    with pytest.raises(TypeError):
        from_facts(
            "contact", id=1, occurred_at=NOW, recorded_at=NOW, facts={"what": "survey", "mood": "good"}
        )
