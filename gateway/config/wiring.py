"""How the gateway is wired to what is around it: store, listeners, certificate, smarthost, DKIM keys.

What rests on a key that is itself at fault is passed over: mended, it may well fit.
"""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.config.fit import Found
from gateway.config.values import ANYWHERE, SQLITE, Listen, is_loopback
from gateway.config.whole import Config

LEAST_RSA_BITS = 1024  # RFC 8301 section 3.2


def faults(config: Config, broken: set[str]) -> Iterator[Found]:
    """Everything that does not fit; `broken` holds the keys at fault, and tables that could not be read."""

    def sound(section: str, *keys: str) -> bool:
        return broken.isdisjoint(f"{section}.{key}" for key in keys)

    if not config.store.url.startswith(SQLITE):
        yield "store.url", "this version keeps its store in SQLite", f"{SQLITE}path"
    if sound("gateway", "workers") and sound("smarthost", "max_connections"):
        yield from _workers(config)
    if sound("smtp", "listen", "listen_tls") and sound("http", "listen", "admin_listen"):
        yield from _listeners(config)
    if sound("smtp", "tls_cert", "tls_key"):
        yield from _tls(config)
    if sound("smarthost", "host", "tls", "username", "password"):
        yield from _password(config)
    if sound("smarthost", "host", "port") and sound("smtp", "listen"):
        yield from _loop(config)
    if sound("smarthost", "signs"):
        yield from _signing(config, broken)


def _workers(config: Config) -> Iterator[Found]:
    most = config.smarthost.max_connections
    if config.gateway.workers > most:
        yield "gateway.workers", "each needs a connection of smarthost.max_connections", f"at most {most}"


def _listeners(config: Config) -> Iterator[Found]:
    smtp, http = config.smtp, config.http
    if not smtp.listen and not smtp.listen_tls:
        yield "smtp.listen", "nobody could submit mail", "listen, or listen_tls, or both"
    places = [("smtp.listen", place) for place in smtp.listen]
    places += [("smtp.listen_tls", place) for place in smtp.listen_tls]
    places += [("http.listen", http.listen)]
    if http.admin_listen != http.listen:
        places += [("http.admin_listen", http.admin_listen)]
    for place, times in Counter(place for _, place in places if place.port).items():
        if times > 1:
            last = [key for key, one in places if one == place][-1]
            yield last, f"{place} is there {times} times", "an address and port of its own"


def _tls(config: Config) -> Iterator[Found]:
    smtp = config.smtp
    if (smtp.tls_cert is None) != (smtp.tls_key is None):
        lacking = "tls_cert" if smtp.tls_cert is None else "tls_key"
        yield f"smtp.{lacking}", "certificate and key belong together", "both, or neither"
    elif smtp.tls_cert:
        try:  # an empty password, since OpenSSL would ask for one at the terminal
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(smtp.tls_cert, smtp.tls_key, lambda: "")
        except (OSError, ValueError) as error:
            yield "smtp.tls_cert", f"cannot be used: {error}", "a readable certificate chain and its key, PEM"
    elif smtp.listen_tls or smtp.require_tls:
        yield "smtp.tls_cert", "TLS needs a certificate", "tls_cert and tls_key"


def _password(config: Config) -> Iterator[Found]:
    smarthost = config.smarthost
    if (smarthost.username is None) != (smarthost.password is None):
        yield "smarthost.password", "user name and password belong together", "both, or neither"
    elif smarthost.username and smarthost.tls == "none" and not is_loopback(smarthost.host):
        yield "smarthost.tls", "the password would travel in the clear", "starttls or implicit"


def _loop(config: Config) -> Iterator[Found]:
    """Our own listener as the smarthost: every copy would come in again."""
    own = Listen(config.smarthost.host, config.smarthost.port)
    for place in (*config.smtp.listen, *config.smtp.listen_tls):
        here = is_loopback(own.host) and (is_loopback(place.host) or place.host in ANYWHERE)
        if place == own or (here and place.port == own.port):
            yield "smarthost.port", f"{own} is where the gateway itself listens", "the port of the next hop"
            return


def _signing(config: Config, broken: set[str]) -> Iterator[Found]:
    """Where we sign, every From: domain of a login has a key of its own (contract section 3)."""
    if config.smarthost.signs:
        return
    for one in config.dkim:
        fault = _key_fault(one.private_key_file)
        if fault:
            yield (
                f"dkim[{one.domain}].private_key_file",
                fault,
                f"run `sendright dkim new {one.domain} {one.selector}`",
            )
    if "dkim" in broken or any(f"dkim[{one.domain}].domain" in broken for one in config.dkim):
        return
    signed = {one.domain for one in config.dkim}
    for login in config.login:
        for domain in sorted(login.from_domains - signed):
            yield (
                f"login[{login.name}].from_domains",
                f"there is no [[dkim]] key for {domain}",
                f"run `sendright dkim new {domain} s1`, or smarthost.signs = true",
            )


def _key_fault(path: Path) -> str:
    key = private_key(path)
    if isinstance(key, str):
        return key
    if isinstance(key, RSAPrivateKey) and key.key_size < LEAST_RSA_BITS:
        return f"RSA of {key.key_size} bits is too short (RFC 8301)"
    return ""


def private_key(path: Path) -> RSAPrivateKey | Ed25519PrivateKey | str:
    """The key in a file, or what is wrong with it."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "is no private key without a password, in PEM"
    return key if isinstance(key, RSAPrivateKey | Ed25519PrivateKey) else "must be an RSA or Ed25519 key"
