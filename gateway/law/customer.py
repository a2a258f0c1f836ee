"""Who is a customer, and for what: the tests that purchases must pass (L6, L7, L9, L17)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from gateway.law.category import Category
from gateway.law.evidence import Purchase
from gateway.law.standing import moment

_DAY = timedelta(days=1)


def is_bought(purchase: Purchase, now: datetime) -> bool:
    """L6: an agreement by which they pay; nothing free of charge, nothing yet to come."""
    return purchase.paid and purchase.occurred_at <= now


def bought(purchases: Sequence[Purchase], now: datetime) -> list[Purchase]:
    """Those that pass L6."""
    return [row for row in purchases if is_bought(row, now)]


def is_similar(purchase: Purchase, category: Category) -> bool:
    """L7: of a product group that the category names; an empty list never matches."""
    return purchase.product_group in category.product_groups


def was_offered_optout(purchase: Purchase) -> bool:
    """L9: the row says when and how the person could refuse, and that was not after the purchase."""
    offered = purchase.optout_offered_at
    return offered is not None and offered <= purchase.occurred_at and purchase.optout_offered_how


def qualifying(paid: Sequence[Purchase], category: Category) -> list[Purchase]:
    """Those that pass L6, L7 and L9 all by themselves (L5), given those that pass L6."""
    return [row for row in paid if is_similar(row, category) and was_offered_optout(row)]


def newest(purchases: Sequence[Purchase]) -> Purchase | None:
    """The newest of them, if any."""
    return max(purchases, key=moment, default=None)


def is_recurring(paid: Sequence[Purchase]) -> bool:
    """L17: one is or was ongoing, or two differ in reference (lacking one: in day), of any product group."""
    if any(row.ongoing for row in paid):
        return True
    if len({row.reference for row in paid if row.reference}) > 1:
        return True
    days = {row.occurred_at.astimezone(UTC).date() for row in paid}
    return len(days) > 1 and any(not row.reference for row in paid)


def is_lapsed(purchase: Purchase, category: Category, now: datetime) -> bool:
    """L17: a one-off purchase older than the category allows; without a limit nothing lapses."""
    limit = category.one_off_max_age_days
    return limit is not None and (now - purchase.occurred_at) / _DAY > limit
