"""One raw row, checked: evidence, or why it is none. Pure but for the keys that hash.

Rules of this file (law.md section 3):

1. A refusal (objection, withdrawal) needs only an address, and is never rejected for anything else. What it
   leaves unsaid is read as widely as can be: all marketing, every consent, from now on.
2. Any other row is taken as it is or rejected with every reason; nothing is repaired or guessed.
3. A row that is checked twice has the same `content`: times that we filled in are no part of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from gateway import address
from gateway.intake.fields import FIELDS, LONGEST, SHORT, RawRow, Reading, is_blank, kept, moment_of
from gateway.intake.kinds import MAY_CARRY, READERS, REFUSALS, Settled
from gateway.keys import Keys
from gateway.law.evidence import ALL, Evidence, Objection, Withdrawal, facts_of, kind_of, own
from gateway.objecting import checked_scope
from gateway.ports import NewEvidence

AHEAD = timedelta(minutes=5)  # what a clock elsewhere may be ahead of ours
MARKETING = "marketing"
_TAKEN = {kind: fields | {"email", "kind"} for kind, fields in MAY_CARRY.items()}
_IN_FACTS = ("product_group", "version", "third_party")  # free text that decisions rest on
_json = json.JSONEncoder(sort_keys=True).encode


class Accepted(NamedTuple):
    """Evidence to append. `dated` is whether its time is the row's own, not one we filled in.

    `note` says why a consent does not count; `dropped` names fields that were not taken (L23).
    """

    row: NewEvidence
    dated: bool = True
    note: str = ""
    dropped: tuple[str, ...] = ()


class Rejected(NamedTuple):
    """Why a row is no evidence."""

    reason: str


@dataclass(frozen=True, slots=True)
class Desk:
    """Where rows for one controller are checked; `categories` are its own ids, former ones included."""

    controller: str
    categories: frozenset[str]
    keys: Keys

    def check(self, raw: RawRow, now: datetime) -> Accepted | Rejected:
        """The evidence a row is, or every reason why it is none. `now` is the time of recording, aware."""
        kind = kind_named(raw)
        if kind in REFUSALS:
            return self._refusal(raw, kind, now)
        if raw.fault:
            return Rejected(raw.fault)
        if kind not in READERS:
            return Rejected(f"kind {kind[:40]!r} is not known" if kind else "kind is missing")
        return self._other(raw, kind, now)

    def refusal(self, raw: RawRow, now: datetime) -> Accepted | None:
        """The refusal in a row, if there is one: whoever used the chance to object at a purchase has (L9).

        That objection holds whatever else is wrong with the purchase's row.
        """
        kind = kind_named(raw)
        if kind not in REFUSALS and not (kind == "purchase" and _is_true(raw.fields.get("optout_used"))):
            return None
        checked = self._refusal(raw, kind, now)
        return checked if isinstance(checked, Accepted) else None

    def _refusal(self, raw: RawRow, kind: str, now: datetime) -> Accepted | Rejected:
        """Rule 1."""
        mailbox = _mailbox(raw)
        if isinstance(mailbox, Rejected):
            return Rejected(f"{mailbox.reason}; {raw.fault}" if raw.fault else mailbox.reason)
        fields = raw.fields
        said = moment_of(fields.get("occurred_at"))
        dated = said is not None and said <= now
        moment = said if said is not None and dated else now
        fact: Evidence
        if kind == "withdrawal":
            category = kept(fields.get("category"))
            named = category if category in self.categories else ALL
            fact = Withdrawal(id=0, occurred_at=moment, recorded_at=now, category=named)
        else:
            scope = MARKETING if kind == "purchase" else kept(fields.get("scope"))
            scope = checked_scope(scope, self.categories)
            fact = Objection(id=0, occurred_at=moment, recorded_at=now, scope=scope)
        names = ("source", "reference") if kind == "purchase" else MAY_CARRY[kind] - {"occurred_at"}
        details: dict[str, object] = {
            name: kept(fields.get(name), LONGEST.get(name, SHORT)) for name in sorted(names)
        }
        if kind == "purchase":
            details["via"] = "purchase"
        row = self._evidence(mailbox, fact, details, said)
        return Accepted(row, dated=dated, dropped=_dropped(raw, kind))

    def _other(self, raw: RawRow, kind: str, now: datetime) -> Accepted | Rejected:
        """Rule 2."""
        reading = Reading(raw.fields)
        mailbox = _mailbox(raw)
        if isinstance(mailbox, Rejected):
            reading.fault(mailbox.reason)
        elif spelled := [name for name in _IN_FACTS if _spells(raw.fields.get(name), mailbox)]:
            reading.fault(f"{spelled[0]} must not name the person")  # a fact outlives their erasure (I7)
        moment = reading.moment("occurred_at", must=True) or now
        if moment > now + AHEAD:
            reading.fault("occurred_at lies ahead")
        settled = Settled(moment, now, reading.number("corrects"))
        content = READERS[kind](reading, settled, self._hashed, self.categories)
        if reading.faults or isinstance(mailbox, Rejected):
            return Rejected("; ".join(reading.faults))
        row = self._evidence(mailbox, content.fact, content.details, moment)
        return Accepted(row, note=content.note, dropped=_dropped(raw, kind))

    def _hashed(self, reference: str) -> str | None:
        """Only whether two references differ matters (L17), so only their keyed hash is a fact (I7)."""
        if not reference:
            return None
        return self.keys.digest("reference", f"{self.controller}\0{reference}".encode()).hex()

    def _evidence(
        self, mailbox: address.Mailbox, fact: Evidence, details: Mapping[str, object], said: datetime | None
    ) -> NewEvidence:
        """The row to append; `said` is the time the row itself gave (rule 3)."""
        given = {name: value for name, value in details.items() if value not in ("", None)}
        own_to_it = (kind_of(fact), self.controller, mailbox.comparable, said.isoformat() if said else None)
        content = f"[{', '.join(map(_json, own_to_it))}, {_in_common(*own(fact), tuple(given.items()))}]"
        return NewEvidence(
            controller=self.controller,
            person=self.keys.hash(self.controller, mailbox.comparable),
            fact=fact,
            content=self.keys.digest("content", content.encode()),
            details={"address": mailbox.wire, **given},
        )


@lru_cache(maxsize=128)
def _in_common(kind: str, values: tuple[object, ...], given: tuple[tuple[str, object], ...]) -> str:
    """The end of the JSON list that `content` is the hash of: rows of a file are much alike in it."""
    return _json([facts_of(kind, values), dict(given)])[1:-1]


def kind_named(raw: RawRow) -> str:
    """The kind a row names, empty when it names none."""
    kind = raw.fields.get("kind")
    return kind.strip().lower() if isinstance(kind, str) else ""


def _spells(value: object, mailbox: address.Mailbox) -> bool:
    """Whether a field has the address in it, as it came or as it is compared."""
    if not value:
        return False
    text = str(value).casefold()
    return "@" in text and (mailbox.comparable in text or mailbox.wire.casefold() in text)


def _is_true(value: object) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() == "true")


def _mailbox(raw: RawRow) -> address.Mailbox | Rejected:
    text = raw.fields.get("email")
    if not isinstance(text, str) or is_blank(text):
        return Rejected("email is missing")
    try:
        return address.parse(text.strip())
    except address.AddressError as error:
        return Rejected(f"email: {error}")


def _dropped(raw: RawRow, kind: str) -> tuple[str, ...]:
    """Fields that are not taken: those nobody knows, and those that this kind may not carry (L23)."""
    allowed = _TAKEN[kind]
    if allowed.issuperset(raw.fields):
        return raw.dropped
    extra = (name for name in FIELDS if name not in allowed and not is_blank(raw.fields.get(name)))
    return (*raw.dropped, *(f"{name} ({kind})" for name in extra))
