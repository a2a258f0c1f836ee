"""The tree of MIME parts over the octets of a message, with exact offsets; nothing is decoded or copied.

Rules of this file:

1. A part says of itself whether it was located surely (`sure`): an unclosed or unusable boundary, a header
   that does not end, a parameter given twice, are read as far as they go, but never edited by guess.
2. message/* is never entered: what is inside was written by somebody else (I6).
3. Linear time: each level of nesting is searched once, nesting and the number of parts are bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from gateway.mail.message import Field, read_fields

MAX_DEPTH = 30  # multiparts in one another; Postfix stops at 100, real mail at about 6
MAX_PARTS = 10_000
_MAX_FIELDS = 10 * MAX_PARTS  # of all parts together; what comes after is not read surely
_MAX_KEPT = 1_000  # octets of fields whose reading is kept
_MAX_PARAMETERS = 10_000  # characters of a field; a file's name in any script is far shorter

_TYPE = re.compile(r"\s*([a-z0-9!#$&.+^_-]+/[a-z0-9!#$&.+^_-]+)\s*(?=;|$)", re.I | re.ASCII)  # RFC 6838 4.2
_PARAM = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;"]*)\s*(?=;|$)', re.ASCII)  # RFC 2045 5.1
# Each alternative goes on to the end, if need be, so that it is linear; a comment in another is malformed.
_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|\((?:[^()\\]|\\.)*(?:\)|(?=\()|\\?\Z)')
_TAIL = re.compile(rb"(--)?[ \t]*(?=\r\n|\Z)")  # of a delimiter line, RFC 2046 section 5.1.1
_LONGER = re.compile(rb"[0-9A-Za-z'()+_,./:=?-]+[ \t]*(?=\r\n|\Z)")  # of one whose boundary begins like ours
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? @#$%&*!;<>{}|~^-]{1,200}(?<! )")  # RFC 2046 5.1.1, widened


@dataclass(frozen=True, slots=True)
class Part:
    """One entity: `start` is the offset of its header, `body` of its body, `end` where that ends.

    The CRLF before the next delimiter is not in it. `line` is the offset of the delimiter line that opens
    it (the root has none: -1).
    """

    start: int
    body: int
    end: int
    fields: tuple[Field, ...]
    type: str  # lower case, as "text/plain"
    params: Mapping[str, str]  # of Content-Type, names in lower case
    disposition: str  # lower case; empty when absent
    named: bool  # carries a file name, so it is a file
    encoding: str  # Content-Transfer-Encoding, lower case; "7bit" when absent (RFC 2045 section 6.1)
    sure: bool
    line: int = -1
    parts: tuple[Part, ...] = field(default=())

    @property
    def charset(self) -> str:
        """The declared charset in lower case; us-ascii when none is (RFC 2045 section 5.2)."""
        return self.params.get("charset", "us-ascii").lower() or "us-ascii"

    @property
    def is_multipart(self) -> bool:
        """Whether it has parts of its own, by its type."""
        return self.type.startswith("multipart/")

    @property
    def is_file(self) -> bool:
        """Whether it is meant to be kept rather than read, whatever its type (RFC 2183)."""
        return self.named or self.disposition == "attachment"

    def walk(self) -> Iterator[Part]:
        """This part and all below it, in the order of their octets."""
        yield self
        for part in self.parts:
            yield from part.walk()


def read(content: bytes, fields: tuple[Field, ...], header_end: int, body: int) -> Part:
    """The tree of a message whose header has been read."""
    return _Reader(content).part(0, header_end, body, len(content), fields, depth=0)


class _Reader:
    """Reads one message; counts the parts and the fields it has met."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._met = 0
        self._fields_left = _MAX_FIELDS

    def part(
        self,
        start: int,
        header_end: int,
        body: int,
        end: int,
        fields: tuple[Field, ...],
        depth: int,
        line: int = -1,
        default: str = "text/plain",
    ) -> Part:
        label = _label(fields)
        kind = label.type or default
        sure = label.sure and header_end < body
        children: tuple[Part, ...] = ()
        if kind.startswith("multipart/"):
            boundary = label.params.get("boundary", "")
            of_parts = "message/rfc822" if kind == "multipart/digest" else "text/plain"  # RFC 2046 5.1.5
            children, closed = self._children(body, end, boundary, depth, of_parts)
            sure = sure and closed and not _folded_inside(fields, boundary)
        return Part(
            start=start,
            body=body,
            end=end,
            fields=fields,
            type=kind,
            params=label.params,
            disposition=label.disposition,
            named=label.named,
            encoding=label.encoding,
            sure=sure,
            line=line,
            parts=children,
        )

    def _children(
        self, body: int, end: int, boundary: str, depth: int, default: str
    ) -> tuple[tuple[Part, ...], bool]:
        """The parts between the delimiters, and whether they were located surely."""
        if not _BOUNDARY.fullmatch(boundary) or depth >= MAX_DEPTH:
            return (), False
        parts: list[Part] = []
        opened: tuple[int, int] | None = None  # the delimiter line before: where it starts and ends
        sure, unsure = True, 0
        for line, after, closing in self._delimiters(body, end, boundary.encode("ascii")):
            if closing is None:
                sure, unsure = False, unsure + 1
                if unsure > MAX_PARTS:
                    break
                continue
            if opened is not None:
                if self._met >= MAX_PARTS:
                    return tuple(parts), False
                self._met += 1
                parts.append(self._child(opened, max(line - 2, opened[1]), depth, default))
            if closing:
                return tuple(parts), bool(parts) and sure
            opened = line, min(after + 2, end)
        return tuple(parts), False

    def _child(self, opened: tuple[int, int], end: int, depth: int, default: str) -> Part:
        line, start = opened
        blank = start if self._content.startswith(b"\r\n", start) else self._header_end(start, end)
        fields, read_to = read_fields(self._content[start:blank], self._fields_left)
        self._fields_left -= len(fields)
        body = min(blank + 2, end) if blank < end else end
        header_end = blank if start + read_to == blank and blank + 2 <= end else body  # else: not sure
        return self.part(start, header_end, body, end, fields, depth + 1, line, default)

    def _header_end(self, start: int, end: int) -> int:
        found = self._content.find(b"\r\n\r\n", start, end)
        return end if found < 0 else found + 2

    def _delimiters(self, body: int, end: int, boundary: bytes) -> Iterator[tuple[int, int, bool | None]]:
        """Where each delimiter line starts, where its text ends, and whether it closes (RFC 2046 5.1.1).

        None for a line that begins like one and is none, nor one of a longer boundary: readers differ there,
        and a splice could make it one.
        """
        mark = b"\r\n--" + boundary
        at = self._content.find(mark, max(body - 2, 0), end)
        while at >= 0:
            tail = _TAIL.match(self._content, at + len(mark), end)
            if tail:
                yield at + 2, tail.end(), tail[1] is not None
            elif not _LONGER.match(self._content, at + len(mark), end):
                yield at + 2, at + len(mark), None
            at = self._content.find(mark, at + len(mark), end)


@dataclass(frozen=True, slots=True)
class _Label:
    """What a part's header says of it."""

    type: str  # empty when nothing is said
    params: Mapping[str, str]
    disposition: str
    named: bool
    encoding: str
    sure: bool


def _label(fields: tuple[Field, ...]) -> _Label:
    """A tool says the same of the parts of each of its messages, so that is read once."""
    described = tuple(it for it in fields if it.key.startswith("content-"))
    is_short = sum(len(it.raw) for it in described) <= _MAX_KEPT
    return _described(described) if is_short else _described.__wrapped__(described)


@lru_cache(maxsize=256)
def _described(fields: tuple[Field, ...]) -> _Label:
    kind, params, sure = content_type(_value(fields, "content-type"), "")
    disposition, named_in, _ = _parameters(_value(fields, "content-disposition").partition(";"))
    return _Label(
        type=kind,
        params=params,
        disposition=disposition,
        named=any(name.startswith(("name", "filename")) for name in (*params, *named_in)),
        encoding=(_value(fields, "content-transfer-encoding") or "7bit").lower(),
        sure=sure and len(fields) == len({it.key for it in fields}),
    )


def content_type(value: str, default: str = "text/plain") -> tuple[str, dict[str, str], bool]:
    """Type, parameters, and whether it could be read surely; nothing at all is the default (RFC 2045 5.2)."""
    if not value:
        return default, {}, True
    match = _TYPE.match(value)
    if match is None:
        return "application/octet-stream", {}, False
    kind, params, sure = _parameters((match[1], ";", value[match.end() + 1 :]))
    return kind, params, sure


def _parameters(split: tuple[str, str, str]) -> tuple[str, dict[str, str], bool]:
    """A value's first word and its parameters; unsure when one is malformed or given twice."""
    word, _, rest = split
    if len(rest) > _MAX_PARAMETERS:
        return word.strip(" \t").lower(), {}, False
    text, at, sure = ";" + rest.rstrip("; \t"), 0, True
    params: dict[str, str] = {}
    while at < len(text) and len(text) > 1:
        match = _PARAM.match(text, at)
        if match is None:  # read on at the next semicolon
            sure, following = False, text.find(";", at + 1)
            at = following if following > 0 else len(text)
            continue
        name, given = match[1].lower(), match[2]
        # RFC 2231 continuations are read differently by readers; in a file's name that does not matter
        sure = sure and name not in params and ("*" not in name or name.startswith(("name", "filename")))
        params.setdefault(name, re.sub(r"\\(.)", r"\1", given[1:-1]) if given[:1] == '"' else given)
        at = match.end()
    return word.strip(" \t").lower(), params, sure


def _value(fields: tuple[Field, ...], key: str) -> str:
    """A field's value without comments (RFC 5322 section 3.2.2); latin-1, so that any octet survives."""
    value = next((field.value for field in fields if field.key == key), b"").decode("latin-1")
    if "(" in value and len(value) <= _MAX_PARAMETERS:
        value = _COMMENT.sub(_uncommented, value)
    return value.strip(" \t")  # not the octets 0x85 and 0xA0, which are blanks in Unicode alone


def _uncommented(match: re.Match[str]) -> str:
    return "" if match[0].startswith("(") and match[0].endswith(")") else match[0]


def _folded_inside(fields: tuple[Field, ...], boundary: str) -> bool:
    """Whether a line break stands within the boundary, which readers unfold differently."""
    return not any(it.key == "content-type" and boundary.encode("latin-1") in it.raw for it in fields)
