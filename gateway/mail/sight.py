"""Whether a page shows what stands in it, or an element around it is styled out of sight (L10).

Read with doubt: what may be hidden is taken for hidden, since a notice too many is lawful and none is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from gateway.mail.shapes import StrangeError, Wrapping
from gateway.mail.sheet import HIDES, sheet

_HIDES = HIDES + (
    rb"|hidden(?<=[\s\"']hidden)(?=[\s=/>])"
    rb"|/\*|\\|&(?:colon|\#0*58|\#x0*3a);"  # comments and escapes of CSS: no telling what is said
)
_NO_SIZE = rb"font-size\s*:\s*(?:0+(?:\.0*)?(?![\d.])|0*\.[0-3]|[1-3](?:\.\d*)?p[xt])|font\s*:\s*0"
_HIDING = re.compile(_HIDES, re.IGNORECASE)
_SIZE = re.compile(rb"(?P<none>%b)|font(?:-size)?\s*:" % _NO_SIZE, re.IGNORECASE)
# For lower case, and each alternative begins with a letter of its own: that is three times as fast.
_SUSPECT = re.compile(_HIDES + b"|" + _NO_SIZE)
_SUSPECT_BY_LABEL = re.compile(_SUSPECT.pattern + rb"|class\s*=|id\s*=")
_SUSPECT_BY_NAME = re.compile(rb"<[a-z]")
_STRETCH = 65_536  # octets looked through at a time
_VOID = frozenset(  # HTML 13.1.2: there is nothing in these
    b"area base br col embed hr img input link meta param source track wbr".split()
)
_CLOSED_BY_LIKE = frozenset((b"td", b"th", b"tr"))  # by the next in the same table
_DEEPEST = 1_000  # elements in one another; browsers end at 512
_CLOSED_BY_NEXT = frozenset((b"p", b"li"))  # when nothing is open in between


class _Element(NamedTuple):
    table: int  # how many tables are around it, of those that are followed
    name: bytes
    hidden: bool
    small: bool  # its text has no size of which it can be read


def _found(pattern: re.Pattern[bytes], text: bytes) -> Iterator[int]:
    """Where it is found in a text in lower case, which is never made as a whole."""
    at = 0
    while at < len(text):
        end = text.find(b">", at + _STRETCH) + 1 or len(text)
        for match in pattern.finditer(text[at:end].lower()):
            yield at + match.start()
        at = end


class Sight:
    """What hides the text at a point of the page; told of every tag while something does, or might."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._sheet = sheet(text)
        by_label = _SUSPECT_BY_LABEL if self._sheet.labels else _SUSPECT
        self._suspects = _found(_SUSPECT_BY_NAME if self._sheet.names else by_label, text)
        self._suspect = -1
        self._open: list[_Element] = []  # from the first that hides something on
        self._count: dict[tuple[int, bytes], int] = {}  # of these, by table and name
        self._tables = 0

    @property
    def follows(self) -> bool:
        """Whether it has to be told of every tag."""
        return bool(self._open)

    @property
    def hidden(self) -> bool:
        """Whether whatever stands here may be hidden."""
        return bool(self._open) and self._open[-1].hidden

    @property
    def clear(self) -> bool:
        """Whether words here are shown, in letters that can be read."""
        return not self._open or not (self._open[-1].hidden or self._open[-1].small)

    def suspect(self, at: int) -> int:
        """Where, from an offset on, a tag might hide something; the end of the text where none does."""
        while self._suspect < at:
            self._suspect = next(self._suspects, len(self._text))
        return self._suspect

    def opens(self, name: bytes, start: int, end: int) -> bool:
        """A start tag, from octet `start` to `end`: whether its element is shown itself.

        Raises StrangeError where too many are open.
        """
        if self.suspect(start) >= end and not self._open:
            return True
        is_next = bool(self._open) and name == self._open[-1].name and name in _CLOSED_BY_NEXT
        if is_next or name in _CLOSED_BY_LIKE:
            self.closes(name)
        around = self._open[-1] if self._open else _Element(0, b"", hidden=False, small=False)
        hidden = around.hidden or self._hides(name, start, end)
        size = _SIZE.search(self._text, start, end)
        small = around.small if size is None else size["none"] is not None
        if name not in _VOID and (self._open or hidden or small):
            self._push(name, hidden=hidden, small=small)
        return not hidden

    def _hides(self, name: bytes, start: int, end: int) -> bool:
        by_itself = _HIDING.search(self._text, start, end) is not None
        return by_itself or self._sheet.hides(name, self._text[start:end])

    def _push(self, name: bytes, *, hidden: bool, small: bool) -> None:
        if len(self._open) == _DEEPEST:
            raise StrangeError(Wrapping.UNFINISHED)
        self._open.append(_Element(self._tables, name, hidden, small))
        self._count[self._tables, name] = self._count.get((self._tables, name), 0) + 1
        self._tables += name == b"table"

    def closes(self, name: bytes) -> None:
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
