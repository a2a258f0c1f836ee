"""What may stand in gateway.toml: a model a section, each key with type and default (contract section 3).

What a value must be by itself is said here; how values must fit together is in fit.py.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import date
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from gateway import address, texts
from gateway.law.evidence import CHANNELS
from gateway.law.packs import PACKS

_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SECRET_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_SELECTOR = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_COUNTRY = re.compile(r"[A-Z]{2}")
RETENTION_CLASSES = (
    "consent",
    "purchase",
    "contact",
    "notice",
    "register",
    "undeliverable",
    "journal",
    "audit",
)
SCOPES = ("evidence", "decisions", "objections", "people", "erase", "log")


class Listen(NamedTuple):
    """Where to listen: a host (name or IP address) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Whether a host names this machine itself."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _listen(value: object) -> object:
    if isinstance(value, str):
        host, colon, port = value.rpartition(":")
        if not colon or not host or not port.isdecimal() or int(port) > 65535:
            raise ValueError('must be "host:port", as "127.0.0.1:2525" or "[::1]:2525"')
        return Listen(host.strip("[]"), int(port))
    return value


def _line(value: str) -> str:
    if not value.isprintable():  # it reaches header fields: no line may be begun from here (research C6)
        raise ValueError("must be one line without control characters")
    return value.strip()


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("must be lower-case letters, digits, '.', '_' or '-', at most 64, as \"newsletter\"")
    return value


def _domain(value: str) -> str:
    try:
        return address.parse(f"x@{value}").domain
    except address.AddressError:
        raise ValueError('must be one exact domain, as "shop.example"') from None


def _hostname(value: str) -> str:
    domain = _domain(value)
    if domain.startswith("["):
        raise ValueError('must be a host name, as "mail.shop.example"')
    return domain


def _host(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value.strip("[]")))
    except ValueError:
        return _hostname(value)


def _mailbox(value: str) -> str:
    if value:
        try:
            address.parse(value)
        except address.AddressError:
            raise ValueError('must be a mailbox, as "privacy@shop.example"') from None
    return value


def _web_url(value: str) -> str:
    if value:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or not value.isascii() or " " in value:
            raise ValueError('must be a web address, as "https://shop.example/privacy"')
    return value


def _public_url(value: str) -> str:
    value = _web_url(value).rstrip("/")
    parts = urlsplit(value)
    if parts.query or parts.fragment or parts.username:
        raise ValueError("must have no query, fragment or user name")
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):  # RFC 8058 section 3.1
        raise ValueError("must be https (http only on loopback)")
    return value


def _secret_hash(value: str) -> str:
    if not _SECRET_HASH.fullmatch(value):
        raise ValueError('must be "sha256:" and 64 lower-case hexadecimal digits: run `sendright secret`')
    return value


def _matching(pattern: re.Pattern[str], example: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(f'must look like "{example}"')
        return value

    return AfterValidator(check)


def _one_of(values: tuple[str, ...]) -> AfterValidator:
    def check(value: str) -> str:
        if value not in values:
            raise ValueError(f"must be one of {', '.join(values)}")
        return value

    return AfterValidator(check)


Address = Annotated[Listen, BeforeValidator(_listen)]
Line = Annotated[str, AfterValidator(_line)]
Id = Annotated[str, AfterValidator(_id)]
Domain = Annotated[str, AfterValidator(_domain)]
Hostname = Annotated[str, AfterValidator(_hostname)]
Host = Annotated[str, AfterValidator(_host)]
MailboxText = Annotated[str, AfterValidator(_mailbox)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
SecretHash = Annotated[str, AfterValidator(_secret_hash)]
Language = Annotated[str, _one_of(texts.LANGUAGES)]
Channel = Annotated[str, _one_of(CHANNELS)]
Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(gt=0)]


class Section(BaseModel):
    """A table of the file: nothing unknown in it, nothing changed once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Gateway(Section):
    """[gateway]"""

    hostname: Hostname
    public_url: PublicUrl
    state_dir: Path = Path("/var/lib/sendright")
    workers: Count = 1
    language: Language = "nl"
    keys_file: Path = Path("keys.json")  # in state_dir


class Store(Section):
    """[store]"""

    url: str = "sqlite+aiosqlite:///sendright.db"  # in state_dir


class Smtp(Section):
    """[smtp]"""

    listen: tuple[Address, ...] = (Listen("127.0.0.1", 2525),)
    listen_tls: tuple[Address, ...] = ()
    tls_cert: Path | None = None
    tls_key: Path | None = None
    require_tls: bool = False
    max_message_bytes: Count = 26_214_400
    max_recipients: Annotated[int, Field(ge=100)] = 1000  # RFC 5321 section 4.5.3.1.8: at least 100
    timeout_seconds: Seconds = 300  # RFC 5321 section 4.5.3.2.7: at least 5 minutes
    max_connections: Count = 1000
    answer_within_seconds: Seconds = 270
    max_bytes_in_flight: Count = 268_435_456


class Http(Section):
    """[http]"""

    listen: Address = Listen("127.0.0.1", 8080)
    admin_listen: Address = Listen("127.0.0.1", 8080)  # the same as listen, unless it says otherwise
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()


class Smarthost(Section):
    """[smarthost]"""

    host: Host = "127.0.0.1"
    port: Annotated[int, Field(gt=0, le=65535)] = 25
    tls: Literal["none", "starttls", "implicit"] = "starttls"
    username: Line | None = None
    password: SecretStr | None = None
    max_connections: Count = 40
    timeout_seconds: Seconds = 60
    signs: bool = False


class Dkim(Section):
    """[[dkim]]"""

    domain: Domain
    selector: Annotated[str, _matching(_SELECTOR, "s1")]
    private_key_file: Path


class Controller(Section):
    """[[controller]]"""

    id: Id
    name: Annotated[Line, Field(min_length=1)]
    postal_address: Line = ""
    contact: Line = ""
    officer: Line = ""
    privacy_policy_url: WebUrl = ""
    privacy_policy_mentions_marketing: bool = False
    country: Annotated[str, _matching(_COUNTRY, "NL")]
    pack: Annotated[str, _one_of(tuple(PACKS))] | None = None
    language: Language | None = None
    mail_from: MailboxText = ""
    listed: bool = False
    impersonal_addresses: bool = False
    on_behalf_of: Line = ""
    processing_agreement_date: date | None = None


class Category(Section):
    """[[category]]"""

    id: Id
    formerly: tuple[Id, ...] = ()
    controller: Id
    title: Annotated[Line, Field(min_length=1)]
    purpose: Literal["marketing", "service"]
    ground: Literal["contract", "legal-obligation", "precontract", "informative"] | None = None
    product_groups: tuple[Line, ...] = ()
    advertiser: Line = ""
    personalised: bool = False
    profiled: bool = False
    customers: Literal["any", "recurring"] = "any"
    one_off_max_age_days: Count | None = None
    double_opt_in: bool = False
    post_use_compatible: bool = False
    channels: tuple[Channel, ...] = ("email",)


class Login(Section):
    """[[login]]"""

    name: Annotated[Line, Field(min_length=1)]
    controller: Id
    categories: tuple[Id, ...] = ()
    default_category: Id | None = None
    on_withheld: Literal["drop", "reject"] = "drop"
    mode: Literal["enforce", "report"] = "enforce"
    report_until: AwareDatetime | None = None
    from_domains: Annotated[frozenset[Domain], Field(min_length=1)]
    envelope_domains: frozenset[Domain] = frozenset()  # from_domains, unless it says otherwise
    secret_hash: SecretHash | None = None
    networks: tuple[IPv4Network | IPv6Network, ...] = ()


class Token(Section):
    """[[token]]"""

    name: Annotated[Line, Field(min_length=1)]
    controller: Id
    secret_hash: SecretHash
    scopes: tuple[Annotated[str, _one_of(SCOPES)], ...] = ()


class Retention(Section):
    """[retention.CLASS]"""

    keep_at_least_days: Annotated[int, Field(ge=0)] | None = None
    keep_at_most_days: Count | None = None
    reason: Annotated[Line, Field(min_length=1)]


SECTIONS: dict[str, type[Section]] = {
    "gateway": Gateway,
    "store": Store,
    "smtp": Smtp,
    "http": Http,
    "smarthost": Smarthost,
}
TABLES: dict[str, type[Section]] = {
    "dkim": Dkim,
    "controller": Controller,
    "category": Category,
    "login": Login,
    "token": Token,
}
