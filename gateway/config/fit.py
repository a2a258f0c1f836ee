"""How the values of a configuration must fit together: faults, each with its rule, and mere warnings."""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path
from typing import TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.config import schema
from gateway.config.schema import is_loopback
from gateway.config.whole import SQLITE, Config

Found: TypeAlias = tuple[str, str, str]  # key, fault, mend

LEAST_RSA_BITS, GOOD_RSA_BITS = 1024, 2048  # RFC 8301 section 3.2: MUST, SHOULD


def faults(config: Config, broken: set[str]) -> list[Found]:
    """Everything that does not fit; what rests on a section or table in `broken` is passed over."""
    found = [*_names(config), *_categories(config, broken), *_logins(config, broken), *_networks(config)]
    found += [*_tokens(config, broken), *_controllers(config), *_retention(config)]
    if "store" not in broken:
        found += _store(config)
    if "gateway" not in broken:
        found += _workers(config)
    if "smtp" not in broken:
        found += _tls(config)
    if "smarthost" not in broken:
        found += _smarthost(config)
        found += _signing(config, broken)
    return found


def warnings(config: Config) -> Iterator[Found]:
    """What keeps a controller from sending marketing (L20, L22), and keys that are short."""
    for one in config.controllers.values():
        key = f"controller[{one.id}]"
        lacks = "it sends no marketing until then (controller-not-ready)"
        if not one.privacy_policy_mentions_marketing:  # L20
            yield f"{key}.privacy_policy_mentions_marketing", lacks, "true, once the policy says so"
        if not one.privacy_policy_url:  # L22
            yield f"{key}.privacy_policy_url", lacks, "the address of the privacy policy"
        if not one.postal_address:  # L22
            yield f"{key}.postal_address", lacks, "the address to write to"
    for signer in config.dkim:
        private = _private_key(signer.private_key_file)
        if isinstance(private, RSAPrivateKey) and private.key_size < GOOD_RSA_BITS:
            short = f"RSA of {private.key_size} bits is short"
            yield f"dkim[{signer.domain}].private_key_file", short, "2048 bits (RFC 8301)"


def _names(config: Config) -> Iterator[Found]:
    """Every id and name stands once; a category's former ids count as ids."""
    ids = [name for one in config.category for name in (one.id, *one.formerly)]
    names = {
        "controller": [one.id for one in config.controller],
        "category": ids,
        "login": [one.name for one in config.login],
        "token": [one.name for one in config.token],
    }
    for table, given in names.items():
        for name, times in Counter(given).items():
            if times > 1:
                yield f"{table}[{name}]", f"is there {times} times", "each name once, former ids too"


def _known(config: Config, controller: str, key: str, broken: set[str]) -> Iterator[Found]:
    known = {one.id for one in config.controller}
    if controller not in known and "controller" not in broken:
        yield f"{key}.controller", f"no controller is called {controller!r}", _choice(known)


def _choice(names: Iterable[str]) -> str:
    return f"one of {', '.join(sorted(names)) or 'those you add'}"


def _categories(config: Config, broken: set[str]) -> Iterator[Found]:
    for one in config.category:
        key = f"category[{one.id}]"
        yield from _known(config, one.controller, key, broken)
        if one.purpose == "marketing":
            if one.ground:
                yield f"{key}.ground", "marketing has its ground in the evidence", "no ground here"
            continue
        if not one.ground:
            yield (
                f"{key}.ground",
                "a service category must say why it needs no consent",
                "contract, legal-obligation, precontract or informative",
            )
        for name in ("product_groups", "advertiser", "personalised", "profiled"):
            if getattr(one, name):  # L15
                yield f"{key}.{name}", "is for marketing", 'purpose = "marketing", or leave it out'


def _logins(config: Config, broken: set[str]) -> Iterator[Found]:
    for one in config.login:
        key = f"login[{one.name}]"
        yield from _known(config, one.controller, key, broken)
        yield from _usable(config, one, key, broken)
        if one.default_category and one.default_category not in one.categories:
            yield f"{key}.default_category", "is not among its categories", _choice(one.categories)
        if one.mode == "report" and one.report_until is None:
            yield f"{key}.report_until", "is missing", "when report mode ends, as 2027-01-31T00:00:00+01:00"
        if not one.secret_hash and not one.networks:
            yield f"{key}.secret_hash", "nobody could log in", "a secret_hash, or networks, or both"


def _usable(config: Config, login: schema.Login, key: str, broken: set[str]) -> Iterator[Found]:
    controller_of = {one.id: one.controller for one in config.category}
    own = [name for name, controller in controller_of.items() if controller == login.controller]
    for name in login.categories:
        if name not in controller_of:
            if "category" not in broken:
                yield f"{key}.categories", f"no category is called {name!r}", _choice(own)
        elif controller_of[name] != login.controller:  # I8
            yield f"{key}.categories", f"{name!r} belongs to another controller", _choice(own)


def _networks(config: Config) -> Iterator[Found]:
    given = [(one.name, network) for one in config.login for network in one.networks]
    for (name, network), (other, near) in combinations(given, 2):
        if network.version == near.version and network.overlaps(near):
            yield f"login[{other}].networks", f"{near} overlaps {network} of login {name!r}", "networks apart"


def _tokens(config: Config, broken: set[str]) -> Iterator[Found]:
    for one in config.token:
        yield from _known(config, one.controller, f"token[{one.name}]", broken)


def _controllers(config: Config) -> Iterator[Found]:
    for one in config.controller:
        key = f"controller[{one.id}]"
        if one.on_behalf_of and one.processing_agreement_date is None:  # L21, GDPR 28(3)
            yield (
                f"{key}.processing_agreement_date",
                "is missing",
                "the date of the agreement with that party",
            )
        pack = config.controllers[one.id].pack
        if one.impersonal_addresses and not pack.impersonal_local_parts:  # L16
            yield f"{key}.impersonal_addresses", f"pack {pack.id} exempts no such addresses", "false"


def _retention(config: Config) -> Iterator[Found]:
    for name, one in config.retention.items():
        least, most = one.keep_at_least_days, one.keep_at_most_days
        if least is not None and most is not None and least > most:
            yield f"retention.{name}.keep_at_most_days", "is less than keep_at_least_days", f"{least} or more"


def _store(config: Config) -> Iterator[Found]:
    if not config.store.url.startswith(SQLITE):
        yield "store.url", "this version keeps its store in SQLite", f"{SQLITE}path"


def _workers(config: Config) -> Iterator[Found]:
    if config.gateway.workers != 1:
        yield "gateway.workers", "this version has one worker", "1"


def _tls(config: Config) -> Iterator[Found]:
    smtp = config.smtp
    if (smtp.tls_cert is None) != (smtp.tls_key is None):
        yield "smtp.tls_key", "certificate and key belong together", "both tls_cert and tls_key, or neither"
    elif smtp.tls_cert:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(smtp.tls_cert, smtp.tls_key)
        except (OSError, ssl.SSLError) as error:
            yield "smtp.tls_cert", f"cannot be used: {error}", "a readable certificate chain and its key, PEM"
    elif smtp.listen_tls or smtp.require_tls:
        yield "smtp.tls_cert", "TLS needs a certificate", "tls_cert and tls_key"


def _smarthost(config: Config) -> Iterator[Found]:
    smarthost = config.smarthost
    if (smarthost.username is None) != (smarthost.password is None):
        yield "smarthost.password", "user name and password belong together", "both, or neither"
    elif smarthost.username and smarthost.tls == "none" and not is_loopback(smarthost.host):
        yield "smarthost.tls", "the password would travel in the clear", "starttls or implicit"


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
    signed = {one.domain for one in config.dkim}
    for login in config.login:
        for domain in sorted(login.from_domains - signed):
            if "dkim" not in broken:
                yield (
                    f"login[{login.name}].from_domains",
                    f"there is no [[dkim]] key for {domain}",
                    f"run `sendright dkim new {domain} s1`, or smarthost.signs = true",
                )


def _key_fault(path: Path) -> str:
    key = _private_key(path)
    if isinstance(key, str):
        return key
    if isinstance(key, RSAPrivateKey) and key.key_size < LEAST_RSA_BITS:
        return f"RSA of {key.key_size} bits is too short (RFC 8301)"
    return ""


def _private_key(path: Path) -> RSAPrivateKey | Ed25519PrivateKey | str:
    """The key in a file, or what is wrong with it."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "is no private key without a password, in PEM"
    return key if isinstance(key, RSAPrivateKey | Ed25519PrivateKey) else "must be an RSA or Ed25519 key"
