"""Where in a message the notice goes: in which parts, and where in a text or an HTML page.

Rules of this file:

1. Every alternative a reader may be shown carries it; a mixture of parts carries it once, in the first
   entity that is read (contract section 4). Files are not for reading, whatever their type.
2. Never a guess: what was not located surely, or is read differently by different readers, is strange.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.mail.page import Context, Page, page
from gateway.mail.shapes import CannotCarryNoticeError, Refusal, StrangeError, Wrapping
from gateway.mail.structure import Part
from gateway.mail.transport import IDENTITY

__all__ = ["AMP", "Context", "Leaves", "Page", "StrangeError", "leaves", "page", "text_end", "to_drop"]

AMP = "text/x-amp-html"
_MAX_LEAVES = 100  # alternatives; a copy would be many times the message
# Sealed as a whole, or a fragment: inside a wrapping, readers no longer open them.
_SEALED = {
    "multipart/encrypted": Refusal.ENCRYPTED,
    "application/pkcs7-mime": Refusal.SEALED,
    "application/x-pkcs7-mime": Refusal.SEALED,
    "message/partial": Refusal.FRAGMENT,
    "message/external-body": Refusal.ELSEWHERE,
}
_CLOSED = frozenset({"multipart/signed", "multipart/encrypted"})  # RFC 1847: nothing in them is changed
_PAGES = frozenset({"text/plain", "text/html", "text/watch-html"})
# Texts that programs read; a person is shown something made of them.
_DATA = frozenset(
    {
        *("text/calendar", "application/ics", "text/vcard", "text/x-vcard", "text/directory"),
        *("text/csv", "text/rfc822-headers"),
    }
)


@dataclass(slots=True)
class Leaves:
    """The leaves that carry the notice; and which of them, all AMP, may be dropped should they not (I6)."""

    readable: list[Part] = field(default_factory=list)
    droppable: dict[int, tuple[int, int]] = field(default_factory=dict)  # by start; the octets to drop


def leaves(root: Part) -> Leaves:
    """Where the notice goes. Raises StrangeError or CannotCarryNoticeError."""
    readable = _readable(root)
    if not readable:
        raise StrangeError(Wrapping.NOTHING_READ)
    if len(readable) > _MAX_LEAVES:
        raise StrangeError(Wrapping.TOO_MANY_PLACES)
    return Leaves(readable, dict(_droppable(root)))


def to_drop(root: Part) -> list[tuple[int, int]]:
    """The octets of all AMP parts, of a message that is wrapped: its notice would not be seen beside them."""
    droppable = dict(_droppable(root))
    if not droppable.keys() >= set(_shown_amp(root)):
        raise CannotCarryNoticeError(Refusal.AMP)
    return list(droppable.values())


def _readable(part: Part) -> list[Part]:
    if part.type in _SEALED:
        raise CannotCarryNoticeError(_SEALED[part.type])
    if part.is_multipart:
        return _of_multipart(part)
    if part.is_file or part.type in _DATA or not part.type.startswith("text/"):
        return []
    if part.type not in _PAGES:
        raise StrangeError(Wrapping.TEXT_KIND)
    return [_surely(part)]


def _surely(part: Part) -> Part:
    if not part.sure:
        raise StrangeError(Wrapping.HEADER)
    return part


def _of_multipart(part: Part) -> list[Part]:
    if part.type == "multipart/appledouble":  # RFC 1740: a file
        return []
    if not part.sure or part.encoding not in IDENTITY:  # RFC 2045 section 6.4
        raise StrangeError(Wrapping.PARTS)
    match part.type:
        case "multipart/alternative":
            return [leaf for child in part.parts for leaf in _of_alternative(child)]
        case "multipart/related":
            return _readable(_related_root(part))
        case "multipart/mixed":
            return _of_mixture(part)
        case _:  # signed, report, digest and what is yet to come
            raise StrangeError(Wrapping.MULTIPART_KIND)


def _of_alternative(child: Part) -> list[Part]:
    """RFC 2046 section 5.1.4: any of them may be the one that is shown."""
    if child.type == AMP:
        return [_surely(child)]
    carried = [] if child.type in _DATA else _readable(child)
    if not carried and child.type not in _DATA:
        raise StrangeError(Wrapping.ALTERNATIVE)
    return carried


def _of_mixture(part: Part) -> list[Part]:
    """The first that is read; what is sealed is shown beside it, as it was."""
    for child in part.parts:
        readable = [] if child.type in _SEALED else _readable(child)
        if readable:
            return readable
    for child in part.parts:
        if child.type in _SEALED:
            raise CannotCarryNoticeError(_SEALED[child.type])
    return []


def _droppable(part: Part) -> Iterator[tuple[int, tuple[int, int]]]:
    """The AMP alternatives beside which a reader is shown another, with their delimiter lines."""
    if not part.sure or part.type in _CLOSED:
        return
    for index, child in enumerate(part.parts):
        following = part.parts[index + 1].line if index + 1 < len(part.parts) else child.end + 2
        if child.type != AMP:
            yield from _droppable(child)
        elif part.type == "multipart/alternative" and _has_other(part):
            yield child.start, (child.line, following)


def _shown_amp(part: Part) -> Iterator[int]:
    """Where AMP parts start that a reader may show: in a mixture or a relation none does."""
    hides = part.sure and part.type in ("multipart/mixed", "multipart/related")
    for child in part.parts or ([part] if part.type == AMP else []):
        if child.type != AMP:
            yield from _shown_amp(child)
        elif not hides:
            yield child.start


def _has_other(part: Part) -> bool:
    return any(child.type != AMP and child.type not in _DATA for child in part.parts)


def _related_root(part: Part) -> Part:
    """RFC 2387 section 3.2: the part that `start` names, else the first."""
    start = part.params.get("start")
    if start is None:
        return part.parts[0]
    ids = [
        [it.value.decode("latin-1").strip("<>") for it in child.fields if it.key == "content-id"]
        for child in part.parts
    ]
    if ids.count([start.strip("<>")]) != 1:
        raise StrangeError(Wrapping.RELATED_ROOT)
    return part.parts[ids.index([start.strip("<>")])]


def text_end(text: bytes) -> int:
    """Where in a plain text the notice goes: before a signature, which readers fold away, else at the end."""
    at = text.rfind(b"-- ")
    while at >= 0:  # RFC 3676 section 4.3
        if (at == 0 or text.startswith(b"\n", at - 1)) and _LINE_END.match(text, at + 3):
            return at
        at = text.rfind(b"-- ", 0, at + 2)
    return len(text)


_LINE_END = re.compile(rb"\r?\n")
