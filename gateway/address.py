"""One mailbox in one comparable spelling, and the keyed hash by which records name a person.

Rules of this file (invariant I9):

1. The mailbox decided on is a pure function of the bytes mailed, and those bytes go out unchanged.
   What does not survive this parser is refused; nothing is repaired, decoded or guessed.
2. Only spellings that RFC 5321 calls the same mailbox, or that every known provider treats so (letter
   case), compare equal. Dots, "+" and "-" in a local part are left alone.
3. A character that one mail server folds into another and the next does not (ß, ı, ligatures, fullwidth
   forms) is refused: equal, one person's consent might serve two; unequal, an objection be passed by.
   So nothing on record hangs on a version of Unicode either: what is taken folds alike in all of them.
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
# RFC 5321 section 2.3.5 asks for a domain name; one that ends in a number is an address to some resolvers.
_NUMBER_LAST = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
# Unicode general categories that RFC 8264 section 9.1 calls LetterDigits; no symbol, space or format control.
_LETTERS = frozenset({"Ll", "Lu", "Lo", "Lm", "Mn", "Mc", "Nd"})
# Letters and marks by category that no reader sees (Default_Ignorable_Code_Point), and the iota subscript,
# a mark that folds into a letter.
_ODD = re.compile(
    "[\u034f\u0345\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


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
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain:
        raise AddressError("address must have the form local-part@domain")
    _check_length(text, local, domain)
    if not text.isprintable():  # of blanks only U+0020, which the grammar allows within quotes
        raise AddressError("address has a control character or an invisible one")
    return Mailbox(wire=text, local_part=_comparable_local(local), domain=_comparable_domain(domain))


def _check_length(text: str, local: str, domain: str) -> None:
    """RFC 5321 section 4.5.3.1, counted in octets; a lone surrogate has none."""
    try:
        sizes = len(text), len(local), len(domain)
        if not text.isascii():
            sizes = len(text.encode()), len(local.encode()), len(domain.encode())
    except UnicodeEncodeError:
        raise AddressError("address is not valid Unicode") from None
    if sizes[0] > MAX_PATH or sizes[1] > MAX_LOCAL or sizes[2] > MAX_DOMAIN:
        raise AddressError("address is too long")


def _comparable_local(local: str) -> str:
    if _DOT_STRING.fullmatch(local):
        plain = local
    elif _QUOTED_STRING.fullmatch(local):
        plain = _QUOTED_PAIR.sub(r"\1", local[1:-1])  # RFC 5321 section 4.1.2: "a"@x and a@x are one
    else:
        raise AddressError("local part is not valid")
    if not plain:
        raise AddressError("local part is empty")
    if "=?" in plain:  # an RFC 2047 word, which libraries on the way would decode into another address
        raise AddressError("address has an encoded word")
    if plain.isascii():
        return plain.lower()  # as it folds
    _check_letters(plain)
    return fold(plain)


def _check_letters(text: str) -> None:
    """Rule 3, for the non-ASCII of a local part (RFC 8264 section 4.2.3, IdentifierClass)."""
    composed = unicodedata.normalize("NFC", text)
    if unicodedata.normalize("NFKC", text) != composed or unicodedata.category(composed[0])[0] == "M":
        raise AddressError("address has a character with more than one reading")
    for char in {*text, *composed}:
        if char.isascii():
            continue
        if unicodedata.category(char) not in _LETTERS or _ODD.match(char):
            raise AddressError("address has a character that is not a letter or digit")
        if len(fold(char)) > len(unicodedata.normalize("NFC", char)) or fold(char.upper()) != fold(char):
            raise AddressError("address has a character with more than one reading")


def fold(text: str) -> str:
    """Text as it is compared: canonically composed and case-folded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


@lru_cache(maxsize=4096)
def _comparable_domain(domain: str) -> str:
    if domain.startswith("["):
        return _comparable_literal(domain)
    lowered = domain.lower()
    if not domain.isascii() or "xn--" in lowered:
        lowered = _a_labels(domain)
    if not _LDH_DOMAIN.fullmatch(lowered) or _NUMBER_LAST.fullmatch(lowered):
        raise AddressError("domain is not valid")
    return lowered


def _a_labels(domain: str) -> str:
    """Lower-case A-labels (RFC 5891); a U-label is compared by the A-label it stands for.

    Beyond letter case nothing is mapped, and case only where RFC 5895 and UTS 46 agree: a next hop may
    follow either. A capital sigma is in doubt, it may stand for two letters.
    """
    lowered = unicodedata.normalize("NFC", domain.lower())
    try:
        if "\u03a3" in domain or idna.uts46_remap(domain, std3_rules=False) != lowered:
            raise AddressError("domain has a character with more than one reading")
        return idna.encode(lowered).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise AddressError("domain is not valid") from None


def _comparable_literal(domain: str) -> str:
    """An address literal (RFC 5321 section 4.1.3) in its canonical spelling."""
    if not domain.endswith("]"):
        raise AddressError("domain is not valid")
    inside = domain[1:-1]
    try:
        if inside[:5].lower() == "ipv6:":
            return f"[ipv6:{_plain_ipv6(inside[5:])}]"
        return f"[{ipaddress.IPv4Address(inside)}]"
    except ValueError:
        raise AddressError("domain is not valid") from None


def _plain_ipv6(text: str) -> ipaddress.IPv6Address:
    """Without a zone, which RFC 5321 knows not, nor an IPv4 address in disguise. Raises ValueError."""
    literal = ipaddress.IPv6Address(text)
    if literal.scope_id is not None or literal.ipv4_mapped is not None:
        raise ValueError(text)
    return literal


def person_hash(key: bytes, controller: str, comparable: str) -> bytes:
    """The 16-byte keyed hash by which one controller's records name one person (I7, I8).

    The controller is part of what is hashed, so the records of two controllers cannot be joined.
    """
    return keyed_hash(key, f"{controller}\0{comparable}".encode())


def keyed_hash(key: bytes, octets: bytes) -> bytes:
    """The first 16 bytes of HMAC-SHA-256 (RFC 2104), whose work on the key alone is done but once."""
    keyed = _keyed(key).copy()
    keyed.update(octets)
    return keyed.digest()[:16]


@lru_cache(maxsize=8)
def _keyed(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod="sha256")
