"""Where in an HTML page its visible end is, and in what context a place in it stands.

One pass over the markup, in linear time, as a browser reads it (HTML section 13.2.5), and as Outlook does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from gateway.mail.shapes import StrangeError, Wrapping
from gateway.mail.sight import Sight


class Context(Enum):
    """Where in an HTML page something stands."""

    HREF = "href"  # of a link that is shown
    TEXT = "text"
    LINK_TEXT = "link text"  # between <a> and </a>, or where there is no place for a link
    HIDDEN = "hidden"  # in a comment, a script, a style, another attribute


@dataclass(slots=True)
class Page:
    """An HTML page: where its visible end is, and in what context the places asked for stand."""

    end: int
    contexts: list[Context]
    closed: bool  # whether a </body> says where its end is
    shows_place: bool  # whether one of these places is a link that is surely seen


_MARKUP = re.compile(
    rb"<(?:(?P<comment>!--)|(?P<cdata>!\[CDATA\[)|(?P<bogus>[!?]|/(?![A-Za-z]))"
    rb"|(?P<close>/?)(?P<name>[A-Za-z][^\s/>]*))"
)
# Tags that change nothing of what is asked here, with quoted values plainly closed. Each octet can be read in
# one way only, so it is linear without possessive quantifiers, which Python gets wrong before 3.11.5; no more
# than 500 at once, since each is kept until all are read.
_PLAIN_TAGS = (
    rb"""[^<]*(?:<(?!/?(?:%b)[\s/>])/?[a-z][^<>"']*(?:(?<==)(?:"[^"<>]*"|'[^'<>]*')[^<>"']*)*>[^<]*){0,500}"""
)
_ACTING = (
    b"body|table|plaintext|frameset|script|style|title|textarea|xmp|iframe|noembed|noframes"
    b"|template|noscript|select|datalist|details|dialog|svg|math|object|video|audio|canvas"
)
_NO_PLACE_LEFT = re.compile(_PLAIN_TAGS % _ACTING, re.IGNORECASE)
_NO_PLACE_YET = re.compile(_PLAIN_TAGS % (_ACTING + b"|a|area"), re.IGNORECASE)
_COMMENT_END = re.compile(rb"--!?>")  # HTML 13.2.5.43 and following
_CDATA_END = re.compile(rb"\]\]>")
_BOGUS_END = re.compile(rb">")
_IN_TAG = re.compile(rb""">|=[ \t\r\n]*(["'])""")  # a quote counts only where a value begins
_RAW_TEXT = {  # HTML 13.1.2: no tags inside these
    name: re.compile(rb"</%s(?=[\s/>])" % name, re.IGNORECASE)
    for name in (b"script", b"style", b"title", b"textarea", b"xmp", b"iframe", b"noembed", b"noframes")
}
# Elements of which not every reader shows what is in them, or shows it as it is meant.
_ENCLOSURES = frozenset(
    b"template noscript select datalist details dialog svg math object video audio canvas".split()
)
_NO_LINKS = (b"select", b"datalist", b"svg", b"math")  # in these, a link in HTML is none
# What is no letter to see: blanks, and what has no width.
_BLANK = re.compile(
    rb"\s+|&(?:nbsp|shy|zwn?j|e[nm]sp|thinsp|[lr]rm);"
    rb"|&\#(?:0*(?:32|160|173|847|82\d\d|65279)|x0*(?:20|a0|ad|34f|20[01].|feff));"
    rb"|\xc2[\xa0\xad]|\xcd\x8f|\xe2\x80[\x80-\x8f]|\xef\xbb\xbf|\xa0",
    re.IGNORECASE,
)
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
        self._tables = self._tables_at_end = 0
        self._conditions = 0  # Outlook's conditional comments around what others show
        self._in_link = False
        self._is_way_out = self._shows_place = False  # of the link we are in; of the page
        self._sight = Sight(text)
        self._open: dict[bytes, int] = dict.fromkeys(_ENCLOSURES, 0)

    def read(self) -> Page:
        at = 0
        while match := _MARKUP.search(self._text, self._skipped(at)):
            self._words(at, match.start())
            at = self._pass(match)
        self._words(at, len(self._text))
        if self._body_end is None and self._conditions:
            raise StrangeError(Wrapping.CONDITION)
        if self._body_end is None and self._is_enclosed():
            raise StrangeError(Wrapping.UNFINISHED)
        if self._tables_at_end if self._body_end is not None else self._tables:  # it would stretch a cell
            raise StrangeError(Wrapping.TABLE)
        end = len(self._text) if self._body_end is None else self._body_end
        is_closed = self._body_end is not None
        return Page(end, self._contexts, closed=is_closed, shows_place=self._shows_place)

    def _is_enclosed(self) -> bool:
        """Whether what stands here may not be shown (L10)."""
        return self._sight.hidden or any(self._open.values())

    def _is_seen(self) -> bool:
        """Whether words here are surely shown, by Outlook too."""
        return self._sight.clear and not self._conditions and not any(self._open.values())

    def _words(self, start: int, end: int) -> None:
        """Text, and tags of no interest."""
        assigned = len(self._contexts)
        context = self._context()
        self._assign(end, context)
        if len(self._contexts) > assigned and context is Context.TEXT:
            self._shows_place |= self._is_seen()
        elif self._is_way_out and not self._shows_place and self._is_seen():
            self._shows_place = bool(_BLANK.sub(b"", self._text[start:end]))

    def _context(self) -> Context:
        """The context of text here."""
        if self._open[b"template"]:
            return Context.HIDDEN
        if self._in_link or any(self._open[name] for name in _NO_LINKS):
            return Context.LINK_TEXT
        return Context.TEXT

    def _skipped(self, at: int) -> int:
        """Past tags of no interest, up to the next that hides, or place whose context is asked for."""
        if self._sight.follows or (self._is_way_out and not self._shows_place):
            return at
        end = self._sight.suspect(at)
        if len(self._contexts) < len(self._places):
            skipped = _NO_PLACE_YET.match(self._text, at, min(end, self._places[len(self._contexts)][0]))
        else:
            skipped = _NO_PLACE_LEFT.match(self._text, at, end)
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
            raise StrangeError(Wrapping.UNFINISHED)
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
        is_link = name in (b"a", b"area") and not closing
        if closing:
            self._sight.closes(name)
        elif self._sight.opens(name, match.start(), end) and name == b"img":
            self._shows_place |= self._is_way_out and not self._is_enclosed() and not self._conditions
        leads_out = self._assign_in_tag(match.start(), end, shown=is_link and not self._open[b"template"])
        if name == b"a":
            self._in_link, self._is_way_out = not closing, leads_out
        elif name in _ENCLOSURES:
            self._open[name] = max(0, self._open[name] + (-1 if closing else 1))
        elif name == b"body" and closing and not self._conditions and not self._is_enclosed():
            self._body_end, self._tables_at_end = match.start(), self._tables
        elif name == b"table":
            self._tables = max(0, self._tables + (-1 if closing else 1))
        elif name in (b"plaintext", b"frameset"):
            raise StrangeError(Wrapping.NO_END)
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
        raise StrangeError(Wrapping.UNFINISHED)

    def _assign_in_tag(self, start: int, end: int, *, shown: bool) -> bool:
        """Places in a tag; whether one is where its link leads."""
        leads = False
        while len(self._contexts) < len(self._places) and self._places[len(self._contexts)][0] < end:
            place = self._places[len(self._contexts)][0]
            before = self._text[max(start, place - 40) : place]
            is_target = shown and _HREF.search(before) is not None
            self._contexts.append(Context.HREF if is_target else Context.HIDDEN)
            leads = leads or is_target
        return leads
