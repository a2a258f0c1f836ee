"""A made-up journal: evidence of every kind, mail on every channel, and rules that change on the way."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from gateway.address import parse, person_hash
from gateway.law.category import Category, Controller
from gateway.law.evidence import (
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
from gateway.law.packs import PACKS
from gateway.law.record import Law
from gateway.ports import Decided, Person, Wave
from gateway.store.opening import Store
from tests.store.given import PATIENCE, REFUSED, RELAYED, SHOP, SetClock, fate, row

PEOPLE = 60  # of each controller
CONTROLLERS = (
    SHOP,
    replace(SHOP, id="old", pack=PACKS["nl-2019"]),
    replace(SHOP, id="winkel", pack=PACKS["be"], impersonal_addresses=True),
    replace(SHOP, id="eu", pack=PACKS["eu"]),
)
GROUPS = ("bread", "cake", "meat")


def categories(controller: Controller) -> list[Category]:
    """One of each sort."""
    news = Category(
        id=f"{controller.id}-news",
        controller=controller.id,
        title="News",
        purpose="marketing",
        product_groups=frozenset({"bread", "cake"}),
    )
    more: dict[str, dict[str, Any]] = {
        "confirmed": {"double_opt_in": True},
        "profiled": {"profiled": True},
        "personal": {"personalised": True},
        "partner": {"advertiser": "The Butcher"},
        "regulars": {"customers": "recurring"},
        "fading": {"one_off_max_age_days": 30},
        "post": {"post_use_compatible": True},
        "invoice": {"purpose": "service", "ground": "contract"},
    }
    return [news, *[replace(news, id=f"{controller.id}-{name}", **it) for name, it in more.items()]]


def laws() -> list[Law]:
    """What is in force one after another."""
    first = {one.id: one for controller in CONTROLLERS for one in categories(controller)}
    controllers = {one.id: one for one in CONTROLLERS}
    renamed = {
        f"{name}-2": replace(one, id=f"{name}-2", formerly=frozenset({name})) for name, one in first.items()
    }
    fewer = {name: one for name, one in first.items() if not name.endswith(("news", "post"))}
    narrow = {name: replace(one, product_groups=frozenset({"cake"})) for name, one in first.items()}
    unready = {name: replace(one, postal_address="") for name, one in controllers.items()}
    exempt = {
        name: replace(one, impersonal_addresses=not one.impersonal_addresses)
        for name, one in controllers.items()
    }
    return [
        Law(controllers, first),
        Law(controllers, renamed),
        Law(controllers, fewer),
        Law(unready, first),
        Law(exempt, narrow),
        Law(controllers, first),
    ]


@dataclass
class Campaigns:
    """Evidence and mail at random, the same for the same seed."""

    clock: SetClock
    random: random.Random = field(default_factory=lambda: random.Random(5))
    recorded: dict[tuple[str, bytes], list[int]] = field(default_factory=lambda: defaultdict(list))
    submissions: int = 0

    def person(self, controller: str) -> Person:
        number = self.random.randrange(PEOPLE)
        name = f"info@company{number}.example" if number % 5 == 0 else f"Kim.{number}@example.org"
        mailbox = parse(name)
        return Person(person_hash(b"k" * 32, controller, mailbox.comparable), mailbox)

    async def evidence(self, store: Store, law: Law) -> None:
        """A few rows of one controller."""
        controller = self.random.choice(list(law.controllers))
        for _ in range(self.random.randrange(1, 12)):
            who = self.person(controller)
            before = self.recorded[controller, who.hash]
            fact = self.fact(controller, before)
            (appended,) = await store.ledger.append(
                [row(fact, who, controller=controller, source="form", wording=self.random.random())]
            )
            before.append(appended.id)

    def fact(self, controller: str, before: list[int]) -> Evidence:
        moment = self.clock.now() - timedelta(days=self.random.choice([0, 0, 1, 20, 40, -0.002]))
        corrects = self.random.choice(before) if before and self.random.random() < 0.2 else None
        kind, fields = self.random.choice(self._kinds(controller, moment))
        row: Evidence = kind(
            id=0, occurred_at=moment, recorded_at=self.clock.now(), corrects=corrects, **fields
        )
        return row

    def _kinds(self, controller: str, moment: datetime) -> list[tuple[Any, dict[str, Any]]]:
        chance, choice = self.random.random, self.random.choice
        category = f"{controller}-{choice(['news', 'confirmed', 'profiled', 'partner', 'news-2', 'gone'])}"
        channels = frozenset(self.random.sample(CHANNELS, self.random.randrange(1, 4)))
        later = choice([None, None, moment, moment + timedelta(days=30)])
        consent = {
            "category": category,
            "proven": chance() < 0.8,
            "channels": channels,
            "confirmed_at": later,
            "expires_at": choice([None, None, moment + timedelta(days=60)]),
            "third_party": choice([frozenset(), frozenset({"the butcher"})]),
        }
        purchase = {
            "product_group": choice(GROUPS),
            "reference": choice([None, "1", "2"]),
            "paid": chance() < 0.9,
            "ongoing": chance() < 0.1,
            "optout_offered_at": choice([None, moment, moment, moment]),
            "optout_offered_how": chance() < 0.9,
        }
        scope = choice(["marketing", "profiling", f"category:{category}", f"channel:{choice(CHANNELS)}"])
        return [
            *[(Consent, consent)] * 4,
            *[(Purchase, purchase)] * 4,
            (Withdrawal, {"category": choice(["all", category])}),
            (Objection, {"scope": scope}),
            (Notice, {"subject": choice(["privacy", "profiling"]), "version": "1"}),
            (Contact, {"what": "contest"}),
            (Register, {"listed": chance() < 0.5}),
            (Undeliverable, {"smtp_reply": "550 5.1.1"}),
        ]

    async def mail(self, store: Store, law: Law, people: int = 20) -> None:
        """One mail to some people, and what became of it."""
        self.submissions += 1
        category = self.random.choice([*law.categories.values(), None])
        controller = law.controllers[category.controller if category else "shop"]
        who = {one.hash: one for one in (self.person(controller.id) for _ in range(people))}
        wave = Wave(
            submission=self.submissions,
            login="tool",
            controller=controller,
            category=category,
            people=tuple(who.values()),
            known_categories=law.known_categories(controller.id),
            channel=self.random.choice(["email", "email", *CHANNELS]),
            category_asked=category.id if category and self.random.random() < 0.5 else "",
            campaign="spring",
            message_id=f"<{self.submissions}@shop.example>",
            report=self.random.random() < 0.3,
            only_withheld=self.random.random() < 0.1,
        )
        verdicts = await store.journal.decide(wave, self.clock.now(), PATIENCE)
        relayed = [one for one in verdicts if isinstance(one, Decided) and one.relay and one.id]
        fates = [fate(one.id, self.random.choice([RELAYED, RELAYED, REFUSED])) for one in relayed]
        await store.journal.settle(fates, self.clock.now())
