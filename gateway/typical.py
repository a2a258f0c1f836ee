"""Typical people, made up: what each category would decide on a mail to them (nothing of it is on record).

Each is made to measure for the category asked about, so that what it shows is the law and the configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.config import Config
from gateway.grants import known_categories
from gateway.law.category import Category
from gateway.law.decision import Decision, decide
from gateway.law.evidence import (
    CHANNELS,
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
from gateway.law.standing import CATEGORY, PROFILING, standing_of

DAY = timedelta(days=1)
LONG_AGO = 5 * 365 * DAY
ANOTHER = "another"  # a category, and a product group, that is none of those asked about

Rows = Callable[[Category, datetime], Sequence[Evidence]]


@dataclass(frozen=True, slots=True)
class Typical:
    """Somebody one meets in every customer file; `rows` are what is on record of them for a category."""

    words: str
    rows: Rows
    local_part: str = "jo"


@dataclass(frozen=True, slots=True)
class Judged:
    """What would be decided on a mail of this category by this channel."""

    category: Category
    channel: Channel
    decision: Decision


def judged(config: Config, who: str, now: datetime) -> Iterator[Judged]:
    """The decision on this typical person, for each category and each channel it may use.

    Raises KeyError for somebody not in PEOPLE.
    """
    person = PEOPLE[who]
    for category in config.categories.values():
        standing = standing_of(
            person.rows(category, now),
            local_part=person.local_part,
            known_categories=known_categories(config, category.controller),
        )
        for channel in (one for one in CHANNELS if one in category.channels):
            decision = decide(category, config.controllers[category.controller], channel, standing, now)
            yield Judged(category, channel, decision)


def _consent(category: Category, now: datetime) -> Consent:
    """To this very category, by each of its channels, with its proof, confirmed."""
    at = now - 30 * DAY
    return Consent(
        id=1,
        occurred_at=at,
        recorded_at=at,
        category=category.id,
        proven=True,
        channels=category.channels,
        confirmed_at=at,
    )


def _purchase(category: Category, now: datetime) -> Purchase:
    """Of what this category promotes, with the way out offered; of something if it promotes nothing."""
    at = now - 20 * DAY
    return Purchase(
        id=2,
        occurred_at=at,
        recorded_at=at,
        product_group=min(category.product_groups, default=ANOTHER),
        optout_offered_at=at,
        optout_offered_how=True,
    )


def _objection(now: datetime, scope: str = "marketing") -> Objection:
    return Objection(id=3, occurred_at=now - DAY, recorded_at=now - DAY, scope=scope)


def _told(now: datetime) -> Notice:
    at = now - 40 * DAY
    return Notice(id=4, occurred_at=at, recorded_at=at, subject=PROFILING)


def _named(category: Category, now: datetime) -> Consent:
    """A consent that names the advertiser, if there is one (L8)."""
    advertiser = category.advertiser.strip().casefold()
    return replace(_consent(category, now), third_party=frozenset({advertiser} if advertiser else ()))


def _regular(category: Category, now: datetime) -> list[Evidence]:
    """Two purchases on different days (L17)."""
    bought = _purchase(category, now)
    return [bought, replace(bought, id=5, occurred_at=bought.occurred_at - 60 * DAY, optout_offered_at=None)]


def _before(fact: Purchase, ago: timedelta) -> Purchase:
    at = fact.occurred_at - ago
    return replace(fact, occurred_at=at, recorded_at=at, optout_offered_at=at)


PEOPLE: Mapping[str, Typical] = {
    "unknown": Typical("nothing is on record", lambda _category, _now: []),
    "consented": Typical(
        "gave a consent to this category, with its proof", lambda category, now: [_consent(category, now)]
    ),
    "consented-and-told": Typical(
        "gave a consent with its proof, which names any advertiser, and was told of profiling",
        lambda category, now: [_named(category, now), _told(now)],
    ),
    "unproven": Typical(
        "gets it since some day: a consent without source and wording",
        lambda category, now: [replace(_consent(category, now), proven=False)],
    ),
    "unconfirmed": Typical(
        "gave a consent with its proof, and never clicked the confirmation",
        lambda category, now: [replace(_consent(category, now), confirmed_at=None)],
    ),
    "consented-elsewhere": Typical(
        "gave a consent to another category",
        lambda category, now: [replace(_consent(category, now), category=ANOTHER)],
    ),
    "consent-expired": Typical(
        "gave a consent that has run out",
        lambda category, now: [replace(_consent(category, now), expires_at=now - DAY)],
    ),
    "customer": Typical(
        "bought what this category promotes, once, and was offered a way to refuse",
        lambda category, now: [_purchase(category, now)],
    ),
    "regular-customer": Typical("the same, and bought more than once", _regular),
    "customer-long-ago": Typical(
        "the same, once, five years ago", lambda category, now: [_before(_purchase(category, now), LONG_AGO)]
    ),
    "customer-not-offered": Typical(
        "bought what this category promotes, and was not offered a way to refuse",
        lambda category, now: [replace(_purchase(category, now), optout_offered_at=None)],
    ),
    "customer-of-something-else": Typical(
        "bought something that this category does not name as similar",
        lambda category, now: [replace(_purchase(category, now), product_group=ANOTHER)],
    ),
    "contest": Typical(
        "entered a contest",
        lambda _category, now: [Contact(id=6, occurred_at=now - DAY, recorded_at=now - DAY, what="contest")],
    ),
    "objected": Typical(
        "consented and bought, then objected to all marketing",
        lambda category, now: [_consent(category, now), _purchase(category, now), _objection(now)],
    ),
    "objected-category": Typical(
        "consented and bought, then objected to this category",
        lambda category, now: [
            _consent(category, now),
            _purchase(category, now),
            _objection(now, CATEGORY + category.id),
        ],
    ),
    "objected-profiling": Typical(
        "consented, was told of profiling, and objected to that",
        lambda category, now: [_named(category, now), _told(now), _objection(now, PROFILING)],
    ),
    "withdrew": Typical(
        "consented and bought, then withdrew",
        lambda category, now: [
            _consent(category, now),
            _purchase(category, now),
            Withdrawal(id=7, occurred_at=now - DAY, recorded_at=now - DAY, category=category.id),
        ],
    ),
    "not-listed": Typical(
        "is not on the do-not-call register",
        lambda _category, now: [Register(id=8, occurred_at=now - DAY, recorded_at=now - DAY, listed=False)],
    ),
    "dead-mailbox": Typical(
        "consented, and then the mailbox was reported not to exist",
        lambda category, now: [
            _consent(category, now),
            Undeliverable(id=9, occurred_at=now - DAY, recorded_at=now - DAY, smtp_reply="5.1.1"),
        ],
    ),
    "info-address": Typical(
        "nothing is on record, and the address is info@", lambda _category, _now: [], local_part="info"
    ),
}
