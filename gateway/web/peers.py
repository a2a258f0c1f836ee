"""Who is at the other end, as far as limits on what one may do need to know."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TypeAlias

from aiohttp import web

Networks: TypeAlias = Sequence[IPv4Network | IPv6Network]


def peer_of(request: web.Request, trusted_proxies: Networks) -> str:
    """The nearest address that is no proxy of ours; of IPv6 its network, which one client has to itself."""
    hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
    peer = request.remote or ""
    while hops and _is_within(peer, trusted_proxies):
        peer = hops.pop().strip() or peer
    return _network(peer)


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
