"""The canonical form of what the copies of one message share, computed once (RFC 6376 section 3.4.4).

The relaxed form is made line by line, so only the lines that a copy's own link stands in are made canonical
for each copy; and SHA-256 goes on from where it stood before the first of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from gateway.mail.signature import relaxed_body, relaxed_lines
from gateway.mail.transfer import Piece

_END = b"\r\n"


def rendered(pieces: Sequence[Piece], url: str) -> bytes:
    """The pieces as they stand in the copy with this link."""
    octets = (bytes, memoryview)
    return b"".join(piece if isinstance(piece, octets) else piece.render(url) for piece in pieces)


class _Stretch:
    """Lines in which something differs, and the whole lines after them, which do not."""

    def __init__(self, *own: Piece) -> None:
        self.own: list[Piece] = [*own]
        self.shared: list[bytes] = []

    def add(self, octets: bytes) -> None:
        """Octets that all copies share: up to a line end they belong to a line in which something differs."""
        if self.own and not self.shared:
            end = octets.find(_END) + len(_END)
            if end < len(_END):
                self.own.append(octets)
                return
            self.own.append(octets[:end])
            octets = octets[end:]
        self.shared.append(octets)

    def next_own(self, piece: Piece) -> _Stretch:
        """Where something differs: in the line under way, or in a new stretch from that line on."""
        if self.own and not self.shared:
            self.own.append(piece)
            return self
        shared = b"".join(self.shared)
        cut = shared.rfind(_END) + len(_END) if _END in shared else 0
        self.shared = [shared[:cut]]
        return _Stretch(shared[cut:], piece)


class SharedBody:
    """A body made of pieces, some of which differ from copy to copy."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces
        first, *rest = _stretches(pieces)
        self._first = hashlib.sha256(relaxed_lines(b"".join(first.shared)))
        self._rest = [(it.own, relaxed_lines(b"".join(it.shared))) for it in rest]
        end = self._rest[-1][1].rstrip(_END) if rest else b""
        self._ends_alike = bool(end)  # then no line that differs is among the empty ones at the end
        if end:
            self._rest[-1] = (rest[-1].own, end + _END)

    def digest(self, url: str) -> bytes:
        """SHA-256 of the canonical body of the copy with this link; 32 bytes."""
        if not self._ends_alike:
            return hashlib.sha256(relaxed_body(rendered(self._pieces, url))).digest()
        hasher = self._first.copy()
        for own, shared in self._rest:
            hasher.update(relaxed_lines(rendered(own, url)))
            hasher.update(shared)
        return hasher.digest()


def _stretches(pieces: Sequence[Piece]) -> list[_Stretch]:
    stretches = [_Stretch()]
    for piece in pieces:
        if isinstance(piece, bytes | memoryview):
            stretches[-1].add(bytes(piece))
        elif (stretch := stretches[-1].next_own(piece)) is not stretches[-1]:
            stretches.append(stretch)
    return stretches
