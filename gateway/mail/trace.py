"""The Received field (RFC 5321 section 4.4), and the time as fields have it."""

from __future__ import annotations

import ipaddress
import re
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

_NAME = re.compile(r"[A-Za-z0-9_.:\[\]-]{1,255}")


def received_field(*, helo: str, peer: str, by: str, protocol: str, ref: str, at: datetime) -> bytes:
    """The field that says from whom we had it, with folding and final CRLF.

    `peer` is an IP address, `protocol` an RFC 3848 or RFC 6531 word, `at` aware. A name the client gave
    itself that is no domain or address literal is left out: it could otherwise write fields of its own.
    """
    name = helo if _NAME.fullmatch(helo) else "unknown"
    return (
        f"Received: from {name} ({_literal(peer)})\r\n"
        f"\tby {by} with {protocol} id {ref};\r\n"
        f"\t{date_time(at)}\r\n"
    ).encode("ascii", "replace")


@lru_cache(maxsize=256)  # tools come from the same few
def _literal(peer: str) -> str:
    """RFC 5321 section 4.1.3."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return "unknown"
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"


def date_time(at: datetime) -> str:
    """A moment in UTC as RFC 5322 section 3.3 writes it."""
    return _date_time(at.replace(microsecond=0))


@lru_cache(maxsize=4)  # many messages come in one second
def _date_time(at: datetime) -> str:
    return format_datetime(at)
