"""Who a client is."""

from __future__ import annotations

import hmac
from base64 import b64encode
from contextlib import suppress
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smtp import auth
from gateway.smtp.auth import CancelledError, Credentials, GarbledError, Logins, decoded, plain
from tests.smtp.client import SECRET, Login

TOOL = Login("tool")
LAN = Login("lan", secret_hash=None, networks=(ip_network("10.0.0.0/8"), ip_network("fd00::/8")))
LOGINS = Logins([TOOL, LAN])


@pytest.mark.parametrize(
    ("name", "secret", "found"),
    [
        ("tool", SECRET, TOOL),
        ("tool", SECRET + "x", None),
        ("tool", "", None),
        ("Tool", SECRET, None),
        ("lan", "", None),
        ("lan", SECRET, None),
        ("nobody", SECRET, None),
        ("", "", None),
    ],
)
def test_only_its_own_secret_is_a_login(name: str, secret: str, found: Login | None) -> None:
    """A login is found by its exact name and secret; one without a secret is never found so."""
    assert LOGINS.by_secret(name, secret.encode()) is found


def test_the_hash_may_be_in_upper_case() -> None:
    """The hexadecimal digits of a hash count in any case."""
    upper = Login("tool", secret_hash=str(TOOL.secret_hash).upper().replace("SHA256", "sha256"))

    assert Logins([upper]).by_secret("tool", SECRET.encode()) is upper


def test_an_unknown_name_costs_the_same_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    """With or without such a login, one digest of the same length is compared, in constant time (A10)."""
    compared: list[tuple[int, int]] = []

    def compare(known: bytes, given: bytes) -> bool:
        compared.append((len(known), len(given)))
        return known == given

    monkeypatch.setattr(hmac, "compare_digest", compare)
    for name in ("tool", "lan", "nobody"):
        LOGINS.by_secret(name, b"wrong")

    assert compared == [(71, 71)] * 3


@pytest.mark.parametrize(
    ("client", "found"), [("10.1.2.3", LAN), ("fd00::1", LAN), ("11.0.0.1", None), ("::1", None)]
)
def test_a_network_is_a_login(client: str, found: Login | None) -> None:
    """A client in a login's network is that login; address families do not mix."""
    assert LOGINS.by_network(ip_address(client)) is found


@given(st.binary())
def test_any_response_is_decoded_or_refused(response: bytes) -> None:
    """No octets of a client get past base64 and PLAIN but as credentials or as a refusal."""
    with suppress(GarbledError, CancelledError):
        assert isinstance(plain(decoded(response)), Credentials)


@given(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.binary().filter(lambda s: b"\0" not in s),
)
def test_plain_gives_name_and_secret(name: str, secret: bytes) -> None:
    """What a client packs as PLAIN comes out as it went in."""
    message = b64encode(b"\0" + name.encode() + b"\0" + secret)

    assert plain(decoded(message)) == Credentials(name, secret)


def test_a_secret_is_never_shown() -> None:
    """Credentials in a traceback or a log do not show the secret (A6)."""
    assert SECRET not in repr(auth.login(b"tool", SECRET.encode()))
