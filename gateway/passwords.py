"""Passwords as Argon2id hashes (RFC 9106), one at a time: guessing takes neither memory nor the loop."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

T = TypeVar("T")

# OWASP's password storage cheat sheet: 19 MiB, two passes, one lane. Nobody's sign-in takes a second core
# from mail, nor memory beyond that.
KIBIBYTES, PASSES, LANES = 19_456, 2, 1
MOST_WAITING = 8  # each for some 30 ms


def fresh(entropy: Callable[[int], bytes] = os.urandom) -> str:
    """A random password that one can read out and type: 24 letters and digits, 120 bits."""
    return base64.b32encode(entropy(15)).decode().lower()


class BusyError(Exception):
    """Too many wait for a hash already: come back in a second."""


class Passwords:
    """Makes and checks hashes, in a thread."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher(PASSES, KIBIBYTES, LANES)
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """The hash to keep, in PHC's format. Raises BusyError."""
        return await self._in_turn(lambda: self._hasher.hash(password))

    async def is_right(self, known: str | None, password: str) -> bool:
        """Whether this is the password of that hash; without one it takes as long, and is not.

        Raises BusyError.
        """
        return await self._in_turn(lambda: self._verify(known, password))

    def _verify(self, known: str | None, password: str) -> bool:
        if known is None:
            self._hasher.hash(password)
            return False
        try:
            return self._hasher.verify(known, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_turn(self, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise BusyError
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
