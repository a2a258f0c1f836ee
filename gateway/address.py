"""One mailbox in one comparable spelling, and the keyed hash by which records name a person.

Rules of this file (invariant I9):

1. The mailbox decided on is a pure function of the bytes mailed, and those bytes go out unchanged.
   What does not survive this parser is refused; nothing is repaired, decoded or guessed.
2. Only spellings that RFC 5321 calls the same mailbox, or that every known provider treats so (letter
   case), compare equal. Dots, "+" and "-" in a local part are left alone.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import idna

MAX_LOCAL = 64  # octets, RFC 5321 section 4.5.3.1.1
MAX_DOMAIN = 255  # octets, RFC 5321 section 4.5.3.1.2
MAX_PATH = 254  # octets between the angle brackets, RFC 5321 section 4.5.3.1.3 (erratum 1690)

# RFC 5321 section 4.1.2 Dot-string and Quoted-string; RFC 6531 section 3.3 adds UTF8-non-ascii.
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010FFFF]"
_DOT_STRING = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*")
_QUOTED_STRING = re.compile(r'"(?:[ !#-\[\]-~\u0080-\U0010FFFF]|\\[ -~])*"')
_QUOTED_PAIR = re.compile(r"\\(.)")
# RFC 5321 section 4.1.2 sub-domain, as A-labels and with underscores refused.
_LDH_DOMAIN = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})  # Unicode general categories


class AddressError(ValueError):
    """The text is not a mailbox; the message is safe to show to a peer."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox as received and as compared.

    `wire` is the exact text between the angle brackets; `local_part` and `domain` are the comparable
    spelling (local part unquoted, NFC, case-folded; domain as lower-case A-labels).
    """

    wire: str
    local_part: str
    domain: str

    @property
    def comparable(self) -> str:
        """The one spelling under which this mailbox is on record."""
        return f"{self.local_part}@{self.domain}"

    @property
    def needs_smtputf8(self) -> bool:
        """Whether the address as received can only travel under SMTPUTF8 (RFC 6531)."""
        return not self.wire.isascii()


def parse(text: str | bytes) -> Mailbox:
    """The mailbox that `text` (without angle brackets) spells.

    Raises AddressError for anything that is not exactly one RFC 5321 or RFC 6531 Mailbox: source
    routes, comments, spaces, control characters, encoded words, missing domains, wrong lengths.
    """
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")  # RFC 6531 section 3.1: the only 8-bit charset
        except UnicodeDecodeError:
            raise AddressError("address is not valid UTF-8") from None
    return _parse(text)


@lru_cache(maxsize=4096)
def _parse(text: str) -> Mailbox:
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        raise AddressError("address must have the form local-part@domain")
    _check_length(text, local, domain)
    _check_visible(text)
    return Mailbox(wire=text, local_part=_comparable_local(local), domain=_comparable_domain(domain))


def _check_length(text: str, local: str, domain: str) -> None:
    """RFC 5321 section 4.5.3.1, counted in octets; a lone surrogate has none."""
    try:
        sizes = [len(part.encode("utf-8")) for part in (local, domain, text)]
    except UnicodeEncodeError:
        raise AddressError("address is not valid Unicode") from None
    if sizes[0] > MAX_LOCAL or sizes[1] > MAX_DOMAIN or sizes[2] > MAX_PATH:
        raise AddressError("address is too long")


def _check_visible(text: str) -> None:
    if text.isascii():
        if not text.isprintable():
            raise AddressError("address has a control character")
        return
    if any(unicodedata.category(char) in _INVISIBLE and char != " " for char in text):
        raise AddressError("address has an invisible or unassigned character")


def _comparable_local(local: str) -> str:
    if "=?" in local:  # an RFC 2047 word, which libraries on the way would decode into another address
        raise AddressError("address has an encoded word")
    if _DOT_STRING.fullmatch(local):
        plain = local
    elif _QUOTED_STRING.fullmatch(local):
        plain = _QUOTED_PAIR.sub(r"\1", local[1:-1])  # RFC 5321 section 4.1.2: "a"@x and a@x are one
    else:
        raise AddressError("local part is not valid")
    if not plain:
        raise AddressError("local part is empty")
    return fold(plain)


def fold(text: str) -> str:
    """Text as it is compared: canonically composed and case-folded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


@lru_cache(maxsize=4096)
def _comparable_domain(domain: str) -> str:
    if domain.startswith("["):
        return _comparable_literal(domain)
    if domain.isascii():
        lowered = domain.lower()
        if not _LDH_DOMAIN.fullmatch(lowered):
            raise AddressError("domain is not valid")
        return lowered if "xn--" not in lowered else _a_labels(lowered)
    return _a_labels(domain)


def _a_labels(domain: str) -> str:
    """Lower-case A-labels (RFC 5891); a U-label is compared by the A-label it stands for."""
    try:
        encoded = idna.encode(idna.decode(domain.lower()) if domain.isascii() else domain, uts46=True)
    except (idna.IDNAError, UnicodeError):
        raise AddressError("domain is not valid") from None
    lowered = encoded.decode("ascii").lower()
    if not _LDH_DOMAIN.fullmatch(lowered):
        raise AddressError("domain is not valid")
    return lowered


def _comparable_literal(domain: str) -> str:
    """An address literal (RFC 5321 section 4.1.3) in its canonical spelling."""
    if not domain.endswith("]"):
        raise AddressError("domain is not valid")
    inside = domain[1:-1]
    try:
        if inside[:5].lower() == "ipv6:":
            return f"[ipv6:{ipaddress.IPv6Address(inside[5:])}]"
        return f"[{ipaddress.IPv4Address(inside)}]"
    except ValueError:
        raise AddressError("domain is not valid") from None


def person_hash(key: bytes, controller: str, comparable: str) -> bytes:
    """The 16-byte keyed hash by which one controller's records name one person (I7, I8).

    The controller is part of what is hashed, so the records of two controllers cannot be joined.
    """
    return hmac.digest(key, f"{controller}\0{comparable}".encode(), "sha256")[:16]
