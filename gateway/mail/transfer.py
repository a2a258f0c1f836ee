"""Content-Transfer-Encoding (RFC 2045 section 6): reading a body, and changing it only where asked.

A `Body` is a leaf's content as a reader sees it (`text`, decoded octets), and knows for each of its
offsets where that stands in the encoded octets. `Piece`s are octets, or the link of one person's copy in
one of its spellings, which is all that differs between the copies of a message.
"""

from __future__ import annotations

import binascii
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import TypeAlias

from gateway.mail.shapes import StrangeError, Wrapping

QP_LINE = 76  # RFC 2045 section 6.7 rule 5
LINE = 998  # RFC 5322 section 2.1.1

_QP_TOKEN = re.compile(rb"=(?:([0-9A-Fa-f]{2})|[ \t]*(?:\r\n|\Z))")
_QP_PADDED = re.compile(rb"=[ \t]+(?=\r\n|\Z)")
_STRETCH = 65_536  # octets decoded at a time
_FEW = 200  # octets, in which to look for a place is soon done
_BLANKS = b" \t\r\n\v\f"
_QP_BAD = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*(?:\r\n|\Z))")


@dataclass(frozen=True, slots=True)
class Link:
    """The place of the link; `html` when it stands in an HTML page, `encoding` and `codec` as of its leaf."""

    html: bool = False
    encoding: str = "7bit"
    codec: str = "ascii"  # or a wide one

    def render(self, url: str) -> bytes:
        """The link as octets of the leaf."""
        return _spelled(url, self.html, self.encoding, self.codec)


@lru_cache(maxsize=16)  # a copy has its link in several places
def _spelled(url: str, html: bool, encoding: str, codec: str) -> bytes:
    raw = (escape(url) if html else url).encode(codec)
    return encode_qp(raw) if encoding == "quoted-printable" else raw


@dataclass(frozen=True, slots=True)
class Base64Tail:
    """The end of a base64 leaf from the first changed line on, encoded anew for each copy."""

    pieces: tuple[bytes | memoryview | Link, ...]
    line: int  # characters a line
    ending: bytes  # blanks and line ends after the last line

    def render(self, url: str) -> bytes:
        """The encoded lines."""
        octets = (piece.render(url) if isinstance(piece, Link) else piece for piece in self.pieces)
        return b"\r\n".join(_base64_blocks(octets, self.line)) + self.ending


Piece: TypeAlias = bytes | memoryview | Link | Base64Tail


@dataclass(frozen=True, slots=True)
class Change:
    """Octets `start` to `end` of a leaf's text give way to `pieces`."""

    start: int
    end: int
    pieces: tuple[bytes | Link, ...]


@dataclass(frozen=True, slots=True)
class Splice:
    """Octets `start` to `end` of the message give way to `pieces`."""

    start: int
    end: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """A leaf, at octets `offset` to `end` of the message's `content`, and its decoded text."""

    content: bytes
    offset: int
    end: int
    encoding: str
    text: bytes

    @property
    def raw(self) -> bytes:
        """Its encoded octets; made when asked for, since a large body would be in memory twice."""
        return self.content[self.offset : self.end]

    def splices(self, changes: Sequence[Change]) -> list[Splice]:
        """The changes as splices of the message; `changes` in order and apart."""
        if not changes:
            return []
        if self.encoding == "base64":
            return [self._base64_splice(changes)]
        if self.encoding == "quoted-printable":
            return self._qp_splices(changes)
        return [Splice(self.offset + it.start, self.offset + it.end, it.pieces) for it in changes]

    def _qp_splices(self, changes: Sequence[Change]) -> list[Splice]:
        raw = self.raw
        offsets = _QpOffsets(raw, len(self.text), changes[0].start)
        splices = []
        for change in changes:
            start = offsets.encoded(change.start)
            end = offsets.encoded(change.end) if change.end > change.start else start
            pieces = _qp_pieces(change.pieces, *_qp_breaks(raw, start, end))
            if pieces and raw[start - 1 : start] in (b" ", b"\t") and pieces[0] != b"=\r\n":
                pieces = (b"=\r\n", *pieces)  # RFC 2045 6.7 rule 3: blanks that end a line would be lost
            splices.append(Splice(self.offset + start, self.offset + end, pieces))
        return splices

    def _base64_splice(self, changes: Sequence[Change]) -> Splice:
        """All lines before the first change stay; the rest is encoded anew at the same line length."""
        raw, text = self.raw, memoryview(self.text)
        line = _line_length(raw)
        lines = changes[0].start // (line * 3 // 4)  # whole ones, before the change
        start = _base64_end(raw, lines, line)
        at = lines * (line * 3 // 4) if start else 0  # lines of unlike length: begin anew
        pieces: list[bytes | memoryview | Link] = []
        for change in changes:
            pieces += [text[at : change.start], *change.pieces]
            at = change.end
        tail = Base64Tail((*pieces, text[at:]), line, raw[len(raw.rstrip()) :])
        return Splice(self.offset + start, self.end, (tail,))


def decode(content: bytes, encoding: str, start: int = 0, end: int | None = None) -> Body:
    """A leaf's body, from `start` to `end`. Raises StrangeError when it is unknown or not well formed."""
    end = len(content) if end is None else end
    return Body(content, start, end, encoding, _decoded(content[start:end], encoding))


def _decoded(raw: bytes, encoding: str) -> bytes:
    if encoding in ("7bit", "8bit", "binary"):
        return raw
    if encoding == "quoted-printable":
        if _QP_BAD.search(raw):
            raise StrangeError(Wrapping.QUOTED_PRINTABLE)
        return _decode_qp(raw)
    if encoding == "base64":
        return _decode_base64(raw)
    raise StrangeError(Wrapping.ENCODING)


def _decode_qp(raw: bytes) -> bytes:
    """Well-formed quoted-printable; blanks after a soft break's "=" are transport padding (rule 3)."""
    if b"= " in raw or b"=\t" in raw:
        return b"".join(binascii.a2b_qp(_QP_PADDED.sub(b"=", lines)) for lines in _line_stretches(raw))
    return binascii.a2b_qp(raw)


def _line_stretches(raw: bytes) -> Iterator[bytes]:
    """Whole lines, so that not all that is found in them is kept at once."""
    at = 0
    while at < len(raw):
        found = raw.find(b"\r\n", at + _STRETCH)
        end = len(raw) if found < 0 else found + 2
        yield raw[at:end]
        at = end


def _qp_anchors(raw: bytes) -> tuple[list[int], list[int]]:
    """Decoded offsets from which on, up to the next, encoded octets stand for themselves."""
    decoded, encoded = [0], [0]
    shorter = 0
    for match in _QP_TOKEN.finditer(raw):
        if match[1]:  # the octet itself stands at the "=", so that an edit before it goes before the "="
            decoded.append(match.start() - shorter)
            encoded.append(match.start())
        shorter += match.end() - match.start() - (1 if match[1] else 0)
        decoded.append(match.end() - shorter)
        encoded.append(match.end())
    return decoded, encoded


class _QpOffsets:
    """Where decoded offsets stand in quoted-printable octets; asked in rising order, in linear time."""

    _STEP = 4096

    def __init__(self, raw: bytes, decoded: int, first: int) -> None:
        """For octets that decode to so many, of which none before the first is asked for."""
        self._raw = raw
        self._start = self._end = 0  # the stretch of whole lines looked at
        self._decoded_start = self._decoded_end = 0
        found = raw.find(b"\r\n", max(len(raw) - self._STEP, 0))
        if found >= 0 and (before := decoded - len(_decode_qp(raw[found + 2 :]))) <= first:  # as most often
            self._end, self._decoded_end = found + 2, before

    def encoded(self, at: int) -> int:
        """The encoded offset of decoded offset `at`."""
        while at >= self._decoded_end and self._end < len(self._raw):
            self._next()
        start, end, inside = self._lines_around(at)
        decoded, encoded = _qp_anchors(self._raw[start:end])
        anchor = bisect_right(decoded, inside) - 1
        return start + encoded[anchor] + inside - decoded[anchor]

    def _next(self) -> None:
        found = self._raw.find(b"\r\n", self._end + self._STEP)
        self._start, self._decoded_start = self._end, self._decoded_end
        self._end = len(self._raw) if found < 0 else found + 2
        self._decoded_end += len(_decode_qp(self._raw[self._start : self._end]))

    def _lines_around(self, at: int) -> tuple[int, int, int]:
        """The few lines of the stretch in which it stands, and how far into their text it does."""
        start, end, inside = self._start, self._end, at - self._decoded_start
        while end - start > _FEW:
            middle = self._raw.find(b"\r\n", (start + end) // 2, end - 2) + 2
            if middle < 2:
                break
            decoded = len(_decode_qp(self._raw[start:middle]))
            if inside < decoded:
                end = middle
            else:
                start, inside = middle, inside - decoded
        return start, end, inside


def _qp_breaks(raw: bytes, start: int, end: int) -> tuple[bool, bool]:
    """Whether a soft line break is needed before and after what goes in there.

    None before "--": at the start of a line that could be a delimiter (RFC 2046 section 5.1.1).
    """
    before = start > 0 and not raw.startswith(b"\r\n", start - 2)
    after = end < len(raw) and not raw.startswith((b"\r\n", b"--"), end)
    return before, after


def _qp_pieces(pieces: Sequence[bytes | Link], before: bool, after: bool) -> tuple[Piece, ...]:
    """Pieces in quoted-printable, on lines of their own by soft breaks, each link too."""
    encoded: list[Piece] = []
    for piece in pieces:
        if before and not (isinstance(piece, bytes) and piece.startswith(b"\r\n")):
            encoded.append(b"=\r\n")
        if isinstance(piece, bytes):
            encoded.append(encode_qp(piece))
            before = not piece.endswith(b"\r\n")
        else:
            encoded.append(Link(piece.html, "quoted-printable"))
            before = True
    return (*encoded, b"=\r\n") if before and after and encoded else tuple(encoded)


def encode_qp(raw: bytes) -> bytes:
    """Quoted-printable text in lines of at most 76, its own line breaks kept (RFC 2045 section 6.7)."""
    encoded = binascii.b2a_qp(raw, istext=True)
    encoded = encoded.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return encoded.replace(
        b"=\r\n--", b"=\r\n=2D-"
    )  # no line of ours looks like a delimiter (RFC 2046 5.1.1)


def _decode_base64(raw: bytes) -> bytes:
    """RFC 2045 section 6.8; foreign octets, or padding that is not at the end, make it damaged."""
    try:
        return binascii.a2b_base64(raw.translate(None, _BLANKS), strict_mode=True) if raw.strip() else b""
    except binascii.Error as error:
        raise StrangeError(Wrapping.BASE64) from error


def _line_length(raw: bytes) -> int:
    """The leaf's own line length where that is usable, else RFC 2045's 76."""
    first = raw.find(b"\r\n")
    return first if 4 <= first <= LINE and first % 4 == 0 and len(raw) > first + 2 else QP_LINE


def encode_base64(raw: bytes, line: int = QP_LINE) -> bytes:
    """Base64 in lines of `line` characters, a multiple of 4; no line break at the end."""
    return b"\r\n".join(_base64_blocks([raw], line))


def _base64_end(raw: bytes, lines: int, line: int) -> int:
    """Where in `raw` so many lines of that length end; 0 where it does not begin with them."""
    end = lines * (line + 2)
    is_even = raw[line : end : line + 2] == b"\r" * lines and raw[line + 1 : end : line + 2] == b"\n" * lines
    return end if is_even and len(raw[:end].translate(None, _BLANKS)) == lines * line else 0


def _base64_blocks(pieces: Iterable[bytes | memoryview], line: int) -> Iterator[bytes]:
    """Base64 of all pieces in turn, 512 lines at a time, so that neither they nor the lines are copied."""
    step = line // 4 * 3 * 512
    waiting = bytearray()
    for piece in pieces:
        for at in range(0, len(piece), step):
            waiting += piece[at : at + step]
            if len(waiting) >= step:
                yield _base64_lines(waiting[:step], line)
                del waiting[:step]
    if waiting:
        yield _base64_lines(waiting, line)


def _base64_lines(raw: bytearray, line: int) -> bytes:
    encoded = binascii.b2a_base64(raw, newline=False)
    return b"\r\n".join([encoded[at : at + line] for at in range(0, len(encoded), line)])
