"""Typical people get what the law gives people of their kind."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from gateway.config import load
from gateway.law.decision import Send
from gateway.law.reason import Ground, Reason
from gateway.typical import PEOPLE, judged
from tests.house import written

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MORE = """
[[category]]
id = "profiled"
controller = "shop"
title = "Voor u"
purpose = "marketing"
profiled = true
[[category]]
id = "partner"
controller = "shop"
title = "De Buren"
purpose = "marketing"
advertiser = "De Buren"
channels = ["email", "sms"]
[[category]]
id = "strict"
controller = "shop"
title = "Streng"
purpose = "marketing"
product_groups = ["bread"]
double_opt_in = true
customers = "recurring"
one_off_max_age_days = 365
"""
EXPECTED = {
    "unknown": "unknown-person",
    "consented": "consent",
    "consented-and-told": "consent",
    "unproven": "consent-unproven",
    "unconfirmed": "consent",
    "consented-elsewhere": "consent-other-category",
    "consent-expired": "consent-expired",
    "customer": "soft-opt-in",
    "regular-customer": "soft-opt-in",
    "customer-long-ago": "soft-opt-in",
    "customer-not-offered": "optout-not-offered",
    "customer-of-something-else": "products-not-similar",
    "contest": "not-a-customer",
    "objected": "objected",
    "objected-category": "objected-category",
    "objected-profiling": "consent",
    "withdrew": "consent-withdrawn",
    "not-listed": "not-a-customer",
    "dead-mailbox": "undeliverable",
    "info-address": "unknown-person",
}


def outcomes(path: Path, who: str) -> dict[tuple[str, str], Ground | Reason]:
    """What is decided on this person, by category and channel."""
    return {
        (one.category.id, one.channel): one.decision.ground
        if isinstance(one.decision, Send)
        else one.decision.reason
        for one in judged(load(path, {}), who, NOW)
    }


@pytest.mark.parametrize("who", PEOPLE)
def test_an_ordinary_newsletter_decides_as_the_law_says(tmp_path: Path, who: str) -> None:
    """Each kind of person meets the ground or the reason that is theirs; an invoice reaches everybody."""
    found = outcomes(written(tmp_path, 2525), who)

    assert found["newsletter", "email"] == EXPECTED[who]
    assert found["invoice", "email"] == Ground.CONTRACT


@pytest.mark.parametrize(
    ("who", "category", "channel", "why"),
    [
        ("consented", "profiled", "email", "profiling-not-announced"),
        ("consented-and-told", "profiled", "email", "consent"),
        ("objected-profiling", "profiled", "email", "objected-profiling"),
        ("consented", "partner", "sms", "third-party-without-consent"),
        ("consented-and-told", "partner", "sms", "consent"),
        ("unconfirmed", "strict", "email", "consent-unproven"),
        ("customer", "strict", "email", "one-off-customer"),
        ("regular-customer", "strict", "email", "soft-opt-in"),
    ],
)
def test_what_a_category_asks_for_shows(
    tmp_path: Path, who: str, category: str, channel: str, why: str
) -> None:
    """Profiling, an advertiser, double opt-in and regular customers each make their difference."""
    assert outcomes(written(tmp_path, 2525, MORE), who)[category, channel] == why
