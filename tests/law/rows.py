"""Hypothesis strategies for evidence: few moments, ids and categories, so that boundaries are met often."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from gateway.law.evidence import (
    ALL,
    CHANNELS,
    Consent,
    Contact,
    Evidence,
    Notice,
    Objection,
    Purchase,
    Register,
    Undeliverable,
    Withdrawal,
)
from tests.law.people import NOW

moments = st.integers(-3, 1).map(lambda days: NOW + timedelta(days=days))
maybe_moment = st.none() | moments
channels = st.sampled_from(CHANNELS)
categories = st.sampled_from(["news", "nieuws", "offers", "forgotten"])
scopes = st.one_of(
    st.sampled_from(["marketing", "profiling", "anything", "news"]),
    categories.map("category:".__add__),
    channels.map("channel:".__add__),
)

_FIELDS: dict[type[Evidence], dict[str, st.SearchStrategy[Any]]] = {
    Consent: {
        "category": categories,
        "proven": st.booleans(),
        "channels": st.frozensets(channels, max_size=3),
        "confirmed_at": maybe_moment,
        "expires_at": maybe_moment,
        "third_party": st.frozensets(st.sampled_from(["the butcher", "the grocer"])),
    },
    Withdrawal: {"category": st.just(ALL) | categories},
    Purchase: {
        "product_group": st.sampled_from(["bread", "cake", "meat"]),
        "reference": st.none() | st.sampled_from(["1", "2"]),
        "paid": st.booleans(),
        "ongoing": st.booleans(),
        "ended_at": maybe_moment,
        "optout_offered_at": maybe_moment,
        "optout_offered_how": st.booleans(),
    },
    Objection: {"scope": scopes},
    Notice: {"subject": st.sampled_from(["privacy", "profiling"]), "version": st.sampled_from(["", "2"])},
    Contact: {"what": st.sampled_from(["survey", "contest"])},
    Register: {"listed": st.booleans(), "proven": st.booleans()},
    Undeliverable: {"smtp_reply": st.sampled_from(["", "550 5.1.1"])},
}
KINDS = tuple(_FIELDS)


def row(*kinds: type[Evidence], ids: st.SearchStrategy[int] | None = None) -> st.SearchStrategy[Evidence]:
    """A row of one of these kinds, correcting some row or none."""
    common = {
        "id": st.integers(1, 9) if ids is None else ids,
        "occurred_at": moments,
        "recorded_at": moments,
        "corrects": st.none() | st.integers(1, 9),
    }
    return st.one_of([st.builds(kind, **common, **_FIELDS[kind]) for kind in kinds])


def ledger(*kinds: type[Evidence]) -> st.SearchStrategy[list[Evidence]]:
    """The rows of one person, ids 1 to 9, each once."""
    return st.lists(row(*(kinds or KINDS)), max_size=7, unique_by=lambda fact: fact.id)


def later_row(*kinds: type[Evidence]) -> st.SearchStrategy[Evidence]:
    """A row to add to a ledger: recorded after all of it."""
    return row(*kinds, ids=st.just(10)).map(_recorded_last)


def _recorded_last(fact: Evidence) -> Evidence:
    fields = {name: getattr(fact, name) for name in fact.__dataclass_fields__}
    return type(fact)(**fields | {"recorded_at": NOW + timedelta(days=2)})
