"""The copy for one person: the received octets, with splices for the notice and the named header fields.

Rules of this file (invariant I6):

1. Octets outside the splices go out as they came. What cannot be edited surely is wrapped: it becomes,
   untouched, the first part of a multipart/mixed, and the notice stands in a part after it.
2. Whatever can be said without a person is said once, in `prepare`; copies differ in the link alone.
3. No copy without a way out (L10): a message that can neither be edited nor wrapped is refused there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gateway.mail import placing
from gateway.mail.message import Field, Message
from gateway.mail.notice import SLOT, Form, Notice, as_html, as_text, shows_identity
from gateway.mail.placing import Context, Leaves, StrangeError
from gateway.mail.structure import CannotCarryNoticeError, Part
from gateway.mail.transfer import LINE, Body, Change, DamagedError, Link, Piece, Splice, decode
from gateway.mail.transport import IDENTITY, recoded, transportable, tree
from gateway.mail.wayout import own_urls, places

__all__ = ["CannotCarryNoticeError", "Prepared", "prepare", "service_copy"]

# Signatures over what we change: they no longer hold (RFC 6376, RFC 8617, RFC 4870).
_BROKEN = ("dkim-signature", "arc-", "domainkey-signature")
_OWN_WAY_OUT = frozenset({"list-unsubscribe", "list-unsubscribe-post"})  # replaced: RFC 8058 wants one URI
_MOVED = ("content-",)  # a wrapped entity keeps the fields that describe it (RFC 2046 section 5.1)

# Charsets in which ASCII octets mean ASCII wherever they stand.
_ASCII_BASED = re.compile(r"(us-)?ascii|utf-?8|iso-?8859-\d{1,2}|latin\d|(windows-|cp)125\d|koi8-[ru]")
_INLINE_PGP = re.compile(rb"(?:\A|\n)-----BEGIN PGP (SIGNED )?MESSAGE-----")  # RFC 4880 section 6.2
_ROOM = 600  # octets a link may add to a line


class _RecodeError(Exception):
    """The notice does not fit this leaf's transfer encoding; quoted-printable fits any."""

    def __init__(self, part: Part) -> None:
        super().__init__(part.type)
        self._start = part.start

    def meant(self, part: Part) -> bool:
        """Whether that leaf is this part."""
        return part.start == self._start and not part.is_multipart


@dataclass(frozen=True, slots=True)
class _Plan:
    """All of a message's copies: fields, then the list fields, then the body with the link's places."""

    head: bytes
    body: tuple[Piece, ...]


def prepare(message: Message, *, eight_bit: bool) -> Prepared:
    """What all marketing copies of a message have in common.

    `eight_bit`: whether the next hop takes 8-bit content. Raises CannotCarryNoticeError.
    """
    if message.header_end == message.body:  # a header alone: give the notice a body to stand in
        message = Message.parse(message.content + b"\r\n")
    message = transportable(message, eight_bit=eight_bit)
    return Prepared(message, eight_bit=eight_bit)


class Prepared:
    """A message ready to be copied for any number of people; made by `prepare`."""

    def __init__(self, message: Message, *, eight_bit: bool) -> None:
        self._message = message
        self._eight_bit = eight_bit
        self._plans: dict[Notice, _Plan] = {}  # by what the notice says; people differ in their ground
        self._root = tree(message)
        self._leaves, self._bodies = _readable(message, self._root)

    def copy(
        self, notice: Notice, *, received: bytes = b"", date: bytes = b"", message_id: bytes = b""
    ) -> bytes:
        """The copy with this notice; `received` is a whole field for the top.

        `date` and `message_id` are values for a message without that field (RFC 6409 section 8).
        """
        said = replace(notice, link=SLOT)
        plan = self._plans.get(said)
        if plan is None:
            plan = self._plans[said] = self._planned(said)
        url = notice.link
        return b"".join(
            [
                received,
                plan.head,
                _absent(self._message, date, message_id),
                # RFC 2369 section 3.2; RFC 8058 section 3.1
                b"List-Unsubscribe: <%b>\r\n" % url.encode("ascii"),
                b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\n",
                *(piece if isinstance(piece, bytes) else piece.render(url) for piece in plan.body),
            ]
        )

    def _planned(self, notice: Notice) -> _Plan:
        message, root, leaves, bodies = self._message, self._root, self._leaves, self._bodies
        while bodies:
            try:
                return _edited(message, leaves, bodies, notice, eight_bit=self._eight_bit)
            except _RecodeError as need:
                message = recoded(message, root, need.meant)
                root = tree(message)
                leaves, bodies = _readable(message, root)
            except StrangeError:
                break
        return _wrapped(message, root, leaves.dropped, notice)


def _readable(message: Message, root: Part) -> tuple[Leaves, list[tuple[Part, Body]]]:
    """The leaves that carry the notice, decoded; none when the message is to be wrapped."""
    try:
        leaves = placing.leaves(root)
        return leaves, [(part, _body(message, part)) for part in leaves.readable]
    except StrangeError:
        _check_wrappable(root)
        return Leaves(), []


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
    kept = b"".join(field.raw for field in fields)
    return received + kept + _absent(moved, date, message_id) + moved.content[moved.header_end :]


def _absent(message: Message, date: bytes, message_id: bytes) -> bytes:
    """RFC 6409 section 8.2 and 8.3: Date and Message-ID, where the client left them out."""
    added = b""
    if date and message.first("date") is None:
        added += b"Date: %b\r\n" % date
    if message_id and message.first("message-id") is None:
        added += b"Message-ID: %b\r\n" % message_id
    return added


def _unbroken(fields: Iterable[Field]) -> list[Field]:
    return [field for field in fields if not field.key.startswith(_BROKEN)]


def _marketing_fields(message: Message) -> list[Field]:
    return [it for it in _unbroken(message.without_control_fields) if it.key not in _OWN_WAY_OUT]


def _body(message: Message, part: Part) -> Body:
    if not _ASCII_BASED.fullmatch(part.charset):
        raise StrangeError("its charset cannot be edited in place")
    try:
        body = decode(message.content[part.body : part.end], part.encoding, part.body)
    except DamagedError as error:
        raise StrangeError(str(error)) from error
    if b"-----BEGIN PGP" in body.text and _INLINE_PGP.search(body.text):
        raise StrangeError("signed or encrypted text is not edited")
    return body


def _edited(
    message: Message, leaves: Leaves, bodies: Sequence[tuple[Part, Body]], notice: Notice, *, eight_bit: bool
) -> _Plan:
    """The notice in each readable leaf, by splices."""
    urls = own_urls(message)
    splices = [Splice(start, end, ()) for start, end in leaves.dropped]
    for part, body in bodies:
        changes = _changes(part, body, notice, urls)
        _check_fits(part, body, changes, eight_bit=eight_bit)
        splices += body.splices(changes)
    fields = _marketing_fields(message)
    return _Plan(b"".join(field.raw for field in fields), _spliced(message.content, message.body, splices))


def _changes(part: Part, body: Body, notice: Notice, urls: Sequence[bytes]) -> list[Change]:
    """What is to change in one leaf, in order."""
    found = places(body.text, urls)
    if part.type == "text/plain":
        changes = [Change(start, end, (Link(),)) for start, end in found]
        at, has_link = placing.text_end(body.text), bool(found)
    else:
        page = placing.page(body.text, found)
        changes = [Change(*span, _LINKS[context]) for span, context in zip(found, page.contexts, strict=True)]
        at, has_link = page.end, not {Context.HREF, Context.TEXT}.isdisjoint(page.contexts)
    form: Form = "identity" if has_link else "full"
    if form == "full" or notice.says_more or not _shows_identity(part, body, notice):
        changes.append(Change(at, at, _block(part, body, at, notice, form)))
    return sorted(changes, key=lambda change: (change.start, change.end))


_LINK = Link(html=True)
_LINKS: dict[Context, tuple[bytes | Link, ...]] = {
    Context.HREF: (_LINK,),
    Context.LINK_TEXT: (_LINK,),
    Context.HIDDEN: (_LINK,),
    Context.TEXT: (b'<a href="', _LINK, b'">', _LINK, b"</a>"),
}


def _shows_identity(part: Part, body: Body, notice: Notice) -> bool:
    text = body.text.decode(_codec(part), "replace")
    return shows_identity(notice, text, html=part.type != "text/plain")


def _codec(part: Part) -> str:
    try:
        "".encode(part.charset)
    except LookupError:
        raise StrangeError("its charset is unknown") from None
    return part.charset


def _block(part: Part, body: Body, at: int, notice: Notice, form: Form) -> tuple[bytes | Link, ...]:
    """The notice as octets of the leaf's charset, set off from what stands before it."""
    if part.type != "text/plain":
        return _slotted(("\r\n" + as_html(notice, form)).encode("ascii"), html=True)
    eol = b"\n" if b"\n" in body.text and b"\r\n" not in body.text else b"\r\n"  # base64 may hold bare LF
    try:
        lines = as_text(notice, form).encode(_codec(part)).replace(b"\r\n", eol)
    except UnicodeEncodeError:
        raise StrangeError("its charset cannot spell the notice") from None
    if at < len(body.text):  # before a signature
        return _slotted(eol + lines + eol)
    if not body.text or body.text.endswith(eol):
        return _slotted(eol + lines)
    return _slotted(eol + eol + lines.removesuffix(eol))


def _slotted(template: bytes, *, html: bool = False) -> tuple[bytes | Link, ...]:
    """A template's octets, with the link where its slot is."""
    pieces: list[bytes | Link] = []
    for octets in template.split(SLOT.encode("ascii")):
        pieces += [octets, Link(html)]
    return tuple(pieces[:-1])


def _check_fits(part: Part, body: Body, changes: Sequence[Change], *, eight_bit: bool) -> None:
    """Raises _RecodeError where the leaf would get octets or lines that its encoding does not allow."""
    if part.encoding not in IDENTITY:
        return
    added = [piece for change in changes for piece in change.pieces if isinstance(piece, bytes)]
    is_7bit = not eight_bit or (part.encoding == "7bit" and body.raw.isascii())
    if is_7bit and not all(octets.isascii() for octets in added):
        raise _RecodeError(part)
    for change in changes:
        start = body.text.rfind(b"\r\n", 0, change.start)
        end = body.text.find(b"\r\n", change.end)
        length = (len(body.text) if end < 0 else end) - start
        if change.end > change.start and length > LINE - _ROOM:
            raise _RecodeError(part)


def _spliced(content: bytes, start: int, splices: Iterable[Splice]) -> tuple[Piece, ...]:
    """The content from `start` on, with the splices made."""
    pieces: list[Piece] = []
    for splice in sorted(splices, key=lambda it: (it.start, it.end)):
        pieces += [content[start : splice.start], *splice.pieces]
        start = splice.end
    return (*pieces, content[start:])


def _check_wrappable(root: Part) -> None:
    """An AMP alternative that could not be dropped would be shown without the notice."""
    if any(part.type == placing.AMP for part in root.walk()):
        raise CannotCarryNoticeError("an AMP part cannot carry the notice")


def _wrapped(message: Message, root: Part, dropped: Sequence[tuple[int, int]], notice: Notice) -> _Plan:
    """The whole entity as first part of a multipart/mixed, the notice as the second."""
    content = message.content
    boundary = _boundary(content)
    fields = _marketing_fields(message)
    outer = [it.raw for it in fields if not it.key.startswith(_MOVED) and it.key != "mime-version"]
    moved = [it.raw for it in fields if it.key.startswith(_MOVED)]
    outer += [b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary="%b"\r\n' % boundary]
    if not content[message.body :].isascii():  # RFC 2045 section 6.4
        outer += [b"Content-Transfer-Encoding: 8bit\r\n"]
    pieces = (
        b"--%b\r\n%b\r\n" % (boundary, b"".join(moved)),
        *_spliced(content, message.body, [Splice(start, end, ()) for start, end in dropped]),
        b"\r\n--%b\r\n" % boundary,
        *_notice_part(root, notice),
        b"\r\n--%b--\r\n" % boundary,
    )
    return _Plan(b"".join(outer), pieces)


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
    (splice,) = decode(b"", "quoted-printable").splices([Change(0, 0, _slotted(template, html=html))])
    header = (
        b"Content-Type: text/%b; charset=%b\r\nContent-Transfer-Encoding: quoted-printable\r\n"
        b"Content-Disposition: inline\r\n\r\n"
    )
    return (header % (kind, charset), *splice.pieces)
