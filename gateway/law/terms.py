"""From when a term of retention runs for each row of one person (L24; contract section 3, `retention`).

"A term runs from when the row stopped counting (withdrawn, expired, superseded, ended), else from the last
decision resting on it, else from occurred_at." Rules of this file:

1. Refusals have no term.
2. A refusal that a consent does not outlive ends it as a withdrawal does: it never permits anything again by
   itself (law.md section 2).
3. A purchase goes on counting after `ended_at` (L17): its term runs from the later of that and the last
   decision resting on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from gateway.law.evidence import (
    ALL,
    Consent,
    Evidence,
    Notice,
    Objection,
    Purchase,
    Register,
    Undeliverable,
    Withdrawal,
)
from gateway.law.standing import CATEGORY, MARKETING, moment

TERMED = ("consent", "purchase", "contact", "notice", "register", "undeliverable")  # kinds, and classes too


def stopped(rows: Sequence[Evidence], known: Mapping[str, str], now: datetime) -> dict[int, datetime]:
    """When each row that counts no more stopped counting, by its id.

    `rows` are all of one person for one controller; `known` gives the id of each category by it and by every
    former one, for this controller.
    """
    corrected = _corrected(rows)
    found = {}
    for row in rows:
        ends = [*corrected.get(row.id, ()), *_ends(row, rows, known)]
        past = [end for end in ends if end <= now]
        if past and not isinstance(row, Objection | Withdrawal):  # rule 1
            found[row.id] = min(past)
    return found


def begins(row: Evidence, stopped_at: datetime | None, rested: datetime | None) -> datetime:
    """From when the row's term runs; `rested` is the last decision resting on it."""
    if stopped_at is not None:
        return stopped_at
    ended = row.ended_at if isinstance(row, Purchase) else None  # rule 3
    return max((one for one in (ended, rested) if one is not None), default=row.occurred_at)


def _corrected(rows: Sequence[Evidence]) -> dict[int, list[datetime]]:
    """When a newer row took the place of each, by its id: of corrections of one row the last one holds."""
    ends: dict[int, list[datetime]] = {}
    newest: dict[int, Evidence] = {}
    for row in sorted(rows, key=lambda row: (row.recorded_at, row.id)):
        if row.corrects is None or isinstance(row, Objection | Withdrawal):
            continue
        for before in (row.corrects, newest[row.corrects].id if row.corrects in newest else None):
            if before is not None:
                ends.setdefault(before, []).append(row.recorded_at)
        newest[row.corrects] = row
    return ends


def _ends(row: Evidence, rows: Sequence[Evidence], known: Mapping[str, str]) -> Iterator[datetime]:
    """Each moment at which this row, if not sooner, stopped counting."""
    if isinstance(row, Consent):
        if row.expires_at is not None:
            yield row.expires_at
        yield from (one.occurred_at for one in rows if _refuses(one, row, known))
        yield from _later(
            row, (one for one in rows if isinstance(one, Consent) and _outdoes(one, row, known))
        )
    elif isinstance(row, Notice):
        yield from _later(
            row, (one for one in rows if isinstance(one, Notice) and one.subject == row.subject)
        )
    elif isinstance(row, Register):
        yield from _later(row, (one for one in rows if isinstance(one, Register)))
    elif isinstance(row, Undeliverable):
        yield from _later(row, (one for one in rows if isinstance(one, Undeliverable | Consent | Purchase)))


def _later(row: Evidence, others: Iterable[Evidence]) -> Iterator[datetime]:
    return (one.occurred_at for one in others if moment(one) > moment(row))


def _refuses(refusal: Evidence, consent: Consent, known: Mapping[str, str]) -> bool:
    """Whether a refusal ends this consent; what is not known to be narrower refuses everything."""
    if refusal.occurred_at < consent.occurred_at:
        return False
    if isinstance(refusal, Withdrawal):
        return refusal.category == ALL or _is_of(refusal.category, consent, known)
    if not isinstance(refusal, Objection):
        return False
    if refusal.scope.startswith(CATEGORY):  # rule 2
        return _is_of(refusal.scope.removeprefix(CATEGORY), consent, known)
    return refusal.scope == MARKETING


def _is_of(category: str, consent: Consent, known: Mapping[str, str]) -> bool:
    return category not in known or known[category] == known.get(consent.category, consent.category)


def _outdoes(newer: Consent, older: Consent, known: Mapping[str, str]) -> bool:
    """Whether the newer consent serves for everything the older one did, and for as long.

    A correction does not: it is the same consent.
    """
    ids = {known.get(one.category, one.category) for one in (newer, older)}
    lasts = newer.expires_at is None or (
        older.expires_at is not None and older.expires_at <= newer.expires_at
    )
    wider = newer.channels >= older.channels and newer.third_party >= older.third_party
    return len(ids) == 1 and newer.corrects is None and newer.proven and lasts and wider
