"""The controller, the categories and the rows that the claims about the law are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.law.category import Category, Controller
from gateway.law.decision import Decision, decide
from gateway.law.evidence import (
    Channel,
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
from gateway.law.packs import PACKS
from gateway.law.standing import Standing, standing_of

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TICK = timedelta(microseconds=1)

BAKERY = Controller(
    id="bakery",
    name="Bakery Crumb",
    pack=PACKS["nl"],
    postal_address="Dorpsstraat 1, Utrecht",
    privacy_policy_url="https://bakery.example/privacy",
    privacy_policy_mentions_marketing=True,
)
BAKERY_2019 = replace(BAKERY, pack=PACKS["nl-2019"])
BAKERY_BE = replace(BAKERY, pack=PACKS["be"], impersonal_addresses=True)
BAKERY_EU = replace(BAKERY, pack=PACKS["eu"])

NEWS = Category(
    id="news",
    controller="bakery",
    title="News",
    purpose="marketing",
    formerly=frozenset({"nieuws"}),
    product_groups=frozenset({"bread", "cake"}),
)
CONFIRMED = replace(NEWS, double_opt_in=True)
PROFILED = replace(NEWS, profiled=True)
PERSONALISED = replace(NEWS, personalised=True)
PARTNER = replace(NEWS, advertiser=" The Butcher ")
REGULARS = replace(NEWS, customers="recurring")
FADING = replace(NEWS, one_off_max_age_days=30)
POST = replace(NEWS, post_use_compatible=True)
KNOWN = frozenset({"news", "nieuws", "offers"})


def service(ground: str) -> Category:
    """A service category on this ground."""
    return Category(id="service", controller="bakery", title="Service", purpose="service", ground=ground)


def ago(days: float) -> datetime:
    """That many days before now; negative is ahead."""
    return NOW - timedelta(days=days)


def _row(kind: type[Any], number: int, days: float, fields: dict[str, Any]) -> Any:
    happened = fields.pop("occurred_at", ago(days))
    return kind(
        **{"id": number, "occurred_at": happened, "recorded_at": fields.pop("recorded_at", happened)} | fields
    )


def consent(number: int = 1, days: float = 10, **fields: Any) -> Consent:
    """A proven consent to the news by e-mail, unless told otherwise."""
    row: Consent = _row(Consent, number, days, {"category": "news", "proven": True} | fields)
    return row


def withdrawal(number: int = 2, days: float = 5, **fields: Any) -> Withdrawal:
    """A withdrawal for all."""
    row: Withdrawal = _row(Withdrawal, number, days, fields)
    return row


def purchase(number: int = 3, days: float = 10, **fields: Any) -> Purchase:
    """A purchase of bread that passes every test of the soft opt-in."""
    offered = {"optout_offered_at": ago(days), "optout_offered_how": True}
    row: Purchase = _row(Purchase, number, days, {"product_group": "bread"} | offered | fields)
    return row


def objection(number: int = 4, days: float = 5, **fields: Any) -> Objection:
    """An objection to all marketing."""
    row: Objection = _row(Objection, number, days, fields)
    return row


def notice(number: int = 5, days: float = 20, **fields: Any) -> Notice:
    """A notice of profiling."""
    row: Notice = _row(Notice, number, days, {"subject": "profiling"} | fields)
    return row


def contact(number: int = 6, days: float = 10, **fields: Any) -> Contact:
    """An entry in a contest."""
    row: Contact = _row(Contact, number, days, {"what": "contest"} | fields)
    return row


def register(number: int = 7, days: float = 10, *, listed: bool, **fields: Any) -> Register:
    """What the do-not-call register said."""
    row: Register = _row(Register, number, days, {"listed": listed} | fields)
    return row


def undeliverable(number: int = 8, days: float = 5, **fields: Any) -> Undeliverable:
    """The mailbox was reported not to exist."""
    row: Undeliverable = _row(Undeliverable, number, days, fields)
    return row


def standing(*rows: Evidence, local_part: str = "jo") -> Standing:
    """The standing of these rows under the categories known here."""
    return standing_of(rows, local_part=local_part, known_categories=KNOWN)


def decided(
    rows: Sequence[Evidence],
    category: Category | None = NEWS,
    *,
    controller: Controller = BAKERY,
    channel: Channel = "email",
    local_part: str = "jo",
    now: datetime = NOW,
) -> Decision:
    """The decision on these rows."""
    return decide(category, controller, channel, standing(*rows, local_part=local_part), now)
