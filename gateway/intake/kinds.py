"""What each kind of evidence must and may carry, and the fact and the details it becomes (law.md section 3).

The fact is what decisions rest on; the details (who, where, in which words) can be erased (I7).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias, get_args

from gateway.intake.fields import Reading
from gateway.law.evidence import (
    CHANNELS,
    Consent,
    Contact,
    Evidence,
    Notice,
    Purchase,
    Register,
    Undeliverable,
)

Subject: TypeAlias = Literal["privacy", "profiling"]
SUBJECTS: tuple[Subject, ...] = get_args(Subject)
CONTACTS = ("newsletter-signup", "survey", "contest", "account", "quote-request")
# RFC 3463 and the IANA registry: no such mailbox, no such system, null MX (RFC 7505), mailbox disabled.
DEAD = ("5.1.1", "5.1.2", "5.1.10", "5.2.1")
_ENHANCED = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")  # RFC 3463 section 2

MAY_CARRY: Mapping[str, frozenset[str]] = {
    kind: frozenset(fields.split())
    for kind, fields in {
        "consent": "category occurred_at source wording wording_version channels ip language confirmed_at "
        "third_party expires_at reference corrects",
        "withdrawal": "category occurred_at via reference",
        "purchase": "product_group occurred_at source reference paid ongoing ended_at optout_offered_at "
        "optout_offered_how optout_used corrects",
        "objection": "scope occurred_at via message_reference operator reference",
        "notice": "subject version occurred_at wording source corrects",
        "contact": "what occurred_at source corrects",
        "register": "listed occurred_at source corrects",
        "undeliverable": "occurred_at smtp_reply corrects",
    }.items()
}
REFUSALS = frozenset({"objection", "withdrawal"})
PROOF = ("source", "wording", "wording_version")  # without which a consent does not count (GDPR 7(1), L2)
_EMAIL = frozenset({"email"})


class Settled(NamedTuple):
    """What every fact has: when it happened, when it is recorded, the row it corrects."""

    occurred_at: datetime
    recorded_at: datetime
    corrects: int | None


class Content(NamedTuple):
    """A fact and its details, with a word on what the fact is worth."""

    fact: Evidence
    details: Mapping[str, object]
    note: str = ""


Reader: TypeAlias = Callable[[Reading, Settled, "Hashed", frozenset[str]], Content]
Hashed: TypeAlias = Callable[[str], str | None]  # a reference to its keyed hash, nothing to None


def _consent(row: Reading, settled: Settled, _hashed: Hashed, categories: frozenset[str]) -> Content:
    """Consent: kept without its proof, then it never counts (GDPR 7(1), L2)."""
    proof = {name: row.text(name) for name in PROOF}
    lacking = [] if all(proof.values()) else [name for name, value in proof.items() if not value]
    third_party = row.names("third_party", ";")
    fact = Consent(
        id=0,
        occurred_at=settled.occurred_at,
        recorded_at=settled.recorded_at,
        corrects=settled.corrects,
        category=_category(row, categories),
        proven=not lacking,
        channels=_channels(row),
        confirmed_at=row.moment("confirmed_at"),
        expires_at=row.moment("expires_at"),
        third_party=frozenset(map(str.casefold, third_party or ())),  # L8: trimmed, case-folded
    )
    details: dict[str, object] = {
        **proof,
        "ip": row.text("ip"),
        "language": row.text("language"),
        "reference": row.text("reference"),
        "third_party": tuple(third_party) if third_party else None,
    }
    return Content(fact, details, f"unproven: lacks {', '.join(lacking)}" if lacking else "")


def _category(row: Reading, categories: frozenset[str]) -> str:
    """A category of this controller: a consent is to one kind of content (L1), and to one sender (I8)."""
    name = row.text("category", must=True)
    if name and name not in categories:
        row.fault(f"category {name!r} is not one of this controller's")
    return name


def _channels(row: Reading) -> frozenset[str]:
    """By what means one may be reached: by e-mail alone, unless the consent says otherwise (L27)."""
    given = row.names("channels", None)
    if given is None:
        return _EMAIL
    channels = frozenset(name.lower() for name in given)
    if unknown := sorted(channels.difference(CHANNELS)):
        row.fault(f"channels has {unknown[0]!r}; known are {', '.join(CHANNELS)}")
    return channels


def _purchase(row: Reading, settled: Settled, hashed: Hashed, _categories: frozenset[str]) -> Content:
    """A purchase: what makes a customer (L6). Whether the way out was offered in time is for the law (L9)."""
    reference = row.text("reference")
    how = row.text("optout_offered_how")
    fact = Purchase(
        id=0,
        occurred_at=settled.occurred_at,
        recorded_at=settled.recorded_at,
        corrects=settled.corrects,
        product_group=row.text("product_group", must=True),
        reference=hashed(reference),
        paid=row.flag("paid", default=True),
        ongoing=row.flag("ongoing", default=False),
        ended_at=row.moment("ended_at"),
        optout_offered_at=row.moment("optout_offered_at"),
        optout_offered_how=bool(how),
    )
    used = row.flag("optout_used", default=False)
    details: dict[str, object] = {
        "source": row.text("source", must=True),
        "reference": reference,
        "optout_offered_how": how,
        "optout_used": used or None,
    }
    return Content(fact, details)


def _notice(row: Reading, settled: Settled, _hashed: Hashed, _categories: frozenset[str]) -> Content:
    """The person was told (GDPR 13, L19)."""
    fact = Notice(
        id=0,
        occurred_at=settled.occurred_at,
        recorded_at=settled.recorded_at,
        corrects=settled.corrects,
        subject=_one_of(row, "subject", SUBJECTS),
        version=row.text("version", must=True),
    )
    return Content(fact, {name: row.text(name) for name in ("wording", "source")})


def _contact(row: Reading, settled: Settled, _hashed: Hashed, _categories: frozenset[str]) -> Content:
    """A contact that never makes a customer (L6)."""
    fact = Contact(
        id=0,
        occurred_at=settled.occurred_at,
        recorded_at=settled.recorded_at,
        corrects=settled.corrects,
        what=_one_of(row, "what", CONTACTS),
    )
    return Content(fact, {"source": row.text("source")})


def _register(row: Reading, settled: Settled, _hashed: Hashed, _categories: frozenset[str]) -> Content:
    """Whether the do-not-call register lists the person (L28)."""
    fact = Register(
        id=0,
        occurred_at=settled.occurred_at,
        recorded_at=settled.recorded_at,
        corrects=settled.corrects,
        listed=row.flag("listed"),
    )
    return Content(fact, {"source": row.text("source")})


def _undeliverable(row: Reading, settled: Settled, _hashed: Hashed, _categories: frozenset[str]) -> Content:
    """The smarthost said that the mailbox does not exist; any other refusal says nothing of the mailbox."""
    reply = row.text("smtp_reply", must=True)
    code = _ENHANCED.search(reply)
    if reply and (code is None or code.group() not in DEAD):
        row.fault(f"smtp_reply must have one of {', '.join(DEAD)}")
    fact = Undeliverable(
        id=0,
        occurred_at=settled.occurred_at,
        recorded_at=settled.recorded_at,
        corrects=settled.corrects,
        smtp_reply=code.group() if code else "",  # the text may quote the address: it stays a detail (I7)
    )
    return Content(fact, {"smtp_reply": reply})


def _one_of(row: Reading, name: str, known: tuple[str, ...]) -> str:
    value = row.text(name, must=True)
    if value and value not in known:
        row.fault(f"{name} must be one of {', '.join(known)}")
    return value


READERS: Mapping[str, Reader] = {
    "consent": _consent,
    "purchase": _purchase,
    "notice": _notice,
    "contact": _contact,
    "register": _register,
    "undeliverable": _undeliverable,
}
