"""Who is at the other end, and how often they have tried of late: the one home of limits on guessing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

from aiohttp import web

MOST_KEYS = 10_000  # remembered; beyond, those whose window began first are forgotten

Networks: TypeAlias = Sequence[IPv4Network | IPv6Network]


def peer_of(request: web.Request, trusted_proxies: Networks) -> str:
    """The nearest address that is no proxy of ours; of IPv6 its network, which one client has to itself."""
    hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    peer = request.remote or ""
    while hops and _is_within(peer, trusted_proxies):
        peer = hops.pop().strip() or peer
    return _network(peer)


class Tries:
    """At most so many of each key in a window; a window begins with the first try in it."""

    def __init__(self, most: int, window: timedelta) -> None:
        self._most = most
        self._window = window
        self._counts: dict[str, tuple[datetime, int]] = {}  # when its window began, how many in it

    def wait(self, key: str, now: datetime) -> int:
        """Whole seconds until this key may be tried again; 0 when it may now."""
        began, count = self._counts.get(key, (now, 0))
        left = self._window - (now - began)
        return int(left.total_seconds()) + 1 if count >= self._most and left > timedelta() else 0

    def count(self, key: str, now: datetime) -> None:
        """Note a try."""
        began, count = self._counts.get(key, (now, 0))
        if key in self._counts and now - began < self._window:
            self._counts[key] = (began, count + 1)
            return
        self._counts.pop(key, None)  # so that they stand in the order in which their windows began
        if len(self._counts) >= MOST_KEYS:
            del self._counts[next(iter(self._counts))]
        self._counts[key] = (now, 1)

    def take_back(self, key: str) -> None:
        """One try of a key was no guess after all."""
        if key in self._counts:
            began, count = self._counts[key]
            self._counts[key] = (began, count - 1)


def _is_within(peer: str, networks: Networks) -> bool:
    try:
        address = ip_address(peer)
    except ValueError:
        return False
    return any(address in network for network in networks)


def _network(peer: str) -> str:
    """An IPv6 address as its /64 (RFC 6177); anything else as it is."""
    try:
        address = ip_address(peer)
    except ValueError:
        return peer[:100]
    if isinstance(address, IPv6Address) and not address.ipv4_mapped:
        return str(IPv6Network((address, 64), strict=False))
    return str(address)
