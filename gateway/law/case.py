"""One question put to the law: this category, on this channel, to this person, now.

Here stand the two terms that the decision's rows share: a consent "in force", and an objection that
"stands" (law.md section 2). Evidence dated after now never counts for sending; a refusal always counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway.law.category import Category, Controller
from gateway.law.evidence import ALL, Channel, Consent, Objection, Withdrawal
from gateway.law.standing import CATEGORY, Standing, moment


@dataclass(frozen=True, slots=True)
class Case:
    """A question, and the rows of the standing that bear on it."""

    category: Category
    controller: Controller
    channel: Channel
    standing: Standing
    now: datetime
    consents: tuple[Consent, ...]  # for this category, given by now
    withdrawal: Withdrawal | None  # the newest for this category or for all
    in_force: tuple[Consent, ...]  # for this category and channel
    lifts: datetime | None  # what refuses before this moment is lifted: the newest consent in force


def case_of(
    category: Category, controller: Controller, channel: Channel, standing: Standing, now: datetime
) -> Case:
    """The case, with what each row would otherwise look up again."""
    consents = tuple(
        [row for row in standing.consents if row.occurred_at <= now and is_for(row.category, category)]
    )
    withdrawal = _withdrawal(category, standing)
    in_force = tuple(
        [
            row
            for row in consents
            if channel in row.channels  # L27
            and is_proven(row, category, now)
            and not is_expired(row, now)
            and not (withdrawal and standing.given_at(row) <= withdrawal.occurred_at)  # L4
        ]
    )
    lifts = max([standing.given_at(row) for row in in_force], default=None)
    return Case(category, controller, channel, standing, now, consents, withdrawal, in_force, lifts)


def is_for(category_id: str, category: Category) -> bool:
    """Whether a row names this category, by its id or a former one."""
    return category_id == category.id or category_id in category.formerly


def is_proven(consent: Consent, category: Category, now: datetime) -> bool:
    """L2: wording and source on record and, where the category asks, confirmed."""
    if not category.double_opt_in:
        return consent.proven
    return consent.proven and consent.confirmed_at is not None and consent.confirmed_at <= now


def lacking(consent: Consent, category: Category) -> str:
    """What a consent that is not proven for this category lacks (L2), in words."""
    if not consent.proven:
        return "lacks its source, its wording or the wording's version"
    if consent.confirmed_at is not None:
        return "its confirmed_at lies ahead"
    return f"lacks confirmed_at, which {category.id} asks for (double opt-in)"


def is_expired(consent: Consent, now: datetime) -> bool:
    """A consent ends at the very moment it names."""
    return consent.expires_at is not None and consent.expires_at <= now


def standing_objection(case: Case, scopes: Sequence[str]) -> Objection | None:
    """The newest objection of these scopes, unless a consent in force is newer (L11).

    At the same instant the refusal wins.
    """
    found = [case.standing.objections[scope] for scope in scopes if scope in case.standing.objections]
    newest = max(found, key=moment, default=None)
    lifted = newest is not None and case.lifts is not None and case.lifts > newest.occurred_at
    return None if lifted else newest


def category_scopes(category: Category) -> list[str]:
    """The scopes by which an objection names this category."""
    return [CATEGORY + category.id, *[CATEGORY + former for former in category.formerly]]


def _withdrawal(category: Category, standing: Standing) -> Withdrawal | None:
    if not standing.withdrawals:
        return None
    found = [row for name, row in standing.withdrawals.items() if name == ALL or is_for(name, category)]
    return max(found, key=moment, default=None)
