"""Where in a message the notice goes: in which parts, and where in a text or an HTML page.

Rules of this file:

1. Every alternative a reader may be shown carries it; a mixture of parts carries it once, in the first
   entity that is read (contract section 4). Files are not for reading, whatever their type.
2. Never a guess: what was not located surely, or is read differently by different readers, is strange.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

from gateway.mail.structure import CannotCarryNoticeError, Part
from gateway.mail.transport import IDENTITY

AMP = "text/x-amp-html"
# Sealed as a whole, or a fragment: inside a wrapping, readers no longer open them.
_SEALED = {
    "multipart/encrypted": "encrypted content cannot carry the notice",
    "application/pkcs7-mime": "encrypted or sealed content cannot carry the notice",
    "application/x-pkcs7-mime": "encrypted or sealed content cannot carry the notice",
    "message/partial": "a fragment of a message cannot carry the notice",
    "message/external-body": "content kept elsewhere cannot carry the notice",
}
_PAGES = frozenset({"text/plain", "text/html", "text/watch-html"})
# Texts that programs read; a person is shown something made of them.
_DATA = frozenset(
    {
        *("text/calendar", "application/ics", "text/vcard", "text/x-vcard", "text/directory"),
        *("text/csv", "text/rfc822-headers"),
    }
)


class StrangeError(Exception):
    """The message cannot be edited surely in place: wrap it. The text says why."""


@dataclass(slots=True)
class Leaves:
    """The leaves that carry the notice, and the alternatives that are dropped since they cannot (I6)."""

    readable: list[Part] = field(default_factory=list)
    dropped: list[tuple[int, int]] = field(default_factory=list)  # octets


def leaves(root: Part) -> Leaves:
    """Where the notice goes. Raises StrangeError or CannotCarryNoticeError."""
    found = Leaves()
    found.readable = _readable(root, found)
    if not found.readable:
        raise StrangeError("nothing in it is meant for reading")
    return found


def _readable(part: Part, found: Leaves) -> list[Part]:
    if part.type in _SEALED:
        raise CannotCarryNoticeError(_SEALED[part.type])
    if part.is_multipart:
        return _of_multipart(part, found)
    if part.is_file or part.type in _DATA or not part.type.startswith("text/"):
        return []
    if part.type not in _PAGES or not part.sure:
        raise StrangeError(f"{part.type} cannot be edited surely")
    return [part]


def _of_multipart(part: Part, found: Leaves) -> list[Part]:
    if not part.sure or part.encoding not in IDENTITY:  # RFC 2045 section 6.4
        raise StrangeError("its parts cannot be told apart surely")
    match part.type:
        case "multipart/alternative":
            return _of_alternative(part, found)
        case "multipart/related":
            return _readable(_related_root(part), found)
        case "multipart/mixed":
            return next(filter(None, (_readable(child, found) for child in part.parts)), [])
        case _:  # signed, report, digest and what is yet to come
            raise StrangeError(f"{part.type} is not edited inside")


def _of_alternative(part: Part, found: Leaves) -> list[Part]:
    """RFC 2046 section 5.1.4: any of them may be the one that is shown."""
    readable: list[Part] = []
    for index, child in enumerate(part.parts):
        if child.type == AMP:
            following = part.parts[index + 1 : index + 2]
            found.dropped.append((child.line, following[0].line if following else child.end + 2))
        elif child.type not in _DATA:
            carried = _readable(child, found)
            if not carried:
                raise StrangeError(f"an alternative of type {child.type} cannot carry the notice")
            readable += carried
    return readable


def _related_root(part: Part) -> Part:
    """RFC 2387 section 3.2: the part that `start` names, else the first."""
    start = part.params.get("start")
    if start is None:
        return part.parts[0]
    ids = [
        [it.value.decode("latin-1") for it in child.fields if it.key == "content-id"] for child in part.parts
    ]
    if ids.count([start]) != 1:
        raise StrangeError("the root of multipart/related cannot be found")
    return part.parts[ids.index([start])]


def text_end(text: bytes) -> int:
    """Where in a plain text the notice goes: before a signature, which readers fold away, else at the end."""
    if b"-- " not in text:
        return len(text)
    found = [match.start(1) for match in re.finditer(rb"(?:\A|\n)(-- \r?\n)", text)]  # RFC 3676 section 4.3
    return found[-1] if found else len(text)


class Context(Enum):
    """Where in an HTML page something stands."""

    HREF = "href"  # of a link that is shown
    TEXT = "text"
    LINK_TEXT = "link text"  # between <a> and </a>
    HIDDEN = "hidden"  # in a comment, a script, a style, another attribute


@dataclass(slots=True)
class Page:
    """An HTML page: where its visible end is, and in what context the places asked for stand."""

    end: int
    contexts: list[Context]


_MARKUP = re.compile(
    rb"<(?:(?P<comment>!--)|(?P<cdata>!\[CDATA\[)|(?P<bogus>[!?]|/(?![A-Za-z]))"
    rb"|(?P<close>/?)(?P<name>[A-Za-z][^\s/>]*))"
)
# Tags that change nothing of what is asked here, with quoted values plainly closed. Each octet can be read in
# one way only, so it is linear without possessive quantifiers, which Python gets wrong before 3.11.5.
_PLAIN_TAGS = re.compile(
    rb"""[^<]*(?:<(?!/?(?:a|area|body|plaintext|frameset|script|style|title|textarea|xmp|iframe|noembed"""
    rb"""|noframes)[\s/>])/?[a-z][^<>"']*(?:(?<==)(?:"[^"<>]*"|'[^'<>]*')[^<>"']*)*>[^<]*)*""",
    re.IGNORECASE,
)
_COMMENT_END = re.compile(rb"--!?>")  # HTML 13.2.5.43 and following
_CDATA_END = re.compile(rb"\]\]>")
_BOGUS_END = re.compile(rb">")
_IN_TAG = re.compile(rb""">|=[ \t\r\n]*(["'])""")  # a quote counts only where a value begins
_RAW_TEXT = {  # HTML 13.1.2: no tags inside these
    name: re.compile(rb"</%s(?=[\s/>])" % name, re.IGNORECASE)
    for name in (b"script", b"style", b"title", b"textarea", b"xmp", b"iframe", b"noembed", b"noframes")
}
_HREF = re.compile(rb"""\shref\s*=\s*["']?\s*\Z""", re.IGNORECASE)


def page(text: bytes, places: Sequence[tuple[int, int]] = ()) -> Page:
    """Read an HTML page in an ASCII-based charset. Raises StrangeError when its end cannot be found."""
    return _PageReader(text, places).read()


class _PageReader:
    """One pass over the markup, in linear time."""

    def __init__(self, text: bytes, places: Sequence[tuple[int, int]]) -> None:
        self._text = text
        self._places = places
        self._contexts: list[Context] = []
        self._body_end: int | None = None
        self._conditions = 0  # Outlook's conditional comments around what others show
        self._in_link = False

    def read(self) -> Page:
        at = 0
        while match := _MARKUP.search(self._text, self._skipped(at)):
            self._assign(match.start(), Context.LINK_TEXT if self._in_link else Context.TEXT)
            at = self._pass(match)
        self._assign(len(self._text), Context.LINK_TEXT if self._in_link else Context.TEXT)
        if self._body_end is None and self._conditions:
            raise StrangeError("a conditional comment does not end")
        return Page(len(self._text) if self._body_end is None else self._body_end, self._contexts)

    def _skipped(self, at: int) -> int:
        """Past tags of no interest, once no place is left to tell the context of."""
        if len(self._contexts) < len(self._places):
            return at
        skipped = _PLAIN_TAGS.match(self._text, at)
        return skipped.end() if skipped else at

    def _assign(self, end: int, context: Context) -> None:
        """Places up to `end` stand in that context."""
        while len(self._contexts) < len(self._places) and self._places[len(self._contexts)][0] < end:
            self._contexts.append(context)

    def _pass(self, match: re.Match[bytes]) -> int:
        """Where the markup that starts here ends, having taken note of it."""
        start = match.start()
        if match["comment"]:
            end = self._found(_COMMENT_END.search(self._text, start + 2))
            self._condition(self._text[start + 4 : end - 3])
        elif match["cdata"]:
            end = self._found(_CDATA_END.search(self._text, start))
        elif match["bogus"]:
            end = self._found(_BOGUS_END.search(self._text, start))
            self._condition(self._text[start + 2 : end - 1])
        else:
            return self._tag(match)
        self._assign(end, Context.HIDDEN)
        return end

    def _found(self, match: re.Match[bytes] | None) -> int:
        if match is None:
            raise StrangeError("a comment or an element of the page does not end")
        return match.end()

    def _condition(self, inside: bytes) -> None:
        """Outlook hides what stands between [if ...] and [endif] where it is not itself the comment."""
        inside = inside[:200].strip().lower() + inside[-20:].strip().lower()
        if inside.startswith((b"<![endif]", b"[endif]")):
            self._conditions = max(0, self._conditions - 1)
        elif inside.startswith(b"[if") and not inside.endswith((b"<![endif]", b"<![endif]-")):
            self._conditions += 1

    def _tag(self, match: re.Match[bytes]) -> int:
        name = match["name"].lower()
        end = self._tag_end(match.end())
        closing = bool(match["close"])
        self._assign_in_tag(match.start(), end, shown=name in (b"a", b"area") and not closing)
        if name == b"a":
            self._in_link = not closing
        elif name == b"body" and closing and not self._conditions:
            self._body_end = match.start()
        elif name in (b"plaintext", b"frameset"):
            raise StrangeError("the page has no end that is shown")
        elif name in _RAW_TEXT and not closing:
            end = self._found(_RAW_TEXT[name].search(self._text, end))
            self._assign(end, Context.HIDDEN)
        return end

    def _tag_end(self, at: int) -> int:
        """After the ">" that is not in a quoted value."""
        while match := _IN_TAG.search(self._text, at):
            if not match[1]:
                return match.end()
            at = self._text.find(match[1], match.end()) + 1
            if not at:
                break
        raise StrangeError("a tag of the page does not end")

    def _assign_in_tag(self, start: int, end: int, *, shown: bool) -> None:
        while len(self._contexts) < len(self._places) and self._places[len(self._contexts)][0] < end:
            place = self._places[len(self._contexts)][0]
            before = self._text[max(start, place - 40) : place]
            self._contexts.append(Context.HREF if shown and _HREF.search(before) else Context.HIDDEN)
