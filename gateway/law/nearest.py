"""Why nothing serves: the reason nearest to a ground (law.md section 2, "Nearest reason")."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.law import customer
from gateway.law.case import Case, is_expired, is_for, is_proven, lacking
from gateway.law.evidence import Consent, Purchase
from gateway.law.reason import Reason

ORDER: tuple[Reason, ...] = (  # nearest first
    Reason.CONSENT_EXPIRED,
    Reason.CONSENT_UNPROVEN,
    Reason.RELATIONSHIP_LAPSED,
    Reason.ONE_OFF_CUSTOMER,
    Reason.OPTOUT_NOT_OFFERED,
    Reason.PRODUCTS_NOT_SIMILAR,
    Reason.CONSENT_OTHER_CHANNEL,
    Reason.CONSENT_OTHER_CATEGORY,
    Reason.NOT_A_CUSTOMER,
    Reason.UNKNOWN_PERSON,
)
_RANK = {reason: rank for rank, reason in enumerate(ORDER)}


def nearest(case: Case) -> tuple[Reason, tuple[int, ...], str]:
    """The nearest reason that any row yields, the ids of the rows that yield it, and what these lack."""
    if not case.standing.known:
        return Reason.UNKNOWN_PERSON, (), ""
    yields = [*_of_consents(case), *_of_purchases(case), *_of_others(case)]
    reason = min([reason for reason, _ in yields], key=_RANK.__getitem__, default=Reason.NOT_A_CUSTOMER)
    rows = tuple(sorted(row for found, row in yields if found is reason))
    return reason, rows, _lacking(rows, case) if reason is Reason.CONSENT_UNPROVEN else ""


def _lacking(rows: tuple[int, ...], case: Case) -> str:
    """What unproven consents for this category lack (L2)."""
    return "; ".join(sorted({lacking(row, case.category) for row in case.consents if row.id in rows}))


def _of_consents(case: Case) -> Iterator[tuple[Reason, int]]:
    for row in case.standing.consents:
        if is_for(row.category, case.category):
            reason = _consent_fails(row, case) if row.occurred_at <= case.now else None
        else:
            other = row.proven and row.occurred_at <= case.now
            reason = Reason.CONSENT_OTHER_CATEGORY if other else None  # L3
        if reason:
            yield reason, row.id


def _consent_fails(consent: Consent, case: Case) -> Reason | None:
    """The first test that a consent for this category fails."""
    if is_expired(consent, case.now):
        return Reason.CONSENT_EXPIRED
    if not is_proven(consent, case.category, case.now):
        return Reason.CONSENT_UNPROVEN  # L2
    return None if case.channel in consent.channels else Reason.CONSENT_OTHER_CHANNEL  # L27


def _of_purchases(case: Case) -> Iterator[tuple[Reason, int]]:
    paid = customer.bought(case.standing.purchases, case.now)
    recurring = customer.is_recurring(paid)
    latest = customer.newest(customer.qualifying(paid, case.category))
    for row in case.standing.purchases:
        reason = _purchase_fails(row, latest, recurring, case)
        if reason:
            yield reason, row.id


def _purchase_fails(row: Purchase, latest: Purchase | None, recurring: bool, case: Case) -> Reason | None:
    """The first test that a purchase fails; `latest` is the newest that qualifies."""
    if not customer.is_bought(row, case.now):
        return Reason.NOT_A_CUSTOMER  # L6
    if not customer.is_similar(row, case.category):
        return Reason.PRODUCTS_NOT_SIMILAR  # L7
    if not customer.was_offered_optout(row):
        return Reason.OPTOUT_NOT_OFFERED  # L9
    if recurring:
        return None
    if case.category.customers == "recurring":
        return Reason.ONE_OFF_CUSTOMER  # L17
    lapsed = latest is not None and customer.is_lapsed(latest, case.category, case.now)
    return Reason.RELATIONSHIP_LAPSED if lapsed else None  # L17


def _of_others(case: Case) -> Iterator[tuple[Reason, int]]:
    """A sign-up, survey, contest, account or quote makes nobody a customer (L6)."""
    for row in case.standing.contacts:
        yield Reason.NOT_A_CUSTOMER, row.id
