"""The decision table, row by row in the order of law.md section 2.

A row looks at one case and either finds a ground or a reason, or says nothing and the next is asked.
The table itself stands at the end of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gateway.law import customer
from gateway.law.case import Case, category_scopes, is_proven, standing_objection
from gateway.law.category import Category
from gateway.law.evidence import Register, Undeliverable
from gateway.law.nearest import nearest
from gateway.law.reason import Ground, Reason
from gateway.law.standing import CHANNEL, MARKETING, PROFILING

UNCLASSIFIED = Category(id="", controller="", title="", purpose="marketing")  # stands in for no category

_SERVICE_GROUNDS = {
    ground.value: ground
    for ground in (Ground.CONTRACT, Ground.LEGAL_OBLIGATION, Ground.PRECONTRACT, Ground.INFORMATIVE)
}
_SOFT_OPT_IN_CHANNELS = frozenset({"email", "sms", "app"})  # L27


class Finding(NamedTuple):
    """What a row finds, and the ids of the evidence that it rests on."""

    outcome: Ground | Reason
    evidence: tuple[int, ...] = ()
    detail: str = ""
    customer: Literal["one-off", "recurring"] | None = None


def _no_category(case: Case) -> Finding | None:
    return Finding(Reason.NO_CATEGORY) if case.category is UNCLASSIFIED else None


def _service(case: Case) -> Finding | None:
    """L12, L13, L15. Raises KeyError for a ground that is not one of service mail."""
    return Finding(_SERVICE_GROUNDS[case.category.ground]) if case.category.is_service else None


def _not_ready(case: Case) -> Finding | None:
    """L20: the policy says so; L22: who sends, and where to write to."""
    controller = case.controller
    lacking = [
        name
        for name in ("name", "postal_address", "privacy_policy_url")
        if not getattr(controller, name).strip()
    ]
    if not controller.privacy_policy_mentions_marketing:
        lacking.append("privacy_policy_mentions_marketing")
    return Finding(Reason.CONTROLLER_NOT_READY, detail=", ".join(lacking)) if lacking else None


def _objected(case: Case) -> Finding | None:
    """L11, L28; GDPR 21(2)-(3)."""
    found = standing_objection(case, (MARKETING, CHANNEL + case.channel))
    return Finding(Reason.OBJECTED, (found.id,)) if found else None


def _objected_category(case: Case) -> Finding | None:
    """L11."""
    found = standing_objection(case, category_scopes(case.category))
    return Finding(Reason.OBJECTED_CATEGORY, (found.id,)) if found else None


def _objected_profiling(case: Case) -> Finding | None:
    """L19; GDPR 21(2), 22."""
    found = standing_objection(case, (PROFILING,)) if case.category.profiled else None
    return Finding(Reason.OBJECTED_PROFILING, (found.id,)) if found else None


def _withdrawn(case: Case) -> Finding | None:
    """L4: closes the soft opt-in too; only a newer proven consent reopens it. At one instant it holds."""
    withdrawal = case.withdrawal
    if withdrawal is None:
        return None
    reopened = any(
        case.standing.given_at(row) > withdrawal.occurred_at
        for row in case.consents
        if case.channel in row.channels and is_proven(row, case.category, case.now)
    )
    return None if reopened else Finding(Reason.CONSENT_WITHDRAWN, (withdrawal.id,))


def _profiling_not_announced(case: Case) -> Finding | None:
    """L19: told clearly, beforehand."""
    if not case.category.profiled:
        return None
    told = any(row.subject == PROFILING and row.occurred_at <= case.now for row in case.standing.notices)
    return None if told else Finding(Reason.PROFILING_NOT_ANNOUNCED)


def _third_party(case: Case) -> Finding | None:
    """L8: advertising for another needs a consent that names it."""
    advertiser = _name(case.category.advertiser)
    if not advertiser or advertiser == _name(case.controller.name):
        return None
    return _consent(case, advertiser) or Finding(
        Reason.THIRD_PARTY_WITHOUT_CONSENT, detail=case.category.advertiser.strip()
    )


def _consent(case: Case, naming: str = "") -> Finding | None:
    """L1, L2, L3: the newest consent in force, `naming` a third party where one is advertised."""
    consents = [row for row in case.in_force if not naming or naming in row.third_party]
    if not consents:
        return None
    newest = max(consents, key=lambda row: (case.standing.given_at(row), row.id))
    return Finding(Ground.CONSENT, (newest.id,))


def _personalised(case: Case) -> Finding | None:
    """L18."""
    return Finding(Reason.PERSONALISED_NEEDS_CONSENT) if case.category.personalised else None


def _register(case: Case) -> Finding | None:
    """L28, where the pack knows a do-not-call register. Never checked is not the same as not listed."""
    if case.channel != "phone" or case.controller.pack.phone != "register":
        return None
    listing = _listing(case)
    if listing and not listing.listed and listing.proven:
        return Finding(Ground.REGISTER, (listing.id,))
    checked = (listing.id,) if listing else ()
    paid = customer.bought(case.standing.purchases, case.now)
    purchase = customer.newest([row for row in paid if customer.is_similar(row, case.category)])
    if purchase:
        return Finding(Ground.REGISTER, (purchase.id, *checked))
    if listing and not listing.listed:  # L2: no proof, no call
        return Finding(Reason.DO_NOT_CALL, checked, "unproven")
    return Finding(Reason.DO_NOT_CALL, checked, "listed" if checked else "never checked")


def _post(case: Case) -> Finding | None:
    """L29."""
    if case.channel != "post" or not case.category.post_use_compatible:
        return None
    purchase = customer.newest(customer.bought(case.standing.purchases, case.now))
    return Finding(Ground.COMPATIBLE_USE, (purchase.id,)) if purchase else None


def _soft_opt_in(case: Case) -> Finding | None:
    """L5: L6, L7 and L9 hold for one and the same purchase, and L17 for the customer."""
    if case.channel not in _SOFT_OPT_IN_CHANNELS or not case.standing.purchases:
        return None
    paid = customer.bought(case.standing.purchases, case.now)
    purchase = customer.newest(customer.qualifying(paid, case.category))
    if purchase is None:
        return None
    if customer.is_recurring(paid):
        return Finding(Ground.SOFT_OPT_IN, (purchase.id,), customer="recurring")
    if case.category.customers == "recurring" or customer.is_lapsed(purchase, case.category, case.now):
        return None
    return Finding(Ground.SOFT_OPT_IN, (purchase.id,), customer="one-off")


def _impersonal(case: Case) -> Finding | None:
    """L16: only packs that exempt such addresses have a list of them."""
    exempt = (
        case.channel == "email"
        and case.controller.impersonal_addresses
        and case.standing.local_part in case.controller.pack.impersonal_local_parts
    )
    return Finding(Ground.IMPERSONAL_ADDRESS) if exempt else None


def _otherwise(case: Case) -> Finding | None:
    return Finding(*nearest(case))


def dead_mailbox(case: Case) -> Undeliverable | None:
    """The row by which a marketing send by e-mail is withheld: newer than every consent and purchase."""
    row, standing = case.standing.undeliverable, case.standing
    if row is None or case.channel != "email" or case.category.is_service:
        return None
    given = [standing.given_at(consent) for consent in standing.consents if consent.occurred_at <= case.now]
    sold = [purchase.occurred_at for purchase in standing.purchases if purchase.occurred_at <= case.now]
    return row if all(row.occurred_at > then for then in given + sold) else None


def _listing(case: Case) -> Register | None:
    """The newest word of the register; at one instant "listed" wins, and only that counts ahead of time."""
    rows = [row for row in case.standing.registers if row.listed or row.occurred_at <= case.now]
    return max(rows, key=lambda row: (row.occurred_at, row.listed, row.id), default=None)


def _name(text: str) -> str:
    """A company's name as compared (law.md section 2, row 8)."""
    return text.strip().casefold()


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: its number in law.md section 2, its test in plain words, and the test."""

    number: int
    test: str
    apply: Callable[[Case], Finding | None]


TABLE: tuple[Row, ...] = (
    Row(0, "the login has no category", _no_category),
    Row(1, "the category is service mail", _service),
    Row(2, "the controller lacks what marketing requires of it", _not_ready),
    Row(3, "an objection to all marketing, or to this channel, stands", _objected),
    Row(4, "an objection to this category stands", _objected_category),
    Row(5, "recipients are chosen by a profile, and an objection to profiling stands", _objected_profiling),
    Row(6, "consent was withdrawn, and no proven consent is newer", _withdrawn),
    Row(7, "recipients are chosen by a profile, and were not told", _profiling_not_announced),
    Row(8, "the category advertises a third party", _third_party),
    Row(9, "a consent for this category and channel is in force", _consent),
    Row(10, "the content is personalised", _personalised),
    Row(11, "the channel is phone, and the law keeps a do-not-call register", _register),
    Row(12, "the channel is post, the use is compatible, and the person is a customer", _post),
    Row(13, "the person is a customer for similar products, and was offered a way to refuse", _soft_opt_in),
    Row(14, "the address is impersonal, and such addresses are exempt", _impersonal),
    Row(15, "nothing else applies", _otherwise),
)
UNDELIVERABLE_ROW = 16  # comes after the table: not law but sense
UNDELIVERABLE_TEST = "the mailbox was reported not to exist, after every consent and purchase"
