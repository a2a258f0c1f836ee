"""Octets sealed into text that our keys alone can make and open: what a link or a form carries.

    key id 1 | AES-SIV tag 16 | payload, encrypted        as base64url without padding

Deterministic (RFC 5297 needs no nonce). Keys are never dropped, so every key ever used still opens what it
sealed. `purpose` is sealed along and not carried: what was made for one use opens for no other.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from gateway.keys import Keys

_OVERHEAD = 17  # octets before the payload
_SHAPE = re.compile(r"[A-Za-z0-9_-]{24,4096}", re.ASCII)  # b64decode would also take "+", "/" and "="


def seal(payload: bytes, keys: Keys, *purpose: bytes) -> str:
    """The payload (one octet at least) as URL-safe text, sealed with the newest key."""
    number = max(keys.token)
    prefix = bytes([number])
    return _spelled(prefix + _cipher(keys.token[number]).encrypt(payload, [prefix, *purpose]))


def unseal(text: str, keys: Keys, *purpose: bytes) -> bytes | None:
    """The payload that was sealed for this purpose into just this text; None for all that we did not seal."""
    if not _SHAPE.fullmatch(text):
        return None
    sealed = _octets(text)
    if len(sealed) <= _OVERHEAD:
        return None
    prefix = sealed[:1]
    key = keys.token.get(sealed[0])
    if key is None:  # tried all the same, and fails, so that it takes no less time than a forgery
        key = keys.token[max(keys.token)]
    try:
        return _cipher(key).decrypt(sealed[1:], [prefix, *purpose])
    except InvalidTag:
        return None


def _octets(text: str) -> bytes:
    """What the characters spell, in the one way there is to spell it; nothing for any other."""
    over = len(text) % 4
    if over == 0:  # no bit is left over
        return base64.urlsafe_b64decode(text)
    octets = b"" if over == 1 else base64.urlsafe_b64decode(text + "=" * (4 - over))
    return octets if _spelled(octets) == text else b""


def _spelled(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


@lru_cache(maxsize=256)
def _cipher(key: bytes) -> AESSIV:
    return AESSIV(key)
