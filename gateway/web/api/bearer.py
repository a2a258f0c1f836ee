"""Who asks: the bearer token of a controller (RFC 6750), what it may do, and a bound on guessing.

A guess that fails counts against the peer it came from: behind a proxy that is trusted, the client it names.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from aiohttp import web

from gateway.config.schema import Token
from gateway.tries import Tries
from gateway.web.api.problem import ProblemError
from gateway.web.peers import Networks, peer_of

MOST_FAILURES = 60  # of one peer in a WINDOW; what it asks next waits until the window has passed
WINDOW = timedelta(minutes=1)
REALM = 'Bearer realm="sendright"'


@dataclass(frozen=True, slots=True)
class Caller:
    """A token's name, the controller it belongs to, and what it may do."""

    name: str
    controller: str
    scopes: frozenset[str]


class Bearers:
    """The tokens of the configuration, and who guessed wrong of late."""

    def __init__(self, tokens: Iterable[Token], trusted_proxies: Networks) -> None:
        self._known = [
            (
                bytes.fromhex(token.secret_hash.partition(":")[2]),
                Caller(token.name, token.controller, frozenset(token.scopes)),
            )
            for token in tokens
        ]
        self._proxies = trusted_proxies
        self._failures = Tries(MOST_FAILURES, WINDOW)

    def caller(self, request: web.Request, scope: str, now: datetime) -> Caller:
        """Who asks, if the token may do this. Raises ProblemError: 401, 403; 429 after too many guesses."""
        peer = peer_of(request, self._proxies)
        if wait := self._failures.wait(peer, now):
            raise ProblemError(429, "Too many wrong tokens.", headers={"Retry-After": str(wait)})
        given = request.headers.getall("Authorization", [])
        caller = self._by_secret(given[0]) if len(given) == 1 else None
        if caller is None:
            if given:
                self._failures.count(peer, now)
            raise ProblemError(
                401,
                "Say who asks: Authorization: Bearer SECRET.",
                headers={"WWW-Authenticate": f'{REALM}, error="invalid_token"' if given else REALM},
            )
        if scope not in caller.scopes:
            raise ProblemError(
                403,
                f"This token lacks the scope {scope!r}.",
                headers={"WWW-Authenticate": f'{REALM}, error="insufficient_scope", scope="{scope}"'},
            )
        return caller

    def _by_secret(self, authorization: str) -> Caller | None:
        """The caller whose secret this is; every token is compared with, each in the same time."""
        scheme, _, secret = authorization.partition(" ")
        digest = sha256(secret.strip().encode("utf-8", "surrogateescape")).digest()
        found = None
        for known, caller in self._known:
            if hmac.compare_digest(known, digest):
                found = caller
        return found if scheme.lower() == "bearer" else None  # RFC 9110 section 11.1: in any case
