"""The story of signing in: name, password and code -> session -> who asks, at every request anew.

Rules of this file:

1. Each try counts before anything is looked up: who has tried too often learns nothing and costs nothing.
2. Whether a name is known makes no difference to what is answered, nor to what that takes.
3. A session is found by a random token that only its cookie holds and that is new at each sign-in. It ends by
   itself: after half an hour unused, or after twelve hours.
4. The store is asked at every request: what was revoked is over.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from gateway.operators import LONGEST_NAME, Account, Accounts, Session
from gateway.passwords import BusyError, Passwords
from gateway.ports import Clock
from gateway.second_factor import SecondFactors
from gateway.tries import Tries

IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=12)
SEEN_EVERY = timedelta(minutes=1)  # how exactly the store knows when a session was last used
TOKEN = 32  # octets


@dataclass(frozen=True, slots=True)
class Begun:
    """A session, and the token for its cookie."""

    token: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing was looked at: come back in so many seconds."""

    seconds: int


class SigningIn:
    """Signs in and out. `by_name` and `by_peer` bound guessing."""

    def __init__(
        self,
        accounts: Accounts,
        passwords: Passwords,
        factors: SecondFactors,
        clock: Clock,
        by_name: Tries,
        by_peer: Tries,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._factors = factors
        self._clock = clock
        self._by_name = by_name
        self._by_peer = by_peer
        self._entropy = entropy

    async def sign_in(self, name: str, password: str, code: str, peer: str) -> Begun | Wait | None:
        """Begin a session; None where anything given is wrong. Raises StoreUnavailableError."""
        now, name = self._clock.now(), name[: LONGEST_NAME + 1]  # which is nobody's, and counted as one
        if seconds := max(self._by_name.wait(name, now), self._by_peer.wait(peer, now)):
            return Wait(seconds)
        self._by_name.count(name, now)
        self._by_peer.count(peer, now)
        account = await self._accounts.named(name)
        try:
            begun = await self._begin(account, password, code)
        except BusyError:
            return Wait(1)
        if begun is None:
            await self._accounts.failed(account.name if account else "", now)
            return None
        self._by_name.take_back(name)
        self._by_peer.take_back(peer)
        return begun

    async def is_owner(self, account: Account, password: str) -> bool | Wait:
        """Whether who is signed in knows the password too; counted. Raises StoreUnavailableError."""
        return await self._counted(account, self._passwords.is_right(account.password, password))

    async def has_factor(self, account: Account, code: str) -> bool | Wait:
        """Whether who is signed in has the second factor too; counted. Raises StoreUnavailableError."""
        return await self._counted(account, self._accepts(account, code))

    async def session(self, token: str) -> Session | None:
        """The session of a cookie, unless it has ended; it was used now. Raises StoreUnavailableError."""
        now = self._clock.now()
        found = await self._open(token, now)
        if found and now - found.seen_at >= SEEN_EVERY:
            await self._accounts.seen(found.token, now)
        return found

    async def goes_on(self, token: str) -> bool:
        """Whether a session has not ended; it is not used by that. Raises StoreUnavailableError."""
        return await self._open(token, self._clock.now()) is not None

    async def begin(self, account: Account) -> Begun | None:
        """A session for who has proven to be the owner; None if revoked. Raises StoreUnavailableError."""
        now = self._clock.now()
        token = base64.urlsafe_b64encode(self._entropy(TOKEN)).decode().rstrip("=")
        begun = await self._accounts.begin(account, digest_of(token), now, now + LONGEST)
        return Begun(token) if begun else None

    async def _open(self, token: str, now: datetime) -> Session | None:
        found = await self._accounts.session(digest_of(token))
        return found if found and is_open(found, now) else None

    async def _begin(self, account: Account | None, password: str, code: str) -> Begun | None:
        known = account if account and account.revoked_at is None else None
        right = await self._passwords.is_right(known.password if known else None, password)
        if known is None or not right:
            return None
        if known.second_factor is not None and not await self._accepts(known, code):
            return None
        return await self.begin(known)

    async def _accepts(self, account: Account, code: str) -> bool:
        """Whether this is a code of the account's second factor that was not used yet; now it is."""
        if account.second_factor is None:
            return False
        step = self._factors.step_of(account.name, account.second_factor, code, self._clock.now())
        return step is not None and await self._accounts.use_step(account, step)

    async def _counted(self, account: Account, proof: Coroutine[None, None, bool]) -> bool | Wait:
        """The outcome of a proof; each that fails counts as a try to sign in would."""
        now = self._clock.now()
        if seconds := self._by_name.wait(account.name, now):
            proof.close()
            return Wait(seconds)
        self._by_name.count(account.name, now)
        try:
            proven = await proof
        except BusyError:
            return Wait(1)
        if proven:
            self._by_name.take_back(account.name)
        return proven


def is_open(session: Session, now: datetime) -> bool:
    """Whether a session has not ended by itself (rule 3), and its account was not revoked."""
    return session.account.revoked_at is None and now < session.expires_at and now - session.seen_at < IDLE


def digest_of(token: str) -> bytes:
    """By what the store knows a token: from there nobody can make the cookie."""
    return sha256(token.encode("utf-8", "surrogateescape")).digest()
