"""How controllers, categories, logins and terms must fit together, each fault with its rule.

What rests on a key that is itself at fault is passed over: mended, it may well fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import TypeAlias

from gateway.config import schema
from gateway.config.whole import Config
from gateway.law.evidence import ALL

Found: TypeAlias = tuple[str, str, str]  # key, fault, mend


def faults(config: Config, broken: set[str]) -> Iterator[Found]:
    """Everything that does not fit; `broken` holds the keys at fault, and tables that could not be read."""
    yield from _names(config)
    yield from _categories(config, broken)
    yield from _logins(config, broken)
    yield from _networks(config)
    yield from _tokens(config, broken)
    yield from _controllers(config, broken)
    yield from _retention(config, broken)


def _names(config: Config) -> Iterator[Found]:
    """Every id and name stands once; a category's former ids count as ids."""
    ids = [name for one in config.category for name in (one.id, *one.formerly)]
    names = {
        "controller": [one.id for one in config.controller],
        "category": ids,
        "login": [one.name for one in config.login],
        "token": [one.name for one in config.token],
    }
    for table, given in names.items():
        for name, times in Counter(given).items():
            if times > 1:
                yield f"{table}[{name}]", f"is there {times} times", "each name once, former ids too"
    for (domain, selector), times in Counter((one.domain, one.selector) for one in config.dkim).items():
        if times > 1:  # the DNS record of a selector holds one key (RFC 6376 section 3.6.2.2)
            yield f"dkim[{domain}].selector", f"{selector!r} is there {times} times", "one for each key"
    if ALL in ids:  # law.md section 3: withdrawn for `all` means every category
        yield f"category[{ALL}].id", "is the word for every category", "another id, former ids too"


def _known(config: Config, controller: str, key: str, broken: set[str]) -> Iterator[Found]:
    known = {one.id for one in config.controller}
    if controller not in known and "controller" not in broken:
        yield f"{key}.controller", f"no controller is called {controller!r}", _choice(known)


def _choice(names: Iterable[str]) -> str:
    return f"one of {', '.join(sorted(names)) or 'those you add'}"


def _categories(config: Config, broken: set[str]) -> Iterator[Found]:
    for one in config.category:
        key = f"category[{one.id}]"
        yield from _known(config, one.controller, key, broken)
        if f"{key}.purpose" in broken:
            continue
        if one.purpose == "marketing":
            if one.ground:
                yield f"{key}.ground", "marketing has its ground in the evidence", "no ground here"
            continue
        if not one.ground:
            yield (
                f"{key}.ground",
                "a service category must say why it needs no consent",
                "contract, legal-obligation, precontract or informative",
            )
        for name in ("product_groups", "advertiser", "personalised", "profiled"):
            if getattr(one, name):  # L15
                yield f"{key}.{name}", "is for marketing", 'purpose = "marketing", or leave it out'


def _logins(config: Config, broken: set[str]) -> Iterator[Found]:
    for one in config.login:
        key = f"login[{one.name}]"
        yield from _known(config, one.controller, key, broken)
        yield from _usable(config, one, key, broken)
        unknown = one.default_category and one.default_category not in one.categories
        if unknown and f"{key}.categories" not in broken:
            yield f"{key}.default_category", "is not among its categories", _choice(one.categories)
        if one.mode == "report" and one.report_until is None:
            yield f"{key}.report_until", "is missing", "when report mode ends, as 2027-01-31T00:00:00+01:00"
        if not one.secret_hash and not one.networks and f"{key}.networks" not in broken:
            yield f"{key}.secret_hash", "nobody could log in", "a secret_hash, or networks, or both"


def _usable(config: Config, login: schema.Login, key: str, broken: set[str]) -> Iterator[Found]:
    controller_of = {one.id: one.controller for one in config.category}
    own = [name for name, controller in controller_of.items() if controller == login.controller]
    for name in login.categories:
        if name not in controller_of:
            if "category" not in broken:
                yield f"{key}.categories", f"no category is called {name!r}", _choice(own)
        elif not broken.isdisjoint((f"{key}.controller", f"category[{name}].controller")):
            continue
        elif controller_of[name] != login.controller:  # I8
            yield f"{key}.categories", f"{name!r} belongs to another controller", _choice(own)


def _networks(config: Config) -> Iterator[Found]:
    given = [(one.name, network) for one in config.login for network in one.networks]
    for (name, network), (other, near) in combinations(given, 2):
        if network.version == near.version and network.overlaps(near):
            yield f"login[{other}].networks", f"{near} overlaps {network} of login {name!r}", "networks apart"


def _tokens(config: Config, broken: set[str]) -> Iterator[Found]:
    seen: dict[str, str] = {}
    for one in config.token:
        key = f"token[{one.name}]"
        yield from _known(config, one.controller, key, broken)
        if other := one.secret_hash and seen.get(one.secret_hash):  # a bearer says no name, only the secret
            yield f"{key}.secret_hash", f"is that of token {other!r} too", "a secret of its own"
        seen[one.secret_hash] = one.name


def _controllers(config: Config, broken: set[str]) -> Iterator[Found]:
    for one in config.controller:
        key = f"controller[{one.id}]"
        if one.on_behalf_of and one.processing_agreement_date is None:  # L21, GDPR 28(3)
            yield (
                f"{key}.processing_agreement_date",
                "is missing",
                "the date of the agreement with that party",
            )
        if not broken.isdisjoint((f"{key}.country", f"{key}.pack")):
            continue
        pack = config.controllers[one.id].pack
        if one.impersonal_addresses and not pack.impersonal_local_parts:  # L16
            yield f"{key}.impersonal_addresses", f"pack {pack.id} exempts no such addresses", "false"


def _retention(config: Config, broken: set[str]) -> Iterator[Found]:
    for name, one in config.retention.items():
        keys = f"retention.{name}.keep_at_least_days", f"retention.{name}.keep_at_most_days"
        if broken.isdisjoint(keys) and one.keep_at_least_days > one.keep_at_most_days:  # L24
            yield keys[1], "is less than keep_at_least_days", f"{one.keep_at_least_days} or more"
