"""Who a client is: by the secret of AUTH, or by the network it comes from (contract section 3, [[login]])."""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Protocol

_NOBODY = "sha256:" + "0" * 64  # compared with where there is no such login, so that it takes as long


class Login(Protocol):
    """What a session needs to know of a [[login]]; config.Login is one."""

    @property
    def name(self) -> str:
        """Its name, on record with every submission."""

    @property
    def categories(self) -> Collection[str]:
        """The category ids it may use."""

    @property
    def on_withheld(self) -> str:
        """`drop` or `reject`."""

    @property
    def envelope_domains(self) -> Collection[str]:
        """Domains of its envelope senders, as lower-case A-labels."""

    @property
    def secret_hash(self) -> str | None:
        """`sha256:` and 64 hexadecimal digits."""

    @property
    def networks(self) -> Collection[IPv4Network | IPv6Network]:
        """Clients from there are this login without AUTH."""


class GarbledError(ValueError):
    """The client's AUTH response is not what its mechanism asks for."""


class CancelledError(Exception):
    """The client took its AUTH back (RFC 4954 section 4)."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and a secret, as a client gave them; the secret is never shown."""

    name: str
    secret: bytes = field(repr=False)


class Logins:
    """The logins of the configuration, found by secret or by network."""

    def __init__(self, logins: Iterable[Login]) -> None:
        self._by_name = {login.name: login for login in logins}
        self._networks = [(network, login) for login in self._by_name.values() for network in login.networks]

    def by_secret(self, name: str, secret: bytes) -> Login | None:
        """The login of this name if the secret is its own; takes as long when there is none of that name.

        Secrets are random, so a fast hash serves (contract section 3).
        """
        login = self._by_name.get(name)
        known = (login.secret_hash if login else None) or _NOBODY
        given = f"sha256:{sha256(secret).hexdigest()}"
        right = hmac.compare_digest(known.lower().encode(), given.encode())
        return login if right and login and login.secret_hash else None

    def by_network(self, client: IPv4Address | IPv6Address) -> Login | None:
        """The login whose network the client is in; networks of logins do not overlap."""
        return next((login for network, login in self._networks if client in network), None)


def decoded(response: bytes) -> bytes:
    """A base64 response (RFC 4954 section 4; `=` is an empty one). Raises CancelledError, GarbledError."""
    if response == b"*":
        raise CancelledError
    if response == b"=":
        return b""
    try:
        return b64decode(response, validate=True)
    except binascii.Error:
        raise GarbledError from None


def plain(message: bytes) -> Credentials:
    """The message of PLAIN (RFC 4616 section 2); acting for another is not offered. Raises GarbledError."""
    parts = message.split(b"\0")
    if len(parts) != 3 or parts[0] not in (b"", parts[1]):
        raise GarbledError
    return Credentials(_name(parts[1]), parts[2])


def login(name: bytes, secret: bytes) -> Credentials:
    """The two responses of LOGIN. Raises GarbledError."""
    return Credentials(_name(name), secret)


def _name(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        raise GarbledError from None
