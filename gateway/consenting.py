"""What a click on a confirmation puts on record: a consent for each topic with its proof, and what it told.

Pure but for the keys that hash. The same link and topic are always the same row: one link counts once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime

from gateway.address import Mailbox, parse
from gateway.keys import Keys
from gateway.law.evidence import Consent, Evidence, Notice
from gateway.pending import Pending, Topic
from gateway.ports import NewEvidence


def rows_of(asked: Pending, token: str, keys: Keys, now: datetime) -> list[NewEvidence]:
    """The rows of a click at `now` on this token's link: a consent for each topic in order, then notices."""
    mailbox = parse(asked.address)
    person = keys.hash(asked.controller, mailbox.comparable)

    def row(topic: Topic, fact: Evidence, kind: str, details: Mapping[str, object]) -> NewEvidence:
        content = json.dumps([kind, asked.controller, topic.category, token]).encode()
        return NewEvidence(asked.controller, person, fact, keys.digest("confirmed", content), details)

    consents = [
        row(topic, _consent(topic, now), "consent", _proof(asked, topic, mailbox)) for topic in asked.topics
    ]
    notices = [
        row(topic, fact, "notice", _told(asked, topic, mailbox))
        for topic in asked.topics
        for fact in _notices(topic, now)
    ]
    return [*consents, *notices]


def _consent(topic: Topic, now: datetime) -> Consent:
    """Its times are the click's: it lifts no refusal that came later (L11), for e-mail alone (L27)."""
    return Consent(
        id=0,
        occurred_at=now,
        recorded_at=now,
        category=topic.category,
        proven=True,
        confirmed_at=now,
        third_party=frozenset({topic.third_party.casefold()} if topic.third_party else ()),  # L8
    )


def _proof(asked: Pending, topic: Topic, mailbox: Mailbox) -> dict[str, object]:
    """In which words, where and when it was asked (GDPR 7(1), L2)."""
    named = {"third_party": (topic.third_party,)} if topic.third_party else {}
    return {
        **_told(asked, topic, mailbox),
        "wording_version": topic.version,
        "language": asked.language,
        "requested_at": asked.asked_at.isoformat(),
        **named,
    }


def _notices(topic: Topic, now: datetime) -> Iterator[Notice]:
    """That somebody is profiled, where the words they agreed to say so (L19, GDPR 22)."""
    if topic.profiling:
        yield Notice(id=0, occurred_at=now, recorded_at=now, subject="profiling", version=topic.version)


def _told(asked: Pending, topic: Topic, mailbox: Mailbox) -> dict[str, object]:
    return {
        "address": mailbox.wire,
        "source": f"double opt-in, asked on {asked.page}",
        "wording": topic.wording,
    }
