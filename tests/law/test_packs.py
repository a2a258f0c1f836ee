"""Claims about country packs, grounds and reasons."""

from __future__ import annotations

import re

import pytest

from gateway.law.packs import PACKS, Pack, pack_for
from gateway.law.reason import Ground, Reason
from gateway.law.remedy import REMEDIES

GDPR = r"GDPR [0-9][-0-9()a-f, ]*"
OWN = {  # what each pack may cite
    "nl": rf"({GDPR}|Tw 11\.7[-0-9(), ]*)",
    "nl-2019": rf"({GDPR}|Tw \(2019\) 11\.7[-0-9(), ]*)",
    "be": rf"({GDPR}|WER XII\.1[23](\(\d\))?|XII\.13\(\d\)|RD 4 April 2003 art\. [12](, [12]°)?)",
    "eu": rf"({GDPR}|Directive 2002/58/EC art\. 13[-0-9()]*)",
}
NEVER_RELAXED = {
    "objected",
    "objected-category",
    "objected-profiling",
    "consent-withdrawn",
    "controller-not-ready",
    "third-party-without-consent",
    "undeliverable",
    "no-category",
}
packs = pytest.mark.parametrize("pack", PACKS.values(), ids=PACKS)


def test_the_packs_there_are() -> None:
    """Four packs, each under its own id."""
    assert [pack.id for pack in PACKS.values()] == list(PACKS) == ["nl", "nl-2019", "be", "eu"]


@packs
def test_a_pack_is_complete(pack: Pack) -> None:
    """Every ground and reason has an article, and no article is for anything else."""
    assert set(pack.articles) == {outcome.value for outcome in (*Ground, *Reason)}


@packs
def test_each_parameter_rests_on_an_article(pack: Pack) -> None:
    """What a pack sets it gives the article for, of its own law or the GDPR; and for nothing it leaves."""
    parameters = ("phone", "impersonal_local_parts", "receipts", "advertising_word")
    own = re.compile(rf"{OWN[pack.id]}(, {OWN[pack.id]})*")

    assert set(pack.rests_on) == {name for name in parameters if getattr(pack, name)}
    assert [article for article in pack.rests_on.values() if not own.fullmatch(article)] == []
    assert pack.law.isprintable()


@packs
def test_a_pack_cites_no_other_countrys_law(pack: Pack) -> None:
    """Each article is made of the pack's own law and the GDPR, and nothing else."""
    own = re.compile(rf"{OWN[pack.id]}(, {OWN[pack.id]})*")
    assert [article for article in pack.articles.values() if not own.fullmatch(article)] == []


@pytest.mark.parametrize(
    ("country", "pack"), [("NL", "nl"), ("nl", "nl"), ("BE", "be"), ("DE", "eu"), ("FR", "eu"), ("", "eu")]
)
def test_a_country_has_its_pack(country: str, pack: str) -> None:
    """The Netherlands and Belgium have their own; every other country has that of the Union."""
    assert pack_for(country).id == pack


def test_what_the_packs_decide_differently() -> None:
    """Calls by register only in the law as it was; receipts, the word and info@ only in Belgium."""
    assert {pack.id for pack in PACKS.values() if pack.phone == "register"} == {"nl-2019"}
    assert {pack.id for pack in PACKS.values() if pack.receipts} == {"be"}
    assert {pack.id for pack in PACKS.values() if pack.advertising_word} == {"be"}
    assert {pack.id for pack in PACKS.values() if pack.impersonal_local_parts} == {"be"}


def test_belgian_advertising_is_recognisable_in_each_language() -> None:
    """L32: the word in every language a notice may have there."""
    assert PACKS["be"].advertising_word == {
        "nl": "reclame",
        "fr": "publicité",
        "de": "Werbung",
        "en": "advertising",
    }


def test_impersonal_local_parts_are_in_the_spelling_compared() -> None:
    """The list holds what an address is compared by: folded, and with no name of a person."""
    listed = PACKS["be"].impersonal_local_parts
    assert {"info", "contact", "sales"} <= listed
    assert all(part == part.casefold() and part.isalpha() for part in listed)


@pytest.mark.parametrize("outcome", [*Ground, *Reason])
def test_each_ground_and_reason_has_a_plain_sentence(outcome: Ground | Reason) -> None:
    """One sentence, and the code is still a plain string that finds its member again."""
    assert re.fullmatch(r"[A-Z][^.]+\.", outcome.sentence)
    assert type(outcome)(outcome.value) is outcome
    assert f"{outcome}" == outcome.value == outcome


def test_each_reason_says_what_would_help() -> None:
    """One sentence for every reason, and for nothing else."""
    assert set(REMEDIES) == set(Reason)
    assert all(re.fullmatch(r"[A-Z][^.]+\.", sentence) for sentence in REMEDIES.values())


def test_what_report_mode_never_relaxes() -> None:
    """The eight reasons of the contract bind a login in report mode too."""
    assert {reason.value for reason in Reason if not reason.relaxable} == NEVER_RELAXED
