"""Confirmation tokens: whole, unforgeable, a consent's good for a week, and never an unsubscribe link's."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import pending, sealing, tokens
from gateway.pending import LONGEST, VALID, Pending, TooLongError, Topic, seal, unseal
from tests.test_tokens import CATEGORIES, CONTROLLERS, KEYS, OTHER, ROTATED

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TOPIC = Topic("newsletter", "Yes, send me the newsletter.", "en-00000000")
PENDING = Pending("bakery", "kim@example.org", "en", "https://bakery.example/sign-up", NOW, (TOPIC,))
LINKS = tokens.Opener(KEYS, CONTROLLERS, CATEGORIES)

words = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200)
pendings = st.builds(
    Pending,
    controller=words,
    address=words,
    language=words,
    page=words,
    asked_at=st.timedeltas(timedelta(days=-999), timedelta(days=9999)).map(lambda later: NOW + later),
    topics=st.lists(st.builds(Topic, words, words, words, words, st.booleans()), max_size=3).map(tuple),
)
unsubscribing = st.builds(
    tokens.Token,
    decision=st.integers(0, 2**63 - 1),
    person=st.binary(min_size=16, max_size=16),
    controller=st.sampled_from(CONTROLLERS),
    category=st.sampled_from(CATEGORIES),
    consent=st.booleans(),
)


@given(pendings)
def test_a_token_says_what_was_sealed_in_it(one: Pending) -> None:
    """Whatever is sealed comes back equal, from URL-safe characters of a bounded number."""
    text = seal(one, KEYS)

    assert unseal(text, KEYS, one.asked_at) == one
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert len(text) <= LONGEST


@given(pendings)
def test_it_is_never_an_unsubscribe_token(one: Pending) -> None:
    """The keys are the same, what they seal is not: Opener.unseal takes none of these."""
    assert LINKS.unseal(seal(one, KEYS)) is None


@given(unsubscribing)
def test_an_unsubscribe_token_confirms_nothing(token: tokens.Token) -> None:
    """The other way round: whoever holds an unsubscribe link cannot consent by it."""
    assert unseal(tokens.seal(token, KEYS), KEYS, NOW) is None


@pytest.mark.parametrize("purpose", [[], [pending._PURPOSE]])
def test_not_by_length_are_they_told_apart(purpose: list[bytes]) -> None:
    """An unsubscribe token's own payload, sealed for this purpose, is no unsubscribe token."""
    text = sealing.seal(bytes(37), KEYS, *purpose)

    assert len(text) == tokens.LENGTH
    assert (LINKS.unseal(text) is None) is bool(purpose)


def test_every_flipped_bit_unmakes_a_token() -> None:
    """No bit can be changed (research C10)."""
    octets = base64.urlsafe_b64decode(seal(PENDING, KEYS) + "==")

    for bit in range(8 * len(octets)):
        forged = bytearray(octets)
        forged[bit // 8] ^= 1 << bit % 8
        assert unseal(base64.urlsafe_b64encode(forged).decode().rstrip("="), KEYS, NOW) is None


@given(pendings, st.data())
def test_every_changed_character_unmakes_a_token(one: Pending, data: st.DataObject) -> None:
    """Each token has one spelling, also in the bits that its last character leaves over."""
    text = seal(one, KEYS)
    place = data.draw(st.one_of(st.just(len(text) - 1), st.integers(0, len(text) - 1)))
    changed = text[:place] + data.draw(st.characters()) + text[place + 1 :]

    assert (unseal(changed, KEYS, one.asked_at) is None) is (changed != text)


@given(st.text(max_size=300))
def test_no_text_at_all_raises(text: str) -> None:
    """Whatever stands in the URL is either a token or nothing."""
    assert unseal(text, KEYS, NOW) is None


def test_a_consent_is_good_for_a_week() -> None:
    """To the last moment before, and from then on never again."""
    text = seal(PENDING, KEYS)

    assert unseal(text, KEYS, NOW + VALID - timedelta(microseconds=1)) == PENDING
    assert unseal(text, KEYS, NOW + VALID) is None
    assert timedelta(days=7) == VALID


def test_an_objection_is_good_for_ever() -> None:
    """A link by which one objects and that dies is an objection refused (L11)."""
    objection = replace(PENDING, topics=())

    assert unseal(seal(objection, KEYS), KEYS, NOW + timedelta(days=3650)) == objection


def test_keys_change_under_it() -> None:
    """The newest key seals, older ones open; another installation's open nothing."""
    assert unseal(seal(PENDING, KEYS), ROTATED, NOW) == PENDING
    assert unseal(seal(PENDING, ROTATED), KEYS, NOW) is None
    assert unseal(seal(PENDING, KEYS), OTHER, NOW) is None


def test_it_shows_nothing() -> None:
    """Neither the address nor the words can be read from the link."""
    octets = base64.urlsafe_b64decode(seal(PENDING, KEYS) + "==")

    assert b"kim" not in octets
    assert b"newsletter" not in octets


def test_what_does_not_fit_is_not_sealed() -> None:
    """A link longer than every server takes is refused before it is mailed."""
    noise = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(2000))

    with pytest.raises(TooLongError):
        seal(replace(PENDING, topics=(replace(TOPIC, wording=noise),)), KEYS)


def test_ordinary_ones_are_short() -> None:
    """Three topics in words like ours make a link that mail programs leave whole."""
    topics = [
        Topic(name, f"Ja, Bakkerij De Gouden Krakeling mag mij {name} per e-mail sturen.", "nl-1234abcd")
        for name in ("nieuws", "aanbiedingen", "recepten")
    ]

    assert len(seal(replace(PENDING, topics=tuple(topics)), KEYS)) < 500
