"""Unsubscribe tokens: opaque, constant, unforgeable, and never expiring (contract section 5)."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.keys import Keys
from gateway.tokens import LENGTH, Opener, Token, seal

KEYS = Keys(bytes(range(32)), {1: bytes(range(64))})
ROTATED = Keys(KEYS.person, {**KEYS.token, 7: bytes(range(64, 128))})
OTHER = Keys(bytes(32), {1: bytes(range(1, 65))})
CONTROLLERS = ("bakery", "butcher")
CATEGORIES = ("newsletter", "offers", "formerly-news")
TOKEN = Token(decision=1234567890123, person=b"p" * 16, controller="bakery", category="offers", consent=True)

tokens = st.builds(
    Token,
    decision=st.integers(0, 2**63 - 1),
    person=st.binary(min_size=16, max_size=16),
    controller=st.sampled_from(CONTROLLERS),
    category=st.sampled_from(CATEGORIES),
    consent=st.booleans(),
)


def opened(text: str, keys: Keys = KEYS) -> Token | None:
    """The token as this configuration opens it."""
    return Opener(keys, CONTROLLERS, CATEGORIES).unseal(text)


@given(tokens)
def test_a_token_says_what_was_sealed_in_it(token: Token) -> None:
    """Whatever is sealed comes back equal, from 72 URL-safe characters, the same ones each time."""
    text = seal(token, KEYS)

    assert opened(text) == token
    assert seal(token, KEYS) == text
    assert len(text) == LENGTH
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def test_every_flipped_bit_unmakes_a_token() -> None:
    """None of the 432 bits can be changed (research C10)."""
    octets = base64.urlsafe_b64decode(seal(TOKEN, KEYS))

    for bit in range(8 * len(octets)):
        forged = bytearray(octets)
        forged[bit // 8] ^= 1 << bit % 8
        assert opened(base64.urlsafe_b64encode(forged).decode()) is None


@given(tokens, st.integers(0, LENGTH - 1), st.characters())
def test_every_changed_character_unmakes_a_token(token: Token, place: int, char: str) -> None:
    """Each token has one spelling: any other character in any place is a forgery, look-alikes included."""
    text = seal(token, KEYS)
    changed = text[:place] + char + text[place + 1 :]

    assert (opened(changed) is None) is (changed != text)


@given(tokens, st.text(min_size=1, max_size=8), st.integers(1, LENGTH))
def test_a_cut_or_lengthened_token_is_none(token: Token, more: str, cut: int) -> None:
    """No part of a token is one, nor is a token with anything before or after it."""
    text = seal(token, KEYS)

    assert opened(text[:-cut]) is None
    assert opened(text[cut:]) is None
    assert opened(text + more) is None
    assert opened(more + text) is None


@pytest.mark.parametrize(
    "spelled",
    [
        pytest.param(lambda text: text.replace("-", "+").replace("_", "/"), id="standard base64"),
        pytest.param(lambda text: text + "\n", id="line end"),
        pytest.param(lambda text: text + "=", id="padding"),
        pytest.param(lambda text: text[:-2] + "==", id="padding in place"),
        pytest.param(lambda text: text[:-1] + "Ａ", id="fullwidth letter"),
        pytest.param(str.swapcase, id="case"),
    ],
)
def test_no_other_spelling_of_a_token_is_taken(spelled) -> None:
    """What other base64 decoders would call the same is refused: one token, one spelling."""
    with_both_signs = next(
        text
        for number in range(1000)
        if {"-", "_"} <= set(text := seal(replace(TOKEN, decision=number), KEYS))
    )

    assert opened(with_both_signs) is not None
    assert opened(spelled(with_both_signs)) is None


@given(st.text(max_size=200))
def test_no_text_at_all_raises(text: str) -> None:
    """Whatever stands in the URL is either a token or nothing."""
    assert opened(text) is None


def test_a_token_under_a_retired_key_still_opens() -> None:
    """The newest key seals, every key there ever was opens (opt-outs must not expire)."""
    old, new = seal(TOKEN, KEYS), seal(TOKEN, ROTATED)

    assert opened(old, ROTATED) == opened(new, ROTATED) == TOKEN
    assert base64.urlsafe_b64decode(new)[0] == 7
    assert opened(new, KEYS) is None


def test_another_installation_opens_nothing() -> None:
    """Keys of another installation, under the same key id, open none of our tokens."""
    assert opened(seal(TOKEN, KEYS), OTHER) is None


def test_a_token_moved_to_another_key_id_is_none() -> None:
    """The key id is authenticated, even when two ids would name the same key."""
    twins = Keys(KEYS.person, {1: KEYS.token[1], 2: KEYS.token[1]})
    octets = bytearray(base64.urlsafe_b64decode(seal(TOKEN, twins)))
    octets[0] = 1

    assert opened(base64.urlsafe_b64encode(octets).decode(), twins) is None


def test_a_token_reveals_nothing() -> None:
    """Neither the person nor any id can be seen in the token, and one bit of difference changes all of it."""
    text = seal(TOKEN, KEYS)
    octets = base64.urlsafe_b64decode(text)
    neighbour = base64.urlsafe_b64decode(seal(replace(TOKEN, consent=False), KEYS))

    assert TOKEN.person not in octets
    assert TOKEN.decision.to_bytes(8, "big") not in octets
    assert sum(one == other for one, other in zip(octets[1:], neighbour[1:], strict=True)) < 10


@pytest.mark.parametrize(
    ("controllers", "categories", "controller", "category"),
    [
        (CONTROLLERS, ("newsletter",), "bakery", ""),
        (("butcher",), CATEGORIES, "", "offers"),
        ((), (), "", ""),
    ],
)
def test_what_the_configuration_forgot_comes_back_empty(
    controllers, categories, controller, category
) -> None:
    """A token still opens when its category or controller was removed; the rest of it stands."""
    token = Opener(KEYS, controllers, categories).unseal(seal(TOKEN, KEYS))

    assert token == replace(TOKEN, controller=controller, category=category)


@pytest.mark.parametrize(
    "wrong",
    [{"person": b"short"}, {"decision": -1}, {"decision": 2**63}],
)
def test_what_does_not_fit_is_not_sealed(wrong) -> None:
    """A person or decision of the wrong size is our mistake, and raises before any mail carries it."""
    with pytest.raises(ValueError, match="63-bit"):
        seal(replace(TOKEN, **wrong), KEYS)
