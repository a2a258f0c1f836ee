"""What a login may do, resolved once from the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.config import Config
from gateway.law.category import Category, Controller
from gateway.law.record import Law


@dataclass(frozen=True, slots=True)
class Grant:
    """A login's controller, the categories it may use, and how it wants to hear of the withheld."""

    login: str
    controller: Controller
    categories: Mapping[str, Category]
    default: Category | None
    from_domains: frozenset[str]
    rejects: bool  # on_withheld = "reject"
    report_until: datetime | None  # of a login in report mode
    known_categories: frozenset[str]  # every id and former id that this controller's categories have had

    @property
    def only_category(self) -> Category | None:
        """The one category of whatever this login may send, where it has just one."""
        if len(self.categories) != 1:
            return None
        (category,) = self.categories.values()
        return category

    def allows_from(self, domains: frozenset[str]) -> bool:
        """Whether every mailbox of the From field is in a domain of this login."""
        return bool(domains) and self.from_domains.issuperset(domains)

    def reports(self, now: datetime) -> bool:
        """Whether this login is in report mode at `now` (contract section 4)."""
        return self.report_until is not None and now < self.report_until


def grants(config: Config) -> dict[str, Grant]:
    """Every login's grant, by its name."""
    return {
        login.name: Grant(
            login=login.name,
            controller=config.controllers[login.controller],
            categories={name: config.categories[name] for name in login.categories},
            default=config.categories[login.default_category] if login.default_category else None,
            from_domains=frozenset(login.from_domains),
            rejects=login.on_withheld == "reject",
            report_until=login.report_until if login.mode == "report" else None,
            known_categories=known_categories(config, login.controller),
        )
        for login in config.logins.values()
    }


def known_categories(config: Config, controller: str) -> frozenset[str]:
    """The ids, former ones included, of one controller's categories: an objection to any other binds all."""
    return law_of(config).known_categories(controller)


def law_of(config: Config) -> Law:
    """What decisions rest on of a configuration."""
    return Law(config.controllers, config.categories)
