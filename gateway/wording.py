"""The exact sentence beside a box or a button by which somebody consents, and its version (GDPR 7(1), L2).

One sentence for each category (L1), with what the law wants named: who sends and by what means (L27), that
it can be withdrawn (GDPR 7(3)), another company (L8), what is known of the person (L18), profiling (L19).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from gateway.law.category import Category, Controller
from gateway.texts import Texts, texts

DIGITS = 8  # of the digest, in hexadecimal


@dataclass(frozen=True, slots=True)
class Wording:
    """A sentence as it is shown; `version` is its language and a digest of what it was made from."""

    text: str
    version: str


def wording_of(category: Category, controller: Controller, language: str) -> Wording:
    """The sentence for a category of a controller, in one of texts.LANGUAGES."""
    template = " ".join(_sentences(category, controller, texts(language)))
    text = template.format(
        controller=controller.name, category=category.title, advertiser=third_party(category, controller)
    )
    return Wording(text, f"{language}-{sha256(template.encode()).hexdigest()[:DIGITS]}")


def third_party(category: Category, controller: Controller) -> str:
    """The other company that a category advertises, empty for none (law.md section 2, row 8)."""
    name = category.advertiser.strip()
    return "" if name.casefold() == controller.name.strip().casefold() else name


def _sentences(category: Category, controller: Controller, words: Texts) -> Iterator[str]:
    yield words.consent_wording
    if third_party(category, controller):
        yield words.consent_advertising
    if category.personalised:
        yield words.consent_personalised
    if category.profiled:
        yield words.consent_profiled
