"""What is on record, in words: the facts of a row by name, and the sentence of a decision."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime

from gateway.dossier.records import DecisionRecord
from gateway.law.evidence import Evidence
from gateway.law.reason import Ground, Reason

_COMMON = frozenset({"id", "occurred_at", "recorded_at"})  # said apart, of every row


def facts_of(fact: Evidence) -> dict[str, object]:
    """What decisions rest on, by name, whole; times in ISO 8601, sets as sorted lists."""
    return {one.name: _said(getattr(fact, one.name)) for one in fields(fact) if one.name not in _COMMON}


def _said(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return sorted(value) if isinstance(value, frozenset) else value


def sentence_of(decision: DecisionRecord) -> str | None:
    """The ground or the reason as a plain sentence; None for a code of an older version."""
    outcome: Ground | Reason
    try:
        outcome = Ground(decision.ground) if decision.ground else Reason(decision.reason or "")
    except ValueError:
        return None
    return outcome.sentence
