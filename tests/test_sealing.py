"""What is sealed opens for its own purpose alone, in one spelling, and tells nothing before that."""

from __future__ import annotations

import pytest

from gateway.keys import Keys
from gateway.sealing import seal, unseal

KEYS = Keys(bytes(range(32)), {1: bytes(range(64))})
NEWER = Keys(KEYS.person, {**KEYS.token, 2: bytes(64)})


@pytest.mark.parametrize("length", [1, 2, 3, 4, 90, 1000])
def test_what_was_sealed_opens_also_under_a_retired_key(length: int) -> None:
    """Any length comes back, under the key that sealed it, for as long as that is kept."""
    payload = bytes(range(256)) * 4

    text = seal(payload[:length], KEYS, b"undo")

    assert unseal(text, NEWER, b"undo") == payload[:length]
    assert unseal(seal(payload[:length], NEWER, b"undo"), KEYS, b"undo") is None


def test_one_purpose_is_not_another() -> None:
    """A text sealed for one use opens for no other, nor for none."""
    text = seal(b"payload", KEYS, b"undo")

    assert [unseal(text, KEYS, *purpose) for purpose in ((), (b"confirm",), (b"undo", b""))] == [None] * 3


@pytest.mark.parametrize("length", [1, 2, 3])
def test_each_has_one_spelling(length: int) -> None:
    """No other text of the same length opens, not even one that differs in bits no octet has."""
    text = seal(b"x" * length, KEYS)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    others = {text[:place] + letter + text[place + 1 :] for place in range(len(text)) for letter in alphabet}

    assert [other for other in others if unseal(other, KEYS) is not None] == [text]


@pytest.mark.parametrize(
    "text", ["", "x", "é" * 40, "A" * 23, "A" * 24, "A" * 25, "A" * 5000, "A" * 27 + "="]
)
def test_what_is_no_sealed_text_is_nothing(text: str) -> None:
    """Neither cut nor lengthened nor foreign text opens, and none raises."""
    assert unseal(text, KEYS) is None
