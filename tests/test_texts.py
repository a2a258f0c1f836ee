"""The words people read: every language says the same things, in plain text, on one line."""

from __future__ import annotations

import re
import tomllib
from dataclasses import fields
from importlib.resources import files

import pytest

from gateway.law.packs import PACKS
from gateway.texts import LANGUAGES, Texts, texts

KEYS = [field.name for field in fields(Texts)]
FOLDER = files("gateway.texts")
FILES = {
    entry.name.removesuffix(".toml"): tomllib.loads(entry.read_text("utf-8"))
    for entry in FOLDER.iterdir()
    if entry.name.endswith(".toml")
}
NAMES = {
    "controller": "C",
    "category": "K",
    "advertiser": "D",
    "time": "T",
    "address": "A",
    "source": "S",
    "label": "L",
    "value": "V",
}
PLACE = re.compile(r"\{([^{}]*)\}")
EVERY = [(language, key) for language in sorted(FILES) for key in KEYS]

LONGEST = 300  # characters of a sentence; a button or a title stays far below
LONGEST_LABEL = 50
LABELS = re.compile(
    r"unsubscribe|privacy_policy|page_(?:.*title|button_.*|retry|contact|officer|this_.*|recorded_at|choose)"
    r"|(?:confirm|form|object|signup)_(?:.*title.*|.*button.*|subject_.*|address)"
    r"|choose_(?:title|on|off|start)|why_title"
)


def places(text: str) -> list[str]:
    """What a sentence has filled in."""
    return sorted(PLACE.findall(text))


def test_the_languages_are_the_files() -> None:
    """A file makes a language, and no language lacks its file."""
    assert sorted(LANGUAGES) == sorted(FILES)
    assert len(set(LANGUAGES)) == len(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_key_and_no_other(language: str) -> None:
    """The same keys in the same order, so that two files can be laid side by side."""
    assert list(FILES[language]) == KEYS
    assert texts(language) == Texts(**FILES[language])


@pytest.mark.parametrize(("language", "key"), EVERY)
def test_every_language_fills_in_the_same(language: str, key: str) -> None:
    """A name or a time that one language shows, every language shows, once."""
    assert places(FILES[language][key]) == sorted(set(places(FILES["en"][key])))
    assert set(places(FILES[language][key])) <= NAMES.keys()


@pytest.mark.parametrize(("language", "key"), EVERY)
def test_every_text_is_one_plain_line(language: str, key: str) -> None:
    """No blank text, line end, tab, control or invisible character, mark-up, or stray brace."""
    text = FILES[language][key]

    assert text == " ".join(text.split())
    assert text
    assert text.isprintable()
    assert not re.search(r"[<>&]", text)
    assert not re.search(r"[{}]", PLACE.sub("", text))


@pytest.mark.parametrize(("language", "key"), EVERY)
def test_every_text_fits_its_place(language: str, key: str) -> None:
    """Sentences stay short enough to be read, labels short enough for a button."""
    assert len(FILES[language][key]) <= (LONGEST_LABEL if LABELS.fullmatch(key) else LONGEST)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_can_be_filled_in(language: str) -> None:
    """Each text takes the names it is given; none needs more."""
    for key in KEYS:
        filled = getattr(texts(language), key).format_map(NAMES)
        assert "{" not in filled


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_reads_knows_who_and_why(language: str) -> None:
    """The reason names the sender (Tw 11.7(6)), consent what it was given for (L1), profiling who does it."""
    words = texts(language)

    assert places(words.because_consent) == ["category", "controller"]
    assert places(words.because_customer) == ["controller"]
    assert places(words.because_other) == ["category", "controller"]
    assert places(words.profiled) == ["controller"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_texts_of_a_page_are_the_same(language: str) -> None:
    """What is done, what was not, and what cannot be, never read alike."""
    told = [key for key in KEYS if key.startswith("page_") and key != "page_title"]

    assert len({FILES[language][key] for key in told}) == len(told)


def test_no_french_refusal_reads_as_its_contrary() -> None:
    """Without its "ne", "plus de publicité" asks for more of it."""
    assert [key for key, text in FILES["fr"].items() if text.startswith("Plus de ")] == []


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_no_sentence_was_left_untranslated(language: str) -> None:
    """No sentence of another language is the English one."""
    same = [key for key in KEYS if FILES[language][key] == FILES["en"][key]]

    assert set(same) <= {"page_contact", "labelled"}  # French for it, too; no word in it


def test_every_word_for_advertising_has_its_language() -> None:
    """Where a country asks that advertising is called so (L32), every language has a word for it."""
    for pack in PACKS.values():
        if pack.advertising_word:
            assert set(pack.advertising_word) == set(LANGUAGES)
            assert all(word.isprintable() and word.strip() == word for word in pack.advertising_word.values())


def test_french_leaves_a_blank_before_a_colon() -> None:
    """In every sentence, and where a label and its value are joined."""
    unlike = [key for key, text in FILES["fr"].items() if re.search(r"[^\s\d]:(?!//)", text)]
    assert unlike == []
