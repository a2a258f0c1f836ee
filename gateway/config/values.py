"""What one value of gateway.toml must be by itself; which keys take it is in schema.py.

Every validator takes the value as written and raises ValueError in words that say what would be right.
Nothing that passes here can begin a new header field (research C6): no value holds a control character.
"""

from __future__ import annotations

import ipaddress
import re
from datetime import date, datetime
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from gateway import address, texts
from gateway.law.evidence import CHANNELS

SQLITE = "sqlite+aiosqlite:///"
ANYWHERE = ("0.0.0.0", "::")  # noqa: S104  compared with, not bound to

_MAX_LINE = 300  # characters; with its field's name well within a line of 998 octets (RFC 5322 section 2.1.1)
_MAX_URL = 500
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_SECRET_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_HASH_OF_NOTHING = f"sha256:{sha256(b'').hexdigest()}"
_SELECTOR = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_COUNTRY = re.compile(r"[A-Z]{2}")
_PORT = re.compile(r"[0-9]{1,5}")
_WEB_URL = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")  # RFC 3986 section 2


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
    host, _, port = value.rpartition(":") if isinstance(value, str) else ("", "", "")
    try:
        if _PORT.fullmatch(port) and int(port) <= 65535:
            return Listen(_host(host), int(port))
    except ValueError:
        pass
    raise ValueError('must be "host:port", as "127.0.0.1:2525" or "[::1]:2525"')


def _line(value: str) -> str:
    value = value.strip()
    if not value.isprintable() or len(value) > _MAX_LINE:
        raise ValueError(f"must be one line of at most {_MAX_LINE} characters, without control characters")
    return value


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("must be lower-case letters, digits, '.', '_' or '-', at most 64, as \"newsletter\"")
    return value


def _hostname(value: str) -> str:
    try:
        domain = address.parse(f"x@{value}").domain
    except address.AddressError:
        domain = "["
    if domain.startswith("["):
        raise ValueError('must be one exact domain, as "shop.example"')
    return domain


def _host(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value.strip("[]")))
    except ValueError:
        return _hostname(value)


def _network(value: object) -> object:
    text = value if isinstance(value, str) else ""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError('must be a network, as "192.0.2.0/24"') from None
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped:
        raise ValueError("must be written as the IPv4 network it is")  # else overlaps would go unseen
    if ipaddress.ip_interface(text).ip != network.network_address:
        raise ValueError(f"must be a network, not an address in one: {network}")
    return network


def _mailbox(value: str) -> str:
    if value:
        try:
            address.parse(value)
        except address.AddressError:
            raise ValueError('must be a mailbox, as "privacy@shop.example"') from None
    return value


def _web_url(value: str) -> str:
    if value and not _is_web_url(value):
        raise ValueError('must be a web address in ASCII, as "https://shop.example/privacy"')
    return value


def _is_web_url(value: str) -> bool:
    if not _WEB_URL.fullmatch(value) or len(value) > _MAX_URL:
        return False
    try:
        parts = urlsplit(value)
        return bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:  # brackets or a port that are none
        return False


def _public_url(value: str) -> str:
    value = _web_url(value).rstrip("/")
    parts = urlsplit(value)
    if "?" in value or "#" in value or "@" in parts.netloc:
        raise ValueError("must have no query, fragment or user name")
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):  # RFC 8058 section 3.1
        raise ValueError("must be https (http only on loopback)")
    return value


def _store_url(value: str) -> str:
    path = value.removeprefix(SQLITE)
    if path != value and (path in ("", ":memory:") or "?" in path):
        raise ValueError(f'must name a file, as "{SQLITE}sendright.db"')  # in memory nothing is on record
    return value


def _path(value: Path) -> Path:
    if not str(value).isprintable():
        raise ValueError("must be a path without control characters")
    return value


def _secret_hash(value: str) -> str:
    if not _SECRET_HASH.fullmatch(value):
        raise ValueError('must be "sha256:" and 64 lower-case hexadecimal digits: run `sendright secret`')
    if value == _HASH_OF_NOTHING:
        raise ValueError("must be of a secret, this one is of nothing: run `sendright secret`")
    return value


def _moment(value: object) -> object:
    """A time with its zone; a number, which TOML has no times for, is none."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        moment = None
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise ValueError("must be a time with its zone, as 2027-01-31T00:00:00+01:00")
    return moment


def _day(value: object) -> object:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        day = None
    if not isinstance(day, date) or isinstance(day, datetime):
        raise ValueError("must be a date, as 2026-01-31")  # noqa: TRY004  pydantic collects ValueErrors
    return day


def matching(pattern: re.Pattern[str], example: str) -> AfterValidator:
    """Text of which all is in the pattern."""

    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise ValueError(f'must look like "{example}"')
        return value

    return AfterValidator(check)


def one_of(values: tuple[str, ...]) -> AfterValidator:
    """Text that is one of some words."""

    def check(value: str) -> str:
        if value not in values:
            raise ValueError(f"must be one of {', '.join(values)}")
        return value

    return AfterValidator(check)


Address = Annotated[Listen, BeforeValidator(_listen)]
Line = Annotated[str, AfterValidator(_line)]
Words = Annotated[Line, Field(min_length=1)]
Id = Annotated[str, AfterValidator(_id)]
Hostname = Annotated[str, AfterValidator(_hostname)]
Host = Annotated[str, AfterValidator(_host)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
MailboxText = Annotated[str, AfterValidator(_mailbox)]
WebUrl = Annotated[str, AfterValidator(_web_url)]
PublicUrl = Annotated[str, AfterValidator(_public_url)]
StoreUrl = Annotated[str, AfterValidator(_store_url)]
FilePath = Annotated[Path, AfterValidator(_path)]
SecretHash = Annotated[str, AfterValidator(_secret_hash)]
Selector = Annotated[str, matching(_SELECTOR, "s1")]
Country = Annotated[str, matching(_COUNTRY, "NL")]
Language = Annotated[str, one_of(texts.LANGUAGES)]
Channel = Annotated[str, one_of(CHANNELS)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Day = Annotated[date, BeforeValidator(_day)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(gt=0)]
