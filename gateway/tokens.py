"""The token in an unsubscribe link: which person, controller, category and message, revealing none of them.

Layout, 54 octets, 72 characters of base64url:

    key id 1 | AES-SIV tag 16 | person 16 | decision 8 | controller 6 | category 6 | flags 1 (all encrypted)

Deterministic (RFC 5297 needs no nonce), constant in length, without expiry: an opt-out link that dies
is an objection refused (L11). Keys are never dropped, so every key ever used still opens its tokens.
"""

from __future__ import annotations

import hmac
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from gateway import sealing
from gateway.keys import Keys

LENGTH = 72  # characters; 54 octets fill them, so each token has one spelling only

_PAYLOAD = struct.Struct(">16sQ6s6sB")
_CONSENT = 1  # the only flag
_MARK = 6  # octets by which a payload of constant length names an id of any length


@dataclass(frozen=True, slots=True)
class Token:
    """What a link in one copy means.

    `decision` is the id of the journal row (63 bits), `person` the 16-byte keyed hash, `consent` whether
    the message went on consent. `controller` or `category` is empty where the configuration that opens
    the token no longer knows it: the journal row may, and failing that the objection is to all marketing.
    """

    decision: int
    person: bytes
    controller: str
    category: str
    consent: bool


def seal(token: Token, keys: Keys) -> str:
    """72 URL-safe characters, sealed with the newest key. Raises ValueError for what cannot fit."""
    if len(token.person) != 16 or not 0 <= token.decision < 1 << 63:
        raise ValueError("a token takes a 16-byte person and a 63-bit decision")
    payload = _PAYLOAD.pack(
        token.person,
        token.decision,
        _mark(keys.person, "controller", token.controller),
        _mark(keys.person, "category", token.category),
        _CONSENT if token.consent else 0,
    )
    return sealing.seal(payload, keys)


class Opener:
    """Opens tokens, for a configuration that knows these ids, former ones included."""

    def __init__(self, keys: Keys, controllers: Iterable[str], categories: Iterable[str]) -> None:
        self._keys = keys
        self._controllers = {_mark(keys.person, "controller", one): one for one in controllers}
        self._categories = {_mark(keys.person, "category", one): one for one in categories}

    def unseal(self, text: str) -> Token | None:
        """The token that `text` is, or None for whatever we did not seal."""
        payload = sealing.unseal(text, self._keys) if len(text) == LENGTH else None
        if payload is None:
            return None
        person, decision, controller, category, flags = _PAYLOAD.unpack(payload)
        return Token(
            decision=decision,
            person=person,
            controller=self._controllers.get(controller, ""),
            category=self._categories.get(category, ""),
            consent=bool(flags & _CONSENT),
        )


@lru_cache(maxsize=4096)
def _mark(key: bytes, kind: str, name: str) -> bytes:
    """A short keyed digest that stands for an id; of no use for any other purpose."""
    return hmac.digest(key, f"token {kind}\0{name}".encode(), "sha256")[:_MARK]
