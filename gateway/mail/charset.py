"""Charsets: a text as octets in which ASCII is ASCII, and our words as octets of that text.

A `View` has one octet for each unit of the text (octet, or code unit of UTF-16 and UTF-32); a unit that
does not surely stand for an ASCII character reads 0x80. So markup and placeholders are looked for as in
ASCII, and stand at the same place in the text, which is never decoded and encoded again.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.mail.shapes import StrangeError, Wrapping

_OTHER = "\x80"

# Charsets in which ASCII octets mean ASCII wherever they stand.
_ASCII_BASED = re.compile(
    r"(us-?)?ascii|ansi_x3\.4-19\d\d|iso-?646-us|(x-)?utf-?8|unicode-1-1-utf-8|iso[-_]?8859[-_]\d{1,2}(-[ei])?"
    r"|latin-?\d|(x-|windows-|cp|x-cp|ms-)?125\d|(ibm|cp)-?(437|8\d\d|1125)|dos-?\d{3}|koi8-[rut]|windows-874"
    r"|tis-?620|(x-)?mac(intosh|-[a-z-]+)|(x-)?euc-?(jp|tw|cn)"
)
# Charsets whose second octet may be an ASCII letter or bracket, though never "<", a quote or a blank.
_DOUBLE = (
    (r"(x-)?s(hift)?[-_]?jis|ms_kanji|windows-31j|(cp|ms)932", rb"[\x81-\x9f\xe0-\xfc][@-~\x80-\xfc]"),
    (
        r"gb[-_]?2312(-80)?|(x-)?gbk|(cp|ms|windows-)936|gb[-_]?18030",
        rb"[\x81-\xfe](?:[@-~\x80-\xfe]|[0-9][\x81-\xfe][0-9])",
    ),
    (r"(x-)?big5(-?hkscs)?|(cp|ms|windows-)950", rb"[\x81-\xfe][@-~\xa1-\xfe]"),
    (r"ks_c_5601-19\d\d|(x-)?euc-?kr|uhc|(cp|ms|windows-)949", rb"[\x81-\xfe][A-Za-z\x81-\xfe]"),
)
_DOUBLE_RUNS = tuple((re.compile(name), re.compile(b"(?:%b)+" % pair)) for name, pair in _DOUBLE)
_ANY_RUN = re.compile(rb"(?:[\x80-\xff][@-~]?)+")  # of a charset not known
_SHIFTED = re.compile(r"(cs|x-)?iso-?2022-?jp(-\w+)?|cp5022[0-2]")
_ESCAPE = re.compile(rb"\x1b(?:\$\(?[@-Z]|\([@-Z])")  # ISO 2022: a set of characters for G0
_SINGLE_SHIFT = re.compile(rb"\x1b[.N]")  # RFC 1554: characters of G2
_ASCII_STATES = (b"\x1b(B", b"\x1b(J")  # the second has a yen sign for the backslash
_WIDE = re.compile(r"utf-?(16|32)(le|be)?|(iso-10646-)?ucs-?([24])|csunicode")
# Charsets in which a place can only be found by decoding: these parts always move to UTF-8.
_MOVED = re.compile(
    r"utf-?7|unicode-1-1-utf-7|hz(-gb-2312)?|iso-?2022-?kr|johab|(cp|ms)1361|(cp|ibm)-?(037|273|500|1026|1140)"
)
_BOMS = {  # RFC 2781 section 3.2; the longer first
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_ALIASES = {  # what Python does not know, or takes for something else than mail readers do
    "x-sjis": "cp932",
    "ms932": "cp932",
    "sjis": "shift_jis",
    "windows-936": "gbk",
    "ms936": "gbk",
    "windows-950": "cp950",
    "ms950": "cp950",
    "windows-949": "cp949",
    "uhc": "cp949",
    "ms949": "cp949",
    "windows-874": "cp874",
    "tis620": "tis-620",
    "euc-cn": "gb2312",
    "ms1361": "johab",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "ks_c_5601-1987": "cp949",
    "unicode-1-1-utf-8": "utf-8",
    "ibm037": "cp037",
    "ibm273": "cp273",
}
_STRETCH = 65_536  # octets masked at a time
_C1 = re.compile(rb"[\x80-\x9f]")  # control characters by ISO 8859, letters to most readers


class MoveError(Exception):
    """The text must move to UTF-8 first; `words` is what it says."""

    def __init__(self, words: str) -> None:
        super().__init__("the text has to be in UTF-8")
        self.words = words


@dataclass(frozen=True, slots=True)
class View:
    """A text as ASCII for looking in; `codec` is empty when nothing but ASCII can be written into it."""

    octets: bytes
    codec: str = ""
    start: int = 0  # octets of a byte order mark
    width: int = 1  # octets of a unit
    shifted: bytes = b""  # the text itself, where it is one of ISO 2022

    def at(self, place: int) -> int:
        """Where a place of the view is in the text."""
        return self.start + place * self.width

    def encoded(self, words: str) -> bytes:
        """Words of ours for the text. Raises UnicodeEncodeError."""
        return words.encode(self.codec or "ascii")

    def shifts(self, place: int) -> tuple[bytes, bytes]:
        """What must stand before and after ASCII that is put in at a place."""
        at = self.shifted.rfind(b"\x1b", 0, place) if self.octets[place - 1 : place] == b"\x80" else -1
        state = _ESCAPE.match(self.shifted, at) if at >= 0 else None
        if state is None or state[0] == _ASCII_STATES[0]:
            return b"", b""
        return _ASCII_STATES[0], state[0]

    def words(self, text: bytes) -> str:
        """What the text says, as far as it can be read."""
        return text[self.start :].decode(self.codec or "latin-1", "replace")

    def move(self, text: bytes) -> MoveError:
        """What to raise to have this text in UTF-8. Raises StrangeError where readers may differ on it."""
        if not self.codec or (self.codec.startswith("iso8859") and _C1.search(text)):
            raise StrangeError(Wrapping.WORDS)
        try:
            words = text[self.start :].decode(self.codec)
        except UnicodeError:
            raise StrangeError(Wrapping.WORDS) from None
        if "\0" in words or "\x1b" in words:
            raise StrangeError(Wrapping.WORDS)
        return MoveError(words)


def view(text: bytes, charset: str) -> View:
    """A text in a charset declared by that lower-case name. Raises MoveError, or StrangeError."""
    if _MOVED.fullmatch(charset):
        raise View(text, _codec(charset)).move(text)
    if match := _WIDE.fullmatch(charset):
        return _wide(text, "32" if "32" in charset or match[4] == "4" else "16", match[2])
    if _SHIFTED.fullmatch(charset):
        return _shifted(text, _codec(charset) or "iso2022_jp")
    if _ASCII_BASED.fullmatch(charset):
        codec = _codec(charset)
        is_shifted = codec == "ascii" and b"\x1b" in text  # Japanese of old is often not declared
        return _shifted(text, codec) if is_shifted else View(text, codec)
    for name, run in _DOUBLE_RUNS:
        if name.fullmatch(charset):
            return View(_masked(run, text), _codec(charset))
    if b"\0" in text or b"\x1b" in text or b"\x0e" in text or b"~{" in text:  # no telling what is ASCII
        raise StrangeError(Wrapping.CHARSET)
    return View(_masked(_ANY_RUN, text))


def _codec(charset: str) -> str:
    name = _ALIASES.get(charset, charset)
    for attempt in (name, name.removeprefix("x-").removeprefix("cs")):
        try:
            return codecs.lookup(attempt).name
        except LookupError:
            continue
    return ""


def _masked(runs: re.Pattern[bytes], text: bytes) -> bytes:
    """The text with those runs of octets made illegible."""
    return text if text.isascii() else b"".join(runs.sub(_blank, lines) for lines in _stretches(text))


def _stretches(text: bytes) -> Iterator[bytes]:
    """Whole lines, so that what is made of them is not all kept at once."""
    at = 0
    while at < len(text):
        end = text.find(b"\n", at + _STRETCH) + 1 or len(text)
        yield text[at:end]
        at = end


def _blank(match: re.Match[bytes]) -> bytes:
    return b"\x80" * (match.end() - match.start())


def _shifted(text: bytes, codec: str) -> View:
    """ISO 2022: octets in another state than ASCII are masked, escape sequences too."""
    if _SINGLE_SHIFT.search(text):
        raise StrangeError(Wrapping.CHARSET)
    masked, state = [], _ASCII_STATES[0]
    for lines in _stretches(text):
        pieces, at = [], 0
        for match in _ESCAPE.finditer(lines):
            pieces += [_in_state(lines[at : match.start()], state), _blank(match)]
            at, state = match.end(), match[0]
        masked.append(b"".join([*pieces, _in_state(lines[at:], state)]))
    return View(b"".join(masked), codec, shifted=text)


def _in_state(octets: bytes, state: bytes) -> bytes:
    if state in _ASCII_STATES:
        return octets
    if b"\n" in octets:  # RFC 1468: a line ends in ASCII; readers differ where it does not
        raise StrangeError(Wrapping.CHARSET)
    return b"\x80" * len(octets)


def _wide(text: bytes, bits: str, order: str | None) -> View:
    """UTF-16 and UTF-32, in the order that its mark, its name, or else the ASCII in it tells."""
    bom = next((bom for bom in _BOMS if text.startswith(bom) and f"-{bits}-" in _BOMS[bom]), b"")
    codec = _BOMS.get(bom) or f"utf-{bits}-{order or _order(text)}"
    try:
        words = text[len(bom) :].decode(codec)
    except UnicodeDecodeError:
        raise StrangeError(Wrapping.CHARSET) from None
    if order and not codec.endswith(order):
        raise StrangeError(Wrapping.CHARSET)
    if bits == "16":
        words = _ASTRAL.sub(_OTHER * 2, words)
    return View(_NOT_ASCII.sub(_OTHER, words).encode("latin-1"), codec, start=len(bom), width=int(bits) // 8)


_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_NOT_ASCII = re.compile("[^\0-\x7f]")


def _order(text: bytes) -> str:
    """RFC 2781 section 4.3 says big-endian, most readers little-endian: the ASCII in the text tells."""
    big, little = text[0::2].count(0), text[1::2].count(0)
    if big == little:
        raise StrangeError(Wrapping.CHARSET)
    return "be" if big > little else "le"
