"""The content after DATA, read in bulk and without I/O.

Rules of this file:

1. The content ends with CRLF.CRLF and nothing else.
2. A bare CR, a bare LF or a NUL anywhere before that ends the session, also in a message that is refused
   for another reason: where the content ends must be beyond doubt (SMTP smuggling, CVE-2023-51764 and kin).
3. Memory is bounded: what is too big is read to its end, but not kept.
"""

from __future__ import annotations

from io import IncrementalNewlineDecoder

END = b"\r\n.\r\n"  # RFC 5321 section 4.1.1.4
DOT = b"\r\n."  # how a line begins whose dot is not content, RFC 5321 section 4.5.2


class BareOctetsError(Exception):
    """The content has a bare CR, a bare LF or a NUL."""


class Content:
    """Takes octets until the end of data; `limit` is the most content kept, in octets."""

    def __init__(self, limit: int) -> None:
        self.size = 0  # octets of content so far, without doubled dots (RFC 1870 section 5)
        self._limit = limit
        self._parts: list[bytes] = []
        self._kept = True
        self._begun = False
        self._held = b""  # what may be the beginning of END is held back
        self._start = 0  # octets at the front that are not content

    @property
    def too_big(self) -> bool:
        """Whether there is more content than the limit."""
        return self.size > self._limit

    @property
    def held(self) -> int:
        """Octets of content in memory."""
        return self.size if self._kept else 0

    def discard(self) -> None:
        """Keep nothing, from now on."""
        self._kept = False
        self._parts.clear()

    def feed(self, octets: bytes) -> bytes | None:
        """Take octets; what comes behind the end of data once that is found. Raises BareOctetsError."""
        self._begin(octets)
        octets = self._held + octets
        ended = octets.endswith(END)
        # Few messages have a line that begins with a dot, and none is found twice as fast from behind.
        dotted = octets.rfind(DOT, 0, len(octets) - 3 * ended) >= 0
        end = octets.find(END) if dotted else len(octets) - len(END) if ended else -1
        if end >= 0:
            self._add(octets[: end + 2], dotted)  # the first CRLF of END is the content's last line end
            return octets[end + len(END) :]
        held = _beginning_of_end(octets)
        self._held = octets[len(octets) - held :]
        self._add(octets[: len(octets) - held], dotted)
        return None

    def _begin(self, octets: bytes) -> None:
        """A dot may come first: to it, the CRLF of the DATA line is the end of the line before."""
        if octets and not self._begun:
            self._begun = True
            if octets.startswith(b"."):
                self._held, self._start = END[:2], 2

    def whole(self) -> bytes:
        """The content, after feed() found its end; can be called once."""
        content = b"".join(self._parts)
        self._parts.clear()
        return content

    def _add(self, octets: bytes, dotted: bool) -> None:
        """More content; it never ends between the CR and the LF of a line end, nor before a doubled dot."""
        if _bare(octets):
            raise BareOctetsError
        if not octets:
            return
        if dotted:
            octets = octets.replace(DOT, b"\r\n")
        octets = octets[self._start :]
        self._start = 0
        self.size += len(octets)
        if self.too_big:
            self.discard()
        if self._kept:
            self._parts.append(octets)


def _beginning_of_end(octets: bytes) -> int:
    """How many octets at the end may be the beginning of END."""
    return next((size for size in (4, 3, 2, 1) if octets.endswith(END[:size])), 0)


def _bare(octets: bytes) -> bool:
    """Whether there is a bare CR, a bare LF or a NUL.

    The decoder that text files are read with notes which line ends it sees, five times as fast as they
    can be counted; Latin-1 leaves every octet what it is.
    """
    ends = IncrementalNewlineDecoder(None, translate=False)
    ends.decode(octets.decode("latin-1"), final=True)
    return ends.newlines not in (None, "\r\n") or b"\0" in octets
