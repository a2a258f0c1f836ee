"""Command lines out of octets, without I/O.

Rules of this file:

1. A line ends with CRLF and nothing else; a bare CR, a bare LF or a NUL ends the session, because the next
   server on the way might see a command where we see none, or the other way round (SMTP smuggling).
2. A line is finite.
"""

from __future__ import annotations

MAX_LINE = 4096  # octets with CRLF; RFC 5321 section 4.5.3.1.4 asks for 512, extensions add to it


class BadLineError(Exception):
    """The line has a bare CR, a bare LF or a NUL."""


class LineTooLongError(Exception):
    """The line has more than MAX_LINE octets."""


class Incoming:
    """What the client sent and nobody has looked at yet."""

    def __init__(self) -> None:
        self._octets = bytearray()

    def __len__(self) -> int:
        return len(self._octets)

    def feed(self, octets: bytes) -> None:
        """Add what came in."""
        self._octets += octets

    def take(self) -> bytes:
        """Everything, whatever it is."""
        octets = bytes(self._octets)
        self._octets.clear()
        return octets

    def line(self) -> bytes | None:
        """The next line without its CRLF; None until it is whole. Raises BadLineError, LineTooLongError."""
        end = self._octets.find(b"\n", 0, MAX_LINE)
        if end < 0:
            if len(self._octets) >= MAX_LINE:
                raise LineTooLongError
            return None
        line = bytes(self._octets[:end])
        if not line.endswith(b"\r") or line.count(b"\r") > 1 or b"\0" in line:
            raise BadLineError
        del self._octets[: end + 1]
        return line[:-1]
