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

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

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
    corrected, timeline = _corrected(rows), _Timeline(rows, known)
    found = {}
    for row in rows:
        ends = [*corrected.get(row.id, ()), *timeline.ends(row)]
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


class _Timeline:
    """A person's rows by what they may end, in the order in which they happened; there may be many."""

    def __init__(self, rows: Sequence[Evidence], known: Mapping[str, str]) -> None:
        self._known = known
        self._rows: defaultdict[object, list[Evidence]] = defaultdict(list)
        for row in sorted(rows, key=moment):
            for may_end in self._may_end(row):
                self._rows[may_end].append(row)

    def _may_end(self, row: Evidence) -> Iterator[object]:
        if isinstance(row, Consent):
            yield Consent, self._present(row.category)
        elif isinstance(row, Notice):
            yield Notice, row.subject
        elif isinstance(row, Register):
            yield Register
        elif refused := _refused(row):
            # What is not known to be narrower refuses everything.
            yield self._known.get(refused, ALL)
        if isinstance(row, Undeliverable | Consent | Purchase):
            yield Undeliverable

    def _present(self, category: str) -> str:
        return self._known.get(category, category)

    def ends(self, row: Evidence) -> Iterator[datetime]:
        """Moments at which this row stopped counting, the first of each way to do so among them."""
        if isinstance(row, Consent):
            if row.expires_at is not None:
                yield row.expires_at
            for refused in {ALL, self._present(row.category)}:
                refusals = self._rows[refused]
                at = bisect_left(refusals, row.occurred_at, key=lambda one: one.occurred_at)
                yield from (one.occurred_at for one in refusals[at : at + 1])
            later = self._later(row, (Consent, self._present(row.category)))
            yield from islice((one.occurred_at for one in later if _outdoes(one, row)), 1)
        elif isinstance(row, Notice):
            yield from (one.occurred_at for one in islice(self._later(row, (Notice, row.subject)), 1))
        elif isinstance(row, Register | Undeliverable):
            yield from (one.occurred_at for one in islice(self._later(row, type(row)), 1))

    def _later(self, row: Evidence, may_end: object) -> Iterator[Evidence]:
        rows = self._rows[may_end]
        return islice(rows, bisect_right(rows, moment(row), key=moment), None)


def _refused(row: Evidence) -> str:
    """The category that a row refuses, ALL for all marketing; empty where it ends no consent (rule 2)."""
    if isinstance(row, Withdrawal):
        return row.category or ALL
    if not isinstance(row, Objection):
        return ""
    if row.scope.startswith(CATEGORY):
        return row.scope.removeprefix(CATEGORY) or ALL
    return ALL if row.scope == MARKETING else ""


def _outdoes(newer: Evidence, older: Consent) -> bool:
    """Whether a newer consent to the same serves for everything the older one did, and for as long.

    A correction does not: it is the same consent.
    """
    if not isinstance(newer, Consent) or newer.corrects is not None or not newer.proven:
        return False
    lasts = newer.expires_at is None or (
        older.expires_at is not None and older.expires_at <= newer.expires_at
    )
    return lasts and newer.channels >= older.channels and newer.third_party >= older.third_party
