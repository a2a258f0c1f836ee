"""Whose try it was: the peer that limits on guessing count by."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from aiohttp.test_utils import make_mocked_request

from gateway.web.peers import peer_of


class FromProxy:
    """As far as aiohttp asks a transport."""

    def __init__(self, peer: str) -> None:
        self._peer = peer

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (self._peer, 1) if name == "peername" else default


def peer(remote: str, *forwarded: str) -> str:
    """Who asks, behind a proxy at 10.0.0.0/8 that is trusted."""
    request = make_mocked_request(
        "GET", "/", {"X-Forwarded-For": ", ".join(forwarded)}, transport=FromProxy(remote)
    )
    return peer_of(request, [ip_network("10.0.0.0/8")])


@pytest.mark.parametrize(
    ("remote", "forwarded", "expected"),
    [
        ("192.0.2.1", (), "192.0.2.1"),
        ("192.0.2.1", ("198.51.100.7",), "192.0.2.1"),
        ("10.0.0.1", ("198.51.100.7",), "198.51.100.7"),
        ("10.0.0.1", ("203.0.113.5", "198.51.100.7"), "198.51.100.7"),
        ("10.0.0.1", ("198.51.100.7", "10.0.0.2"), "198.51.100.7"),
        ("10.0.0.1", ("a word",), "a word"),
        ("2001:db8:1:2:3:4:5:6", (), "2001:db8:1:2::/64"),
    ],
)
def test_the_peer_is_whom_a_trusted_proxy_names(
    remote: str, forwarded: tuple[str, ...], expected: str
) -> None:
    """Only a proxy of ours is believed, only its own entry, and IPv6 counts by network."""
    assert peer(remote, *forwarded) == expected
