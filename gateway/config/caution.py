"""What is no fault of a configuration, yet worth saying."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from gateway.address import parse
from gateway.config.fit import Found
from gateway.config.values import is_loopback
from gateway.config.whole import Config
from gateway.config.wiring import private_key
from gateway.law.packs import pack_for

GOOD_RSA_BITS = 2048  # RFC 8301 section 3.2: signers SHOULD use at least as many


def warnings(config: Config) -> Iterator[Found]:
    """What keeps a controller or a login from sending (L20, L22, I1), and what may not be as it is meant."""
    yield from _controllers(config)
    yield from _smarthost(config)
    if config.smtp.max_bytes_in_flight < config.smtp.max_message_bytes:
        least = f"{config.smtp.max_message_bytes} or more"
        yield "smtp.max_bytes_in_flight", "the largest message is taken only while it is alone", least
    for login in config.login:
        if not login.categories:  # I1
            yield f"login[{login.name}].categories", "all its mail is withheld", "the categories it may use"
    for signer in config.dkim:
        private = private_key(signer.private_key_file)
        if isinstance(private, RSAPrivateKey) and private.key_size < GOOD_RSA_BITS:
            short = f"RSA of {private.key_size} bits is short"
            yield f"dkim[{signer.domain}].private_key_file", short, "2048 bits (RFC 8301)"
    if config.dkim and config.smarthost.signs:
        silent = "the [[dkim]] keys sign nothing: the smarthost is said to sign"
        yield "smarthost.signs", silent, "false, or no [[dkim]]"


def _controllers(config: Config) -> Iterator[Found]:
    for one in config.controller:
        key = f"controller[{one.id}]"
        if not one.pack and pack_for(one.country).id == "eu":
            applies = f"{one.country} has no pack of its own: the directive's common ground applies (pack eu)"
            yield f"{key}.country", applies, 'pack = "eu", once you know what that country asks beyond it'
        lacks = "it sends no marketing until then (controller-not-ready)"
        if not one.privacy_policy_mentions_marketing:  # L20
            yield f"{key}.privacy_policy_mentions_marketing", lacks, "true, once the policy says so"
        if not one.privacy_policy_url:  # L22
            yield f"{key}.privacy_policy_url", lacks, "the address of the privacy policy"
        if not one.postal_address:  # L22
            yield f"{key}.postal_address", lacks, "the address to write to"
        if config.controllers[one.id].pack.receipts and not one.mail_from:  # L31
            yield f"{key}.mail_from", "objections cannot be confirmed", "a mailbox to send from"
        if not one.mail_from and (unconfirmed := _double_opt_in(config, one.id)):  # L2
            yield f"{key}.mail_from", f"nobody can sign up to {unconfirmed}", "a mailbox to send from"
        if one.mail_from and not _signs_for(config, parse(one.mail_from).domain):
            yield f"{key}.mail_from", "what it sends goes out unsigned", "a [[dkim]] key for its domain"


def _double_opt_in(config: Config, controller: str) -> str:
    """The categories of a controller whose sign-ups a mail must confirm."""
    categories = [one for one in config.categories.values() if one.controller == controller]
    return ", ".join(one.id for one in categories if one.double_opt_in)


def _signs_for(config: Config, domain: str) -> bool:
    """Whether we sign for the domain, or leave that to the smarthost."""
    return config.smarthost.signs or any(signer.domain == domain for signer in config.dkim)


def _smarthost(config: Config) -> Iterator[Found]:
    if is_loopback(config.smarthost.host):
        return
    if config.smarthost.tls == "none":  # L26, GDPR 32
        yield "smarthost.tls", "mail travels in the clear", "starttls or implicit"
    if is_loopback(urlsplit(config.gateway.public_url).hostname or ""):  # L10
        yield "gateway.public_url", "nobody but this machine can follow the links in mail", "a public address"
