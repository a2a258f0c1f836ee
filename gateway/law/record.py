"""What decisions are made under, besides evidence, as data that can be kept and read back exactly.

So a decision can be made again long after the configuration has changed (law.md section 2 is a pure function
of evidence, configuration and time). Nothing secret is in it, and nothing of any recipient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeAlias

from gateway.law.category import Category, Controller
from gateway.law.packs import Pack

Plain: TypeAlias = dict[str, Any]  # what JSON has a type for

_SETS = frozenset(
    {"formerly", "product_groups", "channels", "impersonal_local_parts"}
)  # sorted lists in JSON


@dataclass(frozen=True, slots=True)
class Law:
    """The controllers, each with its country's pack, and the categories of mail, by id."""

    controllers: Mapping[str, Controller]
    categories: Mapping[str, Category]

    def known_categories(self, controller: str) -> frozenset[str]:
        """The ids, former ones included, of its categories: an objection to any other binds all."""
        return frozenset(
            name
            for category in self.categories.values()
            if category.controller == controller
            for name in (category.id, *category.formerly)
        )


def to_plain(law: Law) -> Plain:
    """What JSON can carry of it, whole: packs with every parameter, each once."""
    controllers = [law.controllers[name] for name in sorted(law.controllers)]
    packs = {one.pack.id: one.pack for one in controllers}
    return {
        "packs": [_plain(packs[name]) for name in sorted(packs)],
        "controllers": [_plain(one) | {"pack": one.pack.id} for one in controllers],
        "categories": [_plain(law.categories[name]) for name in sorted(law.categories)],
    }


def from_plain(plain: Plain) -> Law:
    """What `to_plain` took apart. Raises KeyError or TypeError where it is of another make."""
    packs = {one["id"]: Pack(**_read(one)) for one in plain["packs"]}
    controllers = [Controller(**_read(one) | {"pack": packs[one["pack"]]}) for one in plain["controllers"]]
    categories = [Category(**_read(one)) for one in plain["categories"]]
    return Law({one.id: one for one in controllers}, {one.id: one for one in categories})


def _plain(part: Pack | Controller | Category) -> Plain:
    return {field.name: _value(getattr(part, field.name)) for field in fields(part)}


def _value(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    return sorted(value) if isinstance(value, frozenset) else value


def _read(plain: Plain) -> Plain:
    return {name: frozenset(value) if name in _SETS else value for name, value in plain.items()}
