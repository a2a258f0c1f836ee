"""Where in an HTML page its visible end is, and in what context a place in it stands.

One pass over the markup, in linear time, as a browser reads it, and as Outlook does. In most pages the tags
that change nothing of what is asked are never looked at.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from sys import maxsize

from gateway.mail.markup import MARKUP, Kind, Markup, is_regular, markup
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


# What is not passed over. Short names are ruled out first, and the others told by their first letters, which
# is a good deal faster.
_ACTING = (
    rb"<(?!/?(?:[%b-z][\s>]|[bht][rd\d]))(?:[!?]|/(?![a-z])|/?(?:body|table|plaintext|frameset|xmp|iframe"
    rb"|math|object|video|audio|canvas|s(?:cript|tyle|elect|vg)|t(?:itle|extarea|emplate)"
    rb"|no(?:embed|frames|script)|d(?:atalist|etails|ialog)%b)(?=[\s/>]))"
)
_NO_PLACE_LEFT = re.compile(_ACTING % (b"a", b""))
_NO_PLACE_YET = re.compile(_ACTING % (b"b", b"|a"))
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
)
_NONE = maxsize  # where no place is
_HREF = re.compile(rb"""\shref\s*=\s*["']?\s*\Z""")


def page(text: bytes, places: Sequence[tuple[int, int]] = ()) -> Page:
    """Read an HTML page in an ASCII-based charset. Raises StrangeError when its end cannot be found."""
    return _PageReader(text.lower(), places).read()


class _PageReader:
    """One pass over the markup of a page in lower case, in linear time."""

    def __init__(self, text: bytes, places: Sequence[tuple[int, int]]) -> None:
        self._text = text
        self._places = iter(places)
        self._place = self._following_place()
        self._contexts: list[Context] = []
        self._body_end: int | None = None
        self._tables = self._tables_at_end = 0
        self._conditions = 0  # Outlook's conditional comments around what others show
        self._in_link = False
        self._stop_for = self._tag_before = -1  # a place, and where what may be a tag begins before it
        self._is_way_out = self._shows_place = False  # of the link we are in; of the page
        self._is_regular = is_regular(text)
        self._sight = Sight(text, regular=self._is_regular)
        self._open: dict[bytes, int] = dict.fromkeys(_ENCLOSURES, 0)

    def read(self) -> Page:
        at = 0
        while match := MARKUP.search(self._text, self._skipped(at)):
            self._words(at, match.start())
            at = self._pass(match)
        self._words(at, len(self._text))
        is_hidden = self._is_hidden(len(self._text))
        if self._body_end is None and self._conditions:
            raise StrangeError(Wrapping.CONDITION)
        if self._body_end is None and is_hidden:
            raise StrangeError(Wrapping.UNFINISHED)
        if self._tables_at_end if self._body_end is not None else self._tables:  # it would stretch a cell
            raise StrangeError(Wrapping.TABLE)
        end = len(self._text) if self._body_end is None else self._body_end
        is_closed = self._body_end is not None
        return Page(end, self._contexts, closed=is_closed, shows_place=self._shows_place)

    def _skipped(self, at: int) -> int:
        """Past tags of no interest."""
        if not self._is_regular or (self._is_way_out and not self._shows_place):
            return at
        if self._place == _NONE:
            acting, stop = _NO_PLACE_LEFT.search(self._text, at), len(self._text)
        else:
            stop = self._stop(at)
            acting = _NO_PLACE_YET.search(self._text, at, stop)
        return acting.start() if acting else stop

    def _stop(self, at: int) -> int:
        """Where the tag begins that the next place is in, or else the place itself."""
        place = self._place
        if self._stop_for != place:
            self._stop_for, self._tag_before = place, self._text.rfind(b"<", at, place)
            if self._text.find(b">", self._tag_before, place) >= 0:
                self._tag_before = -1
        return self._tag_before if self._tag_before >= at else place

    def _following_place(self) -> int:
        return next(self._places, (_NONE, _NONE))[0]

    def _is_hidden(self, at: int) -> bool:
        """Whether what stands here may not be shown (L10)."""
        return self._sight.at(at).hidden or any(self._open.values())

    def _is_seen(self, at: int) -> bool:
        """Whether words here are surely shown, by Outlook too."""
        return not self._conditions and not any(self._open.values()) and self._sight.at(at).clear

    def _words(self, start: int, end: int) -> None:
        """Text, and tags of no interest."""
        if self._place < end:
            context = self._context()
            self._assign(end, context)
            if context is Context.TEXT:
                self._shows_place = self._shows_place or self._is_seen(end)
                return
        if self._is_way_out and not self._shows_place and self._is_seen(end):
            self._shows_place = bool(_BLANK.sub(b"", self._text[start:end]))

    def _context(self) -> Context:
        """The context of text here."""
        if self._open[b"template"]:
            return Context.HIDDEN
        if self._in_link or any(self._open[name] for name in _NO_LINKS):
            return Context.LINK_TEXT
        return Context.TEXT

    def _assign(self, end: int, context: Context) -> None:
        """Places up to `end` stand in that context."""
        while self._place < end:
            self._contexts.append(context)
            self._place = self._following_place()

    def _pass(self, match: re.Match[bytes]) -> int:
        """Where reading goes on after the markup that starts here, having taken note of it."""
        it = markup(self._text, match)
        if it.kind is Kind.TAG:
            self._tag(it)
        elif it.kind is Kind.COMMENT:
            self._condition(self._text[it.start + 4 : it.end - 3])
        elif it.kind is Kind.BOGUS:
            self._condition(self._text[it.start + 2 : it.end - 1])
        self._assign(it.after, Context.HIDDEN)
        if it.kind is not Kind.TAG:
            self._sight.passed_over(it.start + 1, it.end)
        elif it.after > it.end:
            self._sight.passed_over(it.end, it.after)
        return it.after

    def _condition(self, inside: bytes) -> None:
        """Outlook hides what stands between [if ...] and [endif] where it is not itself the comment."""
        inside = inside[:200].strip() + inside[-20:].strip()
        if inside.startswith((b"<![endif]", b"[endif]")):
            self._conditions = max(0, self._conditions - 1)
        elif inside.startswith(b"[if") and not inside.endswith((b"<![endif]", b"<![endif]-")):
            self._conditions += 1

    def _tag(self, it: Markup) -> None:
        name, step = it.name, -1 if it.closing else 1
        if name == b"img" and not it.closing and self._is_way_out and not self._shows_place:
            self._shows_place = self._sight.shows(it) and not self._is_hidden(it.end) and not self._conditions
        leads_out = self._place < it.end and self._assign_in_tag(it)
        if name == b"a":
            self._in_link, self._is_way_out = not it.closing, leads_out
        elif name in _ENCLOSURES:
            self._open[name] = max(0, self._open[name] + step)
        elif name == b"body" and it.closing and not self._conditions and not self._is_hidden(it.end):
            self._body_end, self._tables_at_end = it.start, self._tables
        elif name == b"table":
            self._tables = max(0, self._tables + step)
            self._sight.table(it)
        elif name in (b"plaintext", b"frameset"):
            raise StrangeError(Wrapping.NO_END)

    def _assign_in_tag(self, it: Markup) -> bool:
        """Places in a tag; whether one is where its link leads."""
        leads = False
        is_link = it.name in (b"a", b"area") and not it.closing and not self._open[b"template"]
        while self._place < it.end:
            before = self._text[max(it.start, self._place - 40) : self._place]
            is_target = is_link and _HREF.search(before) is not None
            self._assign(self._place + 1, Context.HREF if is_target else Context.HIDDEN)
            leads = leads or is_target
        return leads
