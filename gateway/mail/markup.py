"""The markup of an HTML page, as a browser reads it (HTML section 13.2.5). Pages are in lower case here."""

from __future__ import annotations

import re
from enum import Enum
from typing import NamedTuple

from gateway.mail.shapes import StrangeError, Wrapping

MARKUP = re.compile(
    rb"<(?:(?P<comment>!--)|(?P<cdata>!\[cdata\[)|(?P<bogus>[!?]|/(?![a-z]))|(?P<close>/?)(?P<name>[a-z][^\s/>]*))"
)
_COMMENT_END = re.compile(rb"--!?>")  # HTML 13.2.5.43 and following
_CDATA_END = re.compile(rb"\]\]>")
_BOGUS_END = re.compile(rb">")
# A quote counts only where a value begins. No more than 100 values at once, since each is kept until all are
# read; each octet can be read in one way only, so it is linear.
_REST = re.compile(rb"""[^>=]*(?:=[ \t\r\n]*(?:"[^"]*"|'[^']*'|(?![ \t\r\n"']))[^>=]*){0,100}>""")
_IN_TAG = re.compile(rb""">|=[ \t\r\n]*(["'])""")
_RAW_TEXT = {  # HTML 13.1.2: no tags inside these
    name: re.compile(rb"</%s(?=[\s/>])" % name)
    for name in (b"script", b"style", b"title", b"textarea", b"xmp", b"iframe", b"noembed", b"noframes")
}
_NOT_BRACKETS = bytes(set(range(256)) - set(b"<>"))
_STRETCH = 65_536  # octets looked through at a time, so that what is made of them is not all kept at once
_ODD_VALUE = re.compile(rb"""=(?:"(?![^"<>]*")|'(?![^'<>]*')|[ \t\r\n]+["'])""")


class Kind(Enum):
    """What a piece of markup is."""

    TAG = "tag"
    COMMENT = "comment"
    CDATA = "cdata"
    BOGUS = "bogus"  # a comment to a browser: a declaration, or what is no tag


class Markup(NamedTuple):
    """From octet `start` to `end`; `after` is where reading goes on, past the raw text of a tag."""

    kind: Kind
    start: int
    end: int
    after: int
    name: bytes = b""  # of a tag
    closing: bool = False


def markup(page: bytes, match: re.Match[bytes]) -> Markup:
    """What begins where MARKUP was found. Raises StrangeError when it does not end."""
    start = match.start()
    if name := match["name"]:
        end = _tag_end(page, match.end())
        closing = bool(match["close"])
        is_raw = name in _RAW_TEXT and not closing
        after = _found(_RAW_TEXT[name].search(page, end)) if is_raw else end
        return Markup(Kind.TAG, start, end, after, name, closing)
    if match["comment"]:
        kind, end = Kind.COMMENT, _found(_COMMENT_END.search(page, start + 2))
    elif match["cdata"]:
        kind, end = Kind.CDATA, _found(_CDATA_END.search(page, start))
    else:
        kind, end = Kind.BOGUS, _found(_BOGUS_END.search(page, start))
    return Markup(kind, start, end, end)


def is_regular(page: bytes) -> bool:
    """Whether each "<" has its ">" before the next, and none of them stands in a quoted value.

    Then a "<" outside comments and raw text surely begins something, and a tag ends at the next ">".
    """
    brackets = _brackets(page)
    if b"<<" in brackets:
        brackets = _brackets(page, b"<!--<")
    return b"<<" not in brackets and not brackets.endswith(b"<") and _ODD_VALUE.search(page) is None


def _brackets(page: bytes, comment: bytes = b"") -> bytes:
    """The brackets alone, without the one that a comment may begin with."""
    stretches = (page[at : at + _STRETCH] for at in range(0, len(page), _STRETCH))
    if comment:
        stretches = (it.replace(comment, b"<!--") for it in stretches)
    return b"".join(it.translate(None, _NOT_BRACKETS) for it in stretches)


def _tag_end(page: bytes, at: int) -> int:
    """After the ">" that is not in a quoted value."""
    if rest := _REST.match(page, at):
        return rest.end()
    while match := _IN_TAG.search(page, at):
        if not match[1]:
            return match.end()
        at = page.find(match[1], match.end()) + 1
        if not at:
            break
    raise StrangeError(Wrapping.UNFINISHED)


def _found(match: re.Match[bytes] | None) -> int:
    if match is None:
        raise StrangeError(Wrapping.UNFINISHED)
    return match.end()
