"""Limits on guessing: how often a key may be tried, and whose try it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import pytest
from aiohttp.test_utils import make_mocked_request

from gateway.web import peers
from gateway.web.peers import Tries, peer_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


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


def test_a_key_may_be_tried_so_often_in_a_window() -> None:
    """The limit holds until the window has passed, and says how long that is."""
    tries = Tries(2, MINUTE)
    tries.count("a", NOON)
    assert tries.wait("a", NOON) == 0
    tries.count("a", NOON + MINUTE / 2)

    assert tries.wait("a", NOON + MINUTE / 2) == 31
    assert tries.wait("b", NOON) == 0
    assert tries.wait("a", NOON + MINUTE) == 0


def test_a_try_that_was_right_is_taken_back() -> None:
    """Who proved to be right is not held to it; earlier mistakes stay."""
    tries = Tries(2, MINUTE)
    for key in ("a", "a", "b"):
        tries.count(key, NOON)
    tries.take_back("a")
    assert tries.wait("a", NOON) == 0

    tries.count("a", NOON)
    assert tries.wait("a", NOON) == 61


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond so many keys the one whose window began first is forgotten, and no other."""
    monkeypatch.setattr(peers, "MOST_KEYS", 3)
    tries = Tries(1, MINUTE)
    for number, key in enumerate("abcad"):
        tries.count(key, NOON + timedelta(seconds=number))

    assert [key for key in "abcd" if tries.wait(key, NOON + timedelta(seconds=5))] == ["b", "c", "d"]
