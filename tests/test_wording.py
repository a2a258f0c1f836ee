"""The sentence by which somebody consents: to one thing, in words that can be told apart later (L1, L2)."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest

from gateway.law.category import Category, Controller
from gateway.law.packs import PACKS
from gateway.texts import LANGUAGES, texts
from gateway.wording import wording_of

SHOP = Controller(id="shop", name="De {Winkel}", pack=PACKS["nl"])
NEWS = Category(id="news", controller="shop", title="de nieuwsbrief", purpose="marketing")


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_names_who_and_what(language: str) -> None:
    """Sender and category stand in it once each; braces in a name are a name's."""
    text = wording_of(NEWS, SHOP, language).text

    assert (text.count("De {Winkel}"), text.count("de nieuwsbrief")) == (1, 1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_version_is_that_of_the_words(language: str) -> None:
    """The language, and a digest of the text before names are filled in."""
    template = texts(language).consent_wording

    assert wording_of(NEWS, SHOP, language).version == (
        f"{language}-{sha256(template.encode()).hexdigest()[:8]}"
    )
    assert len({wording_of(NEWS, SHOP, one).version for one in LANGUAGES}) == len(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"advertiser": "De Bank"}, "De Bank"),  # L8
        ({"personalised": True}, "De {Winkel}"),  # L18
        ({"profiled": True}, "De {Winkel}"),  # L19
    ],
)
def test_what_the_law_wants_said_is_added(language: str, given: dict[str, object], says: str) -> None:
    """Another company, content by what is known, a profile: one more sentence, and so another version."""
    plain, more = wording_of(NEWS, SHOP, language), wording_of(replace(NEWS, **given), SHOP, language)

    assert more.text.startswith(plain.text)
    assert says in more.text.removeprefix(plain.text)
    assert more.version != plain.version


def test_the_controller_itself_is_no_other_company() -> None:
    """An advertiser that is the controller's own name adds nothing (law.md section 2, row 8)."""
    own = replace(NEWS, advertiser=" de {WINKEL} ")

    assert wording_of(own, SHOP, "nl") == wording_of(NEWS, SHOP, "nl")
