"""The copy for one person: the received octets, with splices for the notice and the named header fields.

Rules of this file (invariant I6):

1. Octets outside the splices go out as they came. What cannot be edited surely is wrapped: it becomes,
   untouched, the first part of a multipart/mixed, and the notice stands in a part after it.
2. Whatever can be said without a person is said once, in `prepare`; copies differ in the link alone.
   Tools submit a mailing as many messages: those with the same body are read once, whoever they are to.
3. No copy without a way out (L10): a message that can neither be edited nor wrapped is refused there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from gateway.mail import placing
from gateway.mail.charset import MoveError
from gateway.mail.leaf import Leaf, RecodeError, leaf
from gateway.mail.message import Field, Message, read_fields
from gateway.mail.notice import SLOT, Notice, as_html, as_text, plain
from gateway.mail.provider import is_control
from gateway.mail.shapes import CannotCarryNoticeError, Refusal, StrangeError
from gateway.mail.sharing import SharedBody, rendered
from gateway.mail.signature import Covered, covered
from gateway.mail.structure import Part
from gateway.mail.transfer import Change, Link, Piece, Splice, decode
from gateway.mail.transport import in_utf8, recoded, transportable, tree
from gateway.mail.wayout import own_urls

__all__ = ["CannotCarryNoticeError", "Form", "Prepared", "prepare", "service_copy"]

# Signatures over what we change: they no longer hold (RFC 6376, RFC 8617, RFC 4870).
_BROKEN = ("dkim-signature", "arc-", "domainkey-signature")
_OWN_WAY_OUT = frozenset({"list-unsubscribe", "list-unsubscribe-post"})  # replaced: RFC 8058 wants one URI
_MOVED = ("content-",)  # a wrapped entity keeps the fields that describe it (RFC 2046 section 5.1)
_SLOT = SLOT.encode("ascii")
_LIST_FIELDS = (
    Field("list-unsubscribe", b"List-Unsubscribe: <%b>\r\n" % _SLOT, b"<%b>" % _SLOT),  # RFC 2369 section 3.2
    Field(  # RFC 8058 section 3.1
        "list-unsubscribe-post",
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        b"List-Unsubscribe=One-Click",
    ),
)
_KEPT, _MOST_KEPT = 16, 200_000  # readings that are kept, each of a body of so many octets at most


class _FirstError(Exception):
    """Leaves that must be in another encoding first, by the offset where they start."""

    def __init__(self, to_move: Mapping[int, str], to_recode: frozenset[int] = frozenset()) -> None:
        super().__init__()
        self._to_move = to_move  # to UTF-8, with what they say
        self._to_recode = to_recode

    def done(self, message: Message) -> Message:
        """The message with these leaves in UTF-8 or in quoted-printable. Raises StrangeError."""
        if self._to_move:
            return in_utf8(message, tree(message), self._to_move)
        return recoded(message, tree(message), lambda part: part.start in self._to_recode)


@dataclass(slots=True)
class _Opened:
    """A message that is edited, with its leaves read."""

    message: Message
    root: Part
    droppable: Mapping[int, tuple[int, int]]
    leaves: list[Leaf] = field(default_factory=list)
    dropped: list[Splice] = field(default_factory=list)

    def drops(self, part: Part) -> bool:
        """Leave an alternative out, if it may be."""
        if part.start not in self.droppable:
            return False
        self.dropped.append(Splice(*self.droppable[part.start], ()))
        return True


@dataclass(slots=True)
class _Body:
    """The bodies of all copies, with the link's places."""

    pieces: tuple[Piece, ...]
    _shared: SharedBody | None = None

    def digest(self, url: str) -> bytes:
        """SHA-256 of the canonical body of the copy with this link; made of what its copies share."""
        if self._shared is None:
            self._shared = SharedBody(self.pieces)
        return self._shared.digest(url)


class Form:
    """What all copies with one notice share, with a SLOT in the header where a copy's link stands."""

    def __init__(self, received: bytes, fields: Sequence[Field], body: _Body) -> None:
        """`received` is a whole field for the top, which no signature covers."""
        self._fields = [*fields, *_LIST_FIELDS]
        self._header = b"".join([received, *(it.raw for it in self._fields), b"\r\n"])
        self._body = body
        self._covered: Covered | None = None

    def copy(self, link: str) -> bytes:
        """The copy with this link. Raises ValueError for one that is no plain URL."""
        return self._header.replace(_SLOT, plain(link).encode("ascii")) + rendered(self._body.pieces, link)

    def covered(self, link: str) -> Covered:
        """The fields that a signature of that copy covers. Raises signature.SigningError."""
        if self._covered is None:
            self._covered = covered(self._fields)
        names, lines = self._covered
        return Covered(names, lines.replace(_SLOT, link.encode("ascii")))

    def body_digest(self, link: str) -> bytes:
        """SHA-256 of that copy's canonical body (RFC 6376 section 3.7)."""
        return self._body.digest(link)


class _Reading:
    """A body, with the fields that say how to read it, and the sender's own way out.

    Nothing else of a message: what is kept for the next one with the same body has no word of its header.
    """

    def __init__(self, opened: _Opened, *, eight_bit: bool) -> None:
        self._opened = opened
        self._eight_bit = eight_bit
        self._bodies: dict[Notice, _Body | None] = {}  # by what the notice says

    def body(self, notice: Notice) -> _Body | None:
        """The body with this notice; None where its header has to change with it."""
        if notice not in self._bodies:
            try:
                self._bodies[notice] = _edited(self._opened, notice, eight_bit=self._eight_bit)
            except (_FirstError, StrangeError):
                self._bodies[notice] = None
        return self._bodies[notice]


@lru_cache(maxsize=_KEPT)
def _reading(fields: tuple[Field, ...], body: bytes, eight_bit: bool) -> _Reading | None:
    """None where it cannot be edited as it is. Raises CannotCarryNoticeError."""
    header = b"".join(it.raw for it in fields)
    content = b"%b\r\n%b" % (header, body)
    opened = _opened(Message(content, fields, len(header), len(header) + 2, frozenset()), as_it_is=True)
    return _Reading(opened, eight_bit=eight_bit) if opened and _surely_edited(opened) else None


def prepare(
    message: Message,
    *,
    eight_bit: bool,
    received: bytes = b"",
    date: bytes = b"",
    message_id: bytes = b"",
) -> Prepared:
    """What all marketing copies of a message have in common.

    `eight_bit`: whether the next hop takes 8-bit content. `received` is a whole field for the top; `date` and
    `message_id` are values for a message without that field. Raises CannotCarryNoticeError.
    """
    if message.header_end == message.body:  # a header alone: give the notice a body to stand in
        message = Message.parse(message.content + b"\r\n")
    message = transportable(message, eight_bit=eight_bit)
    if not eight_bit and not all(field.raw.isascii() for field in _describing(message)):
        raise CannotCarryNoticeError(Refusal.EIGHT_BIT)  # a wrapping moves it to the body
    return Prepared(message, received, _absent(message, date, message_id), eight_bit=eight_bit)


class Prepared:
    """A message ready to be copied for any number of people; made by `prepare`."""

    def __init__(
        self, message: Message, received: bytes, absent: Sequence[Field], *, eight_bit: bool
    ) -> None:
        self._message = message
        self._received = received
        self._absent = absent
        self._eight_bit = eight_bit
        self._forms: dict[Notice, Form] = {}  # by what the notice says
        self._opened: _Opened | None = None  # where the reading does not serve
        self._reading: _Reading | None = None
        if len(message.content) - message.body <= _MOST_KEPT:
            telling = (*_describing(message), *[it for it in message.fields_all if it.key in _OWN_WAY_OUT])
            self._reading = _reading(telling, message.content[message.body :], eight_bit)
        if self._reading is None:
            self._open()

    def form(self, notice: Notice) -> Form:
        """What the copies with this notice share, whatever its link."""
        said = notice if notice.link == SLOT else replace(notice, link=SLOT)
        form = self._forms.get(said)
        if form is None:
            fields, body = self._planned(said)
            form = self._forms[said] = Form(self._received, (*fields, *self._absent), body)
        return form

    def copy(self, notice: Notice) -> bytes:
        """The copy with this notice, unsigned."""
        return self.form(notice).copy(notice.link)

    def _planned(self, notice: Notice) -> tuple[Sequence[Field], _Body]:
        if self._reading and (body := self._reading.body(notice)):
            return _marketing_fields(self._message), body
        opened = self._opened or self._open()
        while opened is not None:
            try:
                body = _edited(opened, notice, eight_bit=self._eight_bit)
                return _marketing_fields(opened.message), body
            except _FirstError as first:
                opened = _reopened(opened.message, first)
            except StrangeError:
                break
        return _wrapped(self._message, notice)

    def _open(self) -> _Opened | None:
        """Read all of the message; None when it is to be wrapped. Raises CannotCarryNoticeError."""
        self._opened = _opened(self._message)
        if self._opened is None or not _surely_edited(self._opened):
            placing.to_drop(tree(self._message))  # refused here, if at all
        return self._opened


def _opened(message: Message, *, as_it_is: bool = False) -> _Opened | None:
    """The message with its leaves; None when it is to be wrapped. Raises CannotCarryNoticeError.

    A text may have to move to UTF-8 first; with `as_it_is` that, too, is None.
    """
    root = tree(message)
    try:
        found = placing.leaves(root)
        opened, to_move = _Opened(message, root, found.droppable), {}
        for part in found.readable:
            try:
                opened.leaves.append(leaf(message, part))
            except MoveError as move:
                to_move[part.start] = move.words
            except StrangeError:
                if not opened.drops(part):
                    raise
    except StrangeError:
        return None
    if not to_move:
        return opened
    return None if as_it_is else _reopened(message, _FirstError(to_move))


def _surely_edited(opened: _Opened) -> bool:
    """Whether it will not have to be wrapped, whatever the notice says."""
    if all(part.type != placing.AMP for part in opened.root.walk()):
        return True  # and if not, it can be wrapped
    urls = own_urls(opened.message)
    try:
        for it in opened.leaves:
            it.check(urls)
    except StrangeError:
        return False
    return True


def _reopened(message: Message, first: _FirstError) -> _Opened | None:
    try:
        return _opened(first.done(message))
    except StrangeError:
        return None


def service_copy(
    message: Message,
    *,
    received: bytes = b"",
    eight_bit: bool = True,
    date: bytes = b"",
    message_id: bytes = b"",
) -> bytes:
    """Service mail: the octets as they came but for control fields and what the next hop forces (L12).

    Raises CannotCarryNoticeError for 8-bit content that the next hop does not take and that is sealed.
    """
    moved = transportable(message, eight_bit=eight_bit)
    fields = moved.without_control_fields if moved is message else _unbroken(moved.without_control_fields)
    header = b"".join(field.raw for field in (*fields, *_absent(moved, date, message_id)))
    return received + header + moved.content[moved.header_end :]


def _absent(message: Message, date: bytes, message_id: bytes) -> list[Field]:
    """RFC 6409 section 8.2 and 8.3: Date and Message-ID, where the client left them out."""
    added = []
    if date and message.first("date") is None:
        added.append(Field("date", b"Date: %b\r\n" % date, date))
    if message_id and message.first("message-id") is None:
        added.append(Field("message-id", b"Message-ID: %b\r\n" % message_id, message_id))
    return added


def _describing(message: Message) -> list[Field]:
    """The fields that say how to read the body."""
    return [field for field in message.fields_all if field.key.startswith(_MOVED)]


def _unbroken(fields: Iterable[Field]) -> list[Field]:
    return [field for field in fields if not field.key.startswith(_BROKEN)]


def _marketing_fields(message: Message) -> list[Field]:
    return [field for field in message.fields_all if _goes_out(field.key)]


@lru_cache(maxsize=1024)
def _goes_out(key: str) -> bool:
    """Whether a field of this name stands in marketing copies."""
    return not (is_control(key) or key.startswith(_BROKEN) or key in _OWN_WAY_OUT)


def _edited(opened: _Opened, notice: Notice, *, eight_bit: bool) -> _Body:
    """The notice in each readable leaf, by splices. Raises _FirstError or StrangeError."""
    urls = own_urls(opened.message)
    splices, to_move, to_recode = [*opened.dropped], {}, set()
    for it in opened.leaves:
        try:
            splices += it.splices(notice, urls, eight_bit=eight_bit)
        except MoveError as move:
            to_move[it.part.start] = move.words
        except RecodeError:
            to_recode.add(it.part.start)
        except StrangeError:
            if it.part.start not in opened.droppable:
                raise
            splices.append(Splice(*opened.droppable[it.part.start], ()))
    if to_move or to_recode:
        raise _FirstError(to_move, frozenset(to_recode))
    return _Body(_spliced(opened.message, splices))


def _spliced(message: Message, splices: Iterable[Splice]) -> tuple[Piece, ...]:
    """The body with the splices made; what stays is not copied."""
    content, start = memoryview(message.content), message.body
    pieces: list[Piece] = []
    for splice in sorted(splices, key=lambda it: (it.start, it.end)):
        pieces += [content[start : splice.start], *splice.pieces]
        start = splice.end
    return (*pieces, content[start:])


def _wrapped(message: Message, notice: Notice) -> tuple[Sequence[Field], _Body]:
    """The whole entity as first part of a multipart/mixed, the notice as the second."""
    content, root = message.content, tree(message)
    dropped = [Splice(start, end, ()) for start, end in placing.to_drop(root)]
    boundary = _boundary(content)
    fields = _marketing_fields(message)
    outer = [it.raw for it in fields if not it.key.startswith(_MOVED) and it.key != "mime-version"]
    moved = [it.raw for it in fields if it.key.startswith(_MOVED)]
    outer += [b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary="%b"\r\n' % boundary]
    if not (content[message.body :].isascii() and all(raw.isascii() for raw in moved)):  # RFC 2045 6.4
        outer += [b"Content-Transfer-Encoding: 8bit\r\n"]
    pieces = (
        b"--%b\r\n%b\r\n" % (boundary, b"".join(moved)),
        *_spliced(message, dropped),
        b"\r\n--%b\r\n" % boundary,
        *_notice_part(root, notice),
        b"\r\n--%b--\r\n" % boundary,
    )
    header = b"".join(outer)
    return read_fields(header, len(header))[0], _Body(pieces)


def _boundary(content: bytes) -> bytes:
    """A boundary that does not occur in the content; the same for the same content."""
    digest = hashlib.sha256(content).hexdigest()[:32].encode("ascii")
    boundary = b"=_sendright_" + digest
    while boundary in content:
        boundary += b"_"
    return boundary


def _notice_part(root: Part, notice: Notice) -> tuple[Piece, ...]:
    """The notice as a part of its own, of the kind of what stands before it."""
    if any(part.type == "text/html" and not part.is_file for part in root.walk()):
        template, html, charset = as_html(notice).encode("ascii"), True, b"us-ascii"
        kind = b"html"
    else:
        text = as_text(notice)
        template, html, kind = text.encode("utf-8"), False, b"plain"
        charset = b"us-ascii" if text.isascii() else b"utf-8"
    pieces = [it for octets in template.split(SLOT.encode("ascii")) for it in (octets, Link(html))][:-1]
    (splice,) = decode(b"", "quoted-printable").splices([Change(0, 0, tuple(pieces))])
    header = (
        b"Content-Type: text/%b; charset=%b\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        b"Content-Disposition: inline\r\n\r\n"
    )
    return (header % (kind, charset), *splice.pieces)
