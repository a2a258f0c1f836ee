"""The second factor: codes of the moment from a secret that the operator's phone holds too (RFC 6238).

Rules of this file:

1. A secret is kept sealed, bound to its operator's name: neither a copy of the store alone nor another
   account's row makes codes.
2. A code is good for the step it belongs to and one on either side, and once: a step that was used, and every
   one before it, is over (RFC 6238 section 5.2).
"""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Callable
from datetime import datetime

import pyotp

from gateway.keys import Keys
from gateway.sealing import seal, unseal

SECRET = 20  # octets (RFC 4226 section 4: at least 16, better 20)
ISSUER = "Sendright"
DRIFT = (0, -1, 1)  # steps that a clock may be off (RFC 6238 section 6)
_PURPOSE = b"second factor"


class SecondFactors:
    """Makes secrets, and finds the step of a code."""

    def __init__(self, keys: Keys, entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._keys = keys
        self._entropy = entropy

    def new(self, name: str) -> str:
        """A new secret, sealed for the operator of this name."""
        return seal(self._entropy(SECRET), self._keys, _PURPOSE, name.encode())

    def secret(self, name: str, sealed: str) -> str | None:
        """The secret in base 32; None for what was not sealed here for this operator."""
        secret = unseal(sealed, self._keys, _PURPOSE, name.encode())
        return base64.b32encode(secret).decode() if secret else None

    def step_of(self, name: str, sealed: str, code: str, now: datetime) -> int | None:
        """The step that this code is of, if it is of one near now."""
        secret = self.secret(name, sealed)
        if secret is None:
            return None
        codes = pyotp.TOTP(secret)
        given = "".join(code.split()).encode()
        present = int(now.timestamp()) // codes.interval
        for step in (present + drift for drift in DRIFT):
            if hmac.compare_digest(codes.generate_otp(step).encode(), given):
                return step
        return None


def address_of(name: str, secret: str) -> str:
    """What the phone reads from the QR code: an otpauth URI."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)
