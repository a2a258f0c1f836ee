"""What a country pack is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """One country's parameters, as data. `version` changes with any change to the pack."""

    id: str
    law: str  # where it applies, and which texts it cites
    version: str
    phone: Literal["consent", "register"]  # L28
    articles: Mapping[str, str]  # by ground and by reason
    rests_on: Mapping[str, str]  # the article of each parameter that is set, by its name
    impersonal_local_parts: frozenset[str] = frozenset()  # L16
    receipts: bool = False  # L31
    advertising_word: Mapping[str, str] | None = None  # by language (L32)
