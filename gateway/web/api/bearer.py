"""Who asks: the bearer token of a controller (RFC 6750), what it may do, and a bound on guessing.

A guess that fails counts against the peer it came from: behind a proxy that is trusted, the client it names.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TypeAlias

from aiohttp import web

from gateway.config.schema import Token
from gateway.web.api.problem import ProblemError

MOST_FAILURES = 60  # of one peer in a WINDOW; what it asks next waits until the window has passed
WINDOW = timedelta(minutes=1)
MOST_PEERS = 10_000  # remembered; beyond, all are forgotten
REALM = 'Bearer realm="sendright"'

Networks: TypeAlias = Sequence[IPv4Network | IPv6Network]


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
        self._failures: dict[str, tuple[datetime, int]] = {}  # when its window began, how many in it

    def caller(self, request: web.Request, scope: str, now: datetime) -> Caller:
        """Who asks, if the token may do this. Raises ProblemError: 401, 403; 429 after too many guesses."""
        peer = self._peer(request)
        began, failures = self._failures.get(peer, (now, 0))
        if failures >= MOST_FAILURES and now - began < WINDOW:
            left = WINDOW - (now - began)
            raise ProblemError(
                429, "Too many wrong tokens.", headers={"Retry-After": str(int(left.total_seconds()) + 1)}
            )
        given = request.headers.getall("Authorization", [])
        caller = self._by_secret(given[0]) if len(given) == 1 else None
        if caller is None:
            if given:
                self._failed(peer, now)
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

    def _failed(self, peer: str, now: datetime) -> None:
        began, failures = self._failures.get(peer, (now, 0))
        if now - began >= WINDOW:
            began, failures = now, 0
        if len(self._failures) >= MOST_PEERS:
            self._failures.clear()
        self._failures[peer] = (began, failures + 1)

    def _peer(self, request: web.Request) -> str:
        """The nearest address that is no proxy of ours."""
        hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
        peer = request.remote or ""
        while hops and self._is_proxy(peer):
            peer = hops.pop().strip() or peer
        return peer

    def _is_proxy(self, peer: str) -> bool:
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._proxies)
