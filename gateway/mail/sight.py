"""Whether a page shows what stands in it, or an element around it is styled out of sight (L10).

Read with doubt: what may be hidden is taken for hidden, since a notice too many is lawful and none is not.
Pages are in lower case here. Tags are only looked at from one on that may hide something, and not even those
of a table that has ended before it is asked: a newsletter has hundreds with `font-size:0`.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from heapq import merge
from typing import NamedTuple

from gateway.mail.markup import MARKUP, Kind, Markup, markup
from gateway.mail.shapes import StrangeError, Wrapping
from gateway.mail.sheet import HIDES, Sheet, sheet

_HIDING = re.compile(
    HIDES + rb"|hidden(?<=[\s\"']hidden)(?=[\s=/>])"
    rb"|/\*|\\|&(?:colon|\#0*58|\#x0*3a);"  # comments and escapes of CSS: no telling what is said
)
_SIZE = re.compile(
    rb"(?P<none>font-size\s*:\s*(?:0+(?:\.0*)?(?![\d.])|0*\.[0-3]|[1-3](?:\.\d*)?p[xt])|font\s*:\s*0)"
    rb"|font(?:-size)?\s*:"
)
# Wherever one of these two may be, and in few other places. A declaration is known by its colon, and by how
# its value begins before its name is looked at: few values do.
_DECLARED = re.compile(
    rb":(?=[\snhc0-3.-])(?<=[ytep\s]:)(?:(?=\s*none)(?:(?<=display:)|(?<=\s:))|(?=\s*(?:hidden|collapse))(?:(?<=visibility:)|(?<=\s:))"
    rb"|(?=\s*[0.])(?:(?<=opacity:)|(?<=max-height:)|(?<=font-size:)|(?<=font:)|(?<=\s:))"
    rb"|(?=\s*[1-3][.p])(?:(?<=font-size:)|(?<=\s:))|(?=\s*-\d\d\d))"
)
_SUSPECTS = (  # each after an octet or a word without which it need not be looked for
    (b":", _DECLARED),
    (b"mso-hide", re.compile(rb"mso-hide")),
    (b"hidden", re.compile(rb"hidden(?=[\s=/>])")),
    (b"*", re.compile(rb"/\*")),
    (b"\\", re.compile(rb"\\")),
    (b"&", re.compile(rb"&(?:colon|\#0*58|\#x0*3a);")),
)
_LABEL = re.compile(rb"class\s*=|id\s*=")
_NAME = re.compile(rb"<[a-z]")
_VOID = frozenset(  # HTML 13.1.2: there is nothing in these
    b"area base br col embed hr img input link meta param source track wbr".split()
)
_CLOSED_BY_LIKE = frozenset((b"td", b"th", b"tr"))  # by the next in the same table
_CLOSED_BY_NEXT = frozenset((b"p", b"li"))  # when nothing is open in between
_DEEPEST = 1_000  # elements in one another; browsers end at 512
_FAR = 50, 20_000  # tags of tables, and octets, in which the end of a table is looked for


class _Element(NamedTuple):
    table: int  # how many tables are around it, of those that are followed
    name: bytes
    hidden: bool
    small: bool  # its text has no size of which it can be read


class Sight:
    """What hides the text at a point of the page; asked of points in rising order.

    In a regular page it must be told beforehand of every table, and of what is no place for tags.
    """

    def __init__(self, page: bytes, *, regular: bool) -> None:
        self._page = page
        self._is_regular = regular
        self._sheet, self._suspects = _looked_through(page)
        self._suspect = -1
        self._at = 0  # the tags before it are told
        self._open: list[_Element] = []  # from the first that hides something on
        self._count: dict[tuple[int, bytes], int] = {}  # of these, by table and name
        self._tables = 0
        self._table_tags = array("q")  # where each begins, twice, and one more for an end tag
        self._passed: array[int] = array("q")  # where comments and raw texts begin and end, in turn

    def table(self, tag: Markup) -> None:
        """A table begins or ends here."""
        if self._is_regular:
            self._table_tags.append(2 * tag.start + tag.closing)

    def passed_over(self, start: int, end: int) -> None:
        """No tag is to be seen here, whatever looks like one: within a comment, or a raw text."""
        if self._is_regular and self._page.find(b"<", start, end) >= 0:
            self._passed.extend((start, end))

    def at(self, place: int) -> Sight:
        """This, with every tag told that begins before that place. Raises StrangeError: too many are open."""
        while self._at < place:
            if not self._open and self._is_regular:
                self._pass_over(place)
            self._tell(place)
        return self

    @property
    def hidden(self) -> bool:
        """Whether whatever stands here may be hidden."""
        return bool(self._open) and self._open[-1].hidden

    @property
    def clear(self) -> bool:
        """Whether words here are shown, in letters that can be read."""
        return not self._open or not (self._open[-1].hidden or self._open[-1].small)

    def shows(self, tag: Markup) -> bool:
        """Whether a start tag's element is shown itself."""
        return not (self.at(tag.start).hidden or self._hides(tag))

    def _pass_over(self, end: int) -> None:
        """On to the next tag that might hide something, in a table that does not end before `end`."""
        while self._at < end:
            suspect = self._next_suspect(self._at)
            after = self._passed_until(suspect)
            start = self._page.rfind(b"<", self._at, suspect + 1)
            if suspect >= end:
                self._at = end
            elif after > suspect:
                self._at = after
            elif start < 0 or self._page.find(b">", start, suspect) >= 0:  # in no tag
                self._at = self._next_tag(suspect, end)
            else:
                self._at = self._table_end(start, end) or start
                if self._at == start:
                    return

    def _next_tag(self, place: int, end: int) -> int:
        """Where, after a place in no tag, one may begin; `end` where none does before."""
        found = self._page.find(b"<", place + 1, end)
        return end if found < 0 else found

    def _next_suspect(self, at: int) -> int:
        """Where, from an offset on, a tag might hide something; the end of the page where none does."""
        while self._suspect < at:
            self._suspect = next(self._suspects, len(self._page))
        return self._suspect

    def _passed_until(self, place: int) -> int:
        """The end of the last stretch without tags that begins up to that place; 0 where there is none."""
        index = bisect_left(self._passed, place + 1)  # odd: within a stretch, as they are apart
        return self._passed[index - 1 + index % 2] if index else 0

    def _table_end(self, start: int, end: int) -> int:
        """Where the table around a tag ends, soon and before `end`; else 0.

        It closes whatever is open in it, so that nothing in it has to be told.
        """
        tags, octets = _FAR
        first = bisect_left(self._table_tags, 2 * start)
        depth = 0
        for tag in self._table_tags[first : first + tags]:
            at, closing = divmod(tag, 2)
            depth += -1 if closing else 1
            if depth < 0:
                is_near = at < min(end, start + octets) and self._page.count(b"<", start, at) < _DEEPEST
                return at if is_near else 0
        return 0

    def _tell(self, end: int) -> None:
        """The next tag, if it begins before `end`."""
        match = MARKUP.search(self._page, self._at)
        if match is None or match.start() >= end:
            self._at = max(self._at, end)
            return
        it = markup(self._page, match)
        if it.kind is Kind.TAG and it.closing:
            self._closes(it.name)
        elif it.kind is Kind.TAG:
            self._opens(it)
        self._at = it.after

    def _opens(self, tag: Markup) -> None:
        is_suspect = self._next_suspect(tag.start) < tag.end
        if not is_suspect and not self._open:
            return
        name = tag.name
        is_next = bool(self._open) and name == self._open[-1].name and name in _CLOSED_BY_NEXT
        if is_next or name in _CLOSED_BY_LIKE:
            self._closes(name)
        if name in _VOID:
            return
        around = self._open[-1] if self._open else _Element(0, b"", hidden=False, small=False)
        hidden = around.hidden or (is_suspect and self._hides(tag))
        size = _SIZE.search(self._page, tag.start, tag.end)
        small = around.small if size is None else size["none"] is not None
        if self._open or hidden or small:
            self._push(name, hidden=hidden, small=small)

    def _hides(self, tag: Markup) -> bool:
        by_itself = _HIDING.search(self._page, tag.start, tag.end) is not None
        return by_itself or self._sheet.hides(tag.name, self._page[tag.start : tag.end])

    def _push(self, name: bytes, *, hidden: bool, small: bool) -> None:
        if len(self._open) == _DEEPEST:
            raise StrangeError(Wrapping.UNFINISHED)
        self._open.append(_Element(self._tables, name, hidden, small))
        self._count[self._tables, name] = self._count.get((self._tables, name), 0) + 1
        self._tables += name == b"table"

    def _closes(self, name: bytes) -> None:
        """An end tag: closes the nearest such element of the same table, and what is open in it."""
        if name == b"table":
            self._tables -= 1
        if self._tables < 0:  # the table around it all
            self._open, self._count, self._tables = [], {}, 0
        elif self._count.get((self._tables, name)):
            while self._pop() != (self._tables, name):
                pass

    def _pop(self) -> tuple[int, bytes]:
        place = self._open.pop()[:2]
        self._count[place] -= 1
        if not self._count[place]:
            del self._count[place]
        return place


def _looked_through(page: bytes) -> tuple[Sheet, Iterator[int]]:
    """What the page's style sheets hide, and where a tag may hide something, one after the other."""
    patterns = [pattern for word, pattern in _SUSPECTS if word in page]
    suspects = _places(patterns, page)
    if next(suspects, None) is None:
        return Sheet(), iter(())
    hidden = sheet(page)
    if hidden.names:
        patterns.append(_NAME)
    elif hidden.labels:
        patterns.append(_LABEL)
    return hidden, _places(patterns, page)


def _places(patterns: list[re.Pattern[bytes]], page: bytes) -> Iterator[int]:
    return merge(*((match.start() for match in pattern.finditer(page)) for pattern in patterns))
