"""The content after DATA, read in bulk and without I/O.

Rules of this file:

1. The content ends with CRLF.CRLF and nothing else.
2. A bare CR, a bare LF or a NUL anywhere before that ends the session, also in a message that is refused
   for another reason: where the content ends must be beyond doubt (SMTP smuggling, CVE-2023-51764 and kin).
3. Memory is bounded: what is too big is read to its end, but not kept.
"""

from __future__ import annotations

END = b"\r\n.\r\n"  # RFC 5321 section 4.1.1.4


class BareOctetsError(Exception):
    """The content has a bare CR, a bare LF or a NUL."""


class Content:
    """Takes octets until the end of data; `limit` is the most content kept, in octets."""

    def __init__(self, limit: int) -> None:
        self.size = 0  # octets of content so far, without doubled dots (RFC 1870 section 5)
        self._limit = limit
        self._parts: list[bytes] = []
        self._kept = True
        # Held back is what may be the beginning of END. The CRLF of the DATA line is: a dot may come first.
        self._held = END[:2]
        self._start = 2  # octets at the front that are not content: that same CRLF

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
        octets = self._held + octets
        end = octets.find(END)
        if end >= 0:
            self._add(octets[: end + 2])  # the first CRLF of END is the content's last line end
            return octets[end + len(END) :]
        held = _beginning_of_end(octets)
        self._held = octets[len(octets) - held :]
        self._add(octets[: len(octets) - held])
        return None

    def whole(self) -> bytes:
        """The content, after feed() found its end; can be called once."""
        content = b"".join(self._parts)
        self._parts.clear()
        return content

    def _add(self, octets: bytes) -> None:
        """More content; it never ends between the CR and the LF of a line end, nor before a doubled dot."""
        ends = octets.count(b"\r\n")
        if octets.count(b"\r") != ends or octets.count(b"\n") != ends or b"\0" in octets:
            raise BareOctetsError
        if not octets:
            return
        octets = octets.replace(b"\r\n.", b"\r\n")[self._start :]  # RFC 5321 section 4.5.2
        self._start = 0
        self.size += len(octets)
        if self.too_big:
            self.discard()
        if self._kept:
            self._parts.append(octets)


def _beginning_of_end(octets: bytes) -> int:
    """How many octets at the end may be the beginning of END."""
    return next((size for size in (4, 3, 2, 1) if octets.endswith(END[:size])), 0)
