"""What the evidence on one person adds up to for one controller, before any category is asked about.

Rules of this file:

1. A refusal is never corrected away, and a correction never moves a consent past one (law.md section 3).
2. A refusal of a category that the configuration no longer knows refuses everything (law.md section 2).
3. A correction of nothing on record proves nothing: it neither replaces a row nor counts for sending.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

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

MARKETING = "marketing"  # the scope of an objection to all marketing
PROFILING = "profiling"
CATEGORY = "category:"  # before the id of the category objected to
CHANNEL = "channel:"

_Row = TypeVar("_Row", bound=Evidence)
_WHOLE_SCOPES = frozenset({MARKETING, PROFILING, *(CHANNEL + name for name in CHANNELS)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The rows that hold, by kind. Of refusals only the newest of each scope: lifting it lifts the older."""

    known: bool = False  # whether this controller has any row on this person
    local_part: str = ""  # of the mailbox mailed, in its comparable spelling
    consents: tuple[Consent, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    notices: tuple[Notice, ...] = ()
    contacts: tuple[Contact, ...] = ()
    registers: tuple[Register, ...] = ()
    objections: Mapping[str, Objection] = field(default_factory=dict)  # by scope
    withdrawals: Mapping[str, Withdrawal] = field(default_factory=dict)  # by category id, or ALL
    undeliverable: Undeliverable | None = None  # the newest
    first_given: Mapping[int, datetime] = field(default_factory=dict)  # of corrected consents, by id

    def given_at(self, consent: Consent) -> datetime:
        """When the consent was given, for whether it lifts a refusal: corrections never make it later.

        Nor does a clock that was ahead: else an objection acknowledged since would end by itself (L11, I3).
        """
        return min(self.first_given.get(consent.id, consent.occurred_at), consent.recorded_at)


def standing_of(
    rows: Sequence[Evidence], *, local_part: str = "", known_categories: frozenset[str]
) -> Standing:
    """The standing of the person whose rows for one controller these are, in any order.

    `local_part` is that of the comparable mailbox; `known_categories` holds every id and former id that
    the configuration knows for this controller.
    """
    if not rows:
        return Standing(local_part=local_part)
    rows, first_given = _corrected(rows)
    kinds = {type(row) for row in rows}
    scopes = [(_scope(row.scope, known_categories), row) for row in _of(Objection, rows, kinds)]
    withdrawn = [(_withdrawn(row.category, known_categories), row) for row in _of(Withdrawal, rows, kinds)]
    return Standing(
        known=True,
        local_part=local_part,
        consents=_of(Consent, rows, kinds),
        purchases=_of(Purchase, rows, kinds),
        notices=_of(Notice, rows, kinds),
        contacts=_of(Contact, rows, kinds),
        registers=_of(Register, rows, kinds),
        objections=_newest(scopes),
        withdrawals=_newest(withdrawn),
        undeliverable=max(_of(Undeliverable, rows, kinds), key=moment, default=None),
        first_given=first_given,
    )


def moment(row: Evidence) -> tuple[datetime, int]:
    """What orders rows by when they happened; rows of one instant in the order they were recorded."""
    return row.occurred_at, row.id


def _of(kind: type[_Row], rows: Sequence[Evidence], kinds: set[type[Evidence]]) -> tuple[_Row, ...]:
    """The rows of a kind; `kinds` are those there are, of which most people have but one or two."""
    return tuple([row for row in rows if isinstance(row, kind)]) if kind in kinds else ()


def _newest(keyed: Sequence[tuple[str, _Row]]) -> dict[str, _Row]:
    """The newest row under each key."""
    return dict(sorted(keyed, key=lambda pair: moment(pair[1]))) if keyed else {}  # of a key, the last stays


def _scope(scope: str, known_categories: frozenset[str]) -> str:
    """What an objection is to; what is not known to be narrower is all marketing (law.md sections 2, 3)."""
    narrower = scope.startswith(CATEGORY) and scope.removeprefix(CATEGORY) in known_categories
    return scope if narrower or scope in _WHOLE_SCOPES else MARKETING


def _withdrawn(category: str, known_categories: frozenset[str]) -> str:
    """What a withdrawal is from; a category not known is every category (law.md section 3)."""
    return category if category in known_categories else ALL


def _corrected(rows: Sequence[Evidence]) -> tuple[Sequence[Evidence], Mapping[int, datetime]]:
    """The rows that hold once corrections are applied, and when each corrected consent was first given.

    Of a row and all that corrects it, directly or through another correction, the newest recorded holds.
    """
    if not [row for row in rows if row.corrects is not None]:
        return rows, {}
    first: dict[int, Evidence] = {}  # by the id of any row: the first of those it belongs with
    holding: dict[int, Evidence] = {}  # by the id of that first row
    given: dict[int, datetime] = {}  # by the id of that first row
    for row in sorted(rows, key=lambda row: (row.recorded_at, row.id)):
        corrected = _first_of(row, first)
        if corrected is None:
            continue  # rule 3
        first[row.id] = corrected
        holding[corrected.id] = row
        now_given = min(row.occurred_at, row.recorded_at)
        given[corrected.id] = min(now_given, given.get(corrected.id, now_given))  # rule 1
    return list(holding.values()), {row.id: given[start] for start, row in holding.items()}


def _first_of(row: Evidence, first: Mapping[int, Evidence]) -> Evidence | None:
    """The first of the rows that `row` belongs with: itself if it corrects nothing; None by rule 3."""
    if row.corrects is None or isinstance(row, Objection | Withdrawal):  # rule 1
        return row
    older = first.get(row.corrects)
    if older is not None and type(older) is type(row):
        return older
    withholds = isinstance(row, Undeliverable) or (isinstance(row, Register) and row.listed)
    return row if withholds else None
