"""Categories of mail, the controllers that send them, and which category a message has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from gateway.law.packs import Pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """Who is responsible (GDPR 4(7)), as far as decisions and notices need it."""

    id: str
    name: str
    pack: Pack
    postal_address: str = ""
    privacy_policy_url: str = ""
    privacy_policy_mentions_marketing: bool = False
    contact: str = ""
    officer: str = ""
    language: str = "nl"
    impersonal_addresses: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A kind of content that people consent or object to (L1), or a kind of service mail (L12 to L15)."""

    id: str
    controller: str
    title: str
    purpose: Literal["marketing", "service"]
    ground: str = ""  # of a service category
    formerly: frozenset[str] = frozenset()
    product_groups: frozenset[str] = frozenset()
    advertiser: str = ""
    personalised: bool = False
    profiled: bool = False
    customers: Literal["any", "recurring"] = "any"
    one_off_max_age_days: int | None = None
    double_opt_in: bool = False
    post_use_compatible: bool = False
    channels: frozenset[str] = frozenset({"email"})

    @property
    def is_service(self) -> bool:
        """Whether this mail is needed, not marketing."""
        return self.purpose == "service"


class CategoryNotAllowedError(Exception):
    """The message asks for a category that its login may not use, none, or more than one."""


def classify(
    asked: tuple[str, ...], allowed: Mapping[str, Category], default: Category | None
) -> Category | None:
    """The category of a message: what it asks for among what its login may use, else the default.

    `asked` holds the values of every X-Sendright-Category field. A header can choose, never widen
    (L14, contract section 4). Raises CategoryNotAllowedError.
    """
    if not asked:
        return default
    if len(asked) > 1 or asked[0] not in allowed:
        raise CategoryNotAllowedError
    return allowed[asked[0]]
