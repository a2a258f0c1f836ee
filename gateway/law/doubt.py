"""What an officer should look at: a person who objected, and of whom something newer was recorded after it.

Doubts are listed, never acted on (L11): the decision goes by the table alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.law.evidence import Consent, Evidence, Objection, Purchase
from gateway.law.standing import CATEGORY, CHANNEL, MARKETING, Standing, standing_of


class Doubt(StrEnum):
    """Why to look: was the newer row really given by this person, after they objected?"""

    LIFTS = "consent-lifts-objection"  # proven, and says it was given later: mail goes again
    CONSENT = "consent-after-objection"  # lifts nothing: unproven, or given earlier
    PURCHASE = "purchase-after-objection"  # lifts nothing: a purchase never does


@dataclass(frozen=True, slots=True)
class Doubtful:
    """An objection, and a row recorded after it."""

    doubt: Doubt
    objection: Objection
    newer: Consent | Purchase


def doubtful(rows: Sequence[Evidence], known_categories: Mapping[str, str]) -> Iterator[Doubtful]:
    """What is doubtful in one person's rows for one controller, in the order it was recorded.

    `known_categories` holds the present id of each category by that id and by every former one.
    """
    standing = standing_of(rows, known_categories=frozenset(known_categories))
    newer: list[Consent | Purchase] = [*standing.consents, *standing.purchases]
    for row in sorted(newer, key=_recorded):
        for scope, objection in standing.objections.items():
            newly = _recorded(row) > _recorded(objection) and not _history(row, objection)
            if newly and _bears_on(row, scope, known_categories):
                yield Doubtful(_doubt(row, objection, standing), objection, row)


def _bears_on(row: Consent | Purchase, scope: str, known_categories: Mapping[str, str]) -> bool:
    """Whether the two speak of the same mail: a purchase of no category, and neither of profiling."""
    if isinstance(row, Purchase):
        return scope == MARKETING or scope.startswith(CHANNEL)
    if scope.startswith(CATEGORY):
        objected = known_categories[scope.removeprefix(CATEGORY)]
        return known_categories.get(row.category) == objected
    return scope == MARKETING or scope.removeprefix(CHANNEL) in row.channels


def _history(row: Evidence, objection: Objection) -> bool:
    """Both were recorded with hindsight, and the row happened first: a past that was loaded, no doubt."""
    return row.occurred_at <= objection.occurred_at < objection.recorded_at


def _doubt(row: Consent | Purchase, objection: Objection, standing: Standing) -> Doubt:
    if isinstance(row, Purchase):
        return Doubt.PURCHASE
    lifts = row.proven and standing.given_at(row) > objection.occurred_at  # law.md section 2
    return Doubt.LIFTS if lifts else Doubt.CONSENT


def _recorded(row: Evidence) -> tuple[object, int]:
    return row.recorded_at, row.id
