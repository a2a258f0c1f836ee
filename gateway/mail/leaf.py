"""One part that carries the notice: its text, and what is to change in it.

Rules of this file:

1. Octets of the text are taken away only where the link goes in their place (contract section 4).
2. Words of ours are in the text's own charset; where that lacks them the text moves to UTF-8 first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.mail import charset, placing
from gateway.mail.charset import View
from gateway.mail.message import Message
from gateway.mail.notice import SLOT, Form, Notice, as_amp, as_html, as_text, shows_identity
from gateway.mail.page import Context, page
from gateway.mail.shapes import StrangeError, Wrapping
from gateway.mail.structure import Part
from gateway.mail.transfer import LINE, Body, Change, Link, Splice, decode
from gateway.mail.transport import IDENTITY
from gateway.mail.wayout import places

_INLINE_PGP = re.compile(rb"(?:\A|\n)-----BEGIN PGP (SIGNED )?MESSAGE-----")  # RFC 4880 section 6.2
_ROOM = 600  # octets a link may add to a line
_MAX_READ = 200_000  # octets of a text in which name and address are looked for
_IN_TEXT = f'<a href="{SLOT}">{SLOT}</a>'


class RecodeError(Exception):
    """The notice does not fit this leaf's transfer encoding; quoted-printable fits any."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part that carries the notice, its octets decoded, and these as ASCII to look in."""

    part: Part
    body: Body
    view: View

    def splices(self, notice: Notice, urls: Sequence[bytes], *, eight_bit: bool) -> list[Splice]:
        """What is to change in the message for this notice.

        `urls` are the sender's own way out. Raises MoveError, RecodeError or StrangeError.
        """
        try:
            changes = self._changes(notice, urls)
        except UnicodeEncodeError:
            raise self.view.move(self.body.text) from None
        self._check_fits(changes, eight_bit=eight_bit)
        return self.body.splices(changes)

    def check(self, urls: Sequence[bytes]) -> None:
        """Raises StrangeError where `splices` might, for some notice."""
        found = places(self.view.octets, urls)
        if self.part.type == "text/plain":
            self.view.move(self.body.text)
        else:
            page(self.view.octets, found)

    def _changes(self, notice: Notice, urls: Sequence[bytes]) -> list[Change]:
        """In order."""
        found = places(self.view.octets, urls)
        if self.part.type == "text/plain":
            changes = [self._change(*span, SLOT) for span in found]
            at = placing.text_end(self.view.octets)
            has_link = any(end <= at for _, end in found)  # readers fold a signature away
        else:
            read = page(self.view.octets, found)
            at, contexts = read.end, read.contexts
            changes = [
                self._change(*span, _IN_TEXT if context is Context.TEXT else SLOT, html=True)
                for span, context in zip(found, contexts, strict=True)
                if context is not Context.HIDDEN or self.part.type != placing.AMP  # a template of its own
            ]
            has_link = read.shows_place
        form: Form = "identity" if has_link else "full"
        if form == "full" or notice.says_more or not self._shows_identity(notice):
            changes.append(self._block(at, notice, form))
        return sorted(changes, key=lambda change: (change.start, change.end))

    def _change(self, start: int, end: int, template: str, *, html: bool = False) -> Change:
        """A template, with the link in its slots, in place of what is there."""
        view = self.view
        before, after = view.shifts(start)
        pieces: list[bytes | Link] = [before]
        for words in template.split(SLOT):
            pieces += [view.encoded(words), Link(html, codec=view.codec if view.width > 1 else "ascii")]
        pieces[-1] = after if end < len(view.octets) else b""
        return Change(view.at(start), view.at(end), tuple(piece for piece in pieces if piece))

    def _block(self, at: int, notice: Notice, form: Form) -> Change:
        """The notice, set off from what stands before it."""
        if self.part.type != "text/plain":
            words = as_amp(notice, form) if self.part.type == placing.AMP else as_html(notice, form)
            return self._change(at, at, f"\r\n{words}", html=True)
        text = self.view.octets
        eol = "\n" if b"\n" in text and b"\r\n" not in text else "\r\n"  # base64 may hold bare LF
        lines = as_text(notice, form).replace("\r\n", eol)
        if at < len(text):  # before a signature
            return self._change(at, at, eol + lines + eol)
        if not text or text.endswith(eol.encode("ascii")):
            return self._change(at, at, eol + lines)
        return self._change(at, at, eol + eol + lines.removesuffix(eol))

    def _shows_identity(self, notice: Notice) -> bool:
        if len(self.body.text) > _MAX_READ:
            return False
        return shows_identity(notice, self.view.words(self.body.text), html=self.part.type != "text/plain")

    def _check_fits(self, changes: Sequence[Change], *, eight_bit: bool) -> None:
        """Raises RecodeError where the leaf would get octets or lines that its encoding does not allow."""
        if self.part.encoding not in IDENTITY:
            return
        body = self.body
        added = [piece for change in changes for piece in change.pieces if isinstance(piece, bytes)]
        is_7bit = not eight_bit or (self.part.encoding == "7bit" and body.text.isascii())
        if is_7bit and not all(octets.isascii() for octets in added):
            raise RecodeError
        for change in changes:
            start = body.text.rfind(b"\r\n", 0, change.start)
            end = body.text.find(b"\r\n", change.end)
            length = (len(body.text) if end < 0 else end) - start
            if change.end > change.start and length > LINE - _ROOM:
                raise RecodeError


def leaf(message: Message, part: Part) -> Leaf:
    """A part, read. Raises MoveError or StrangeError."""
    body = decode(message.content, part.encoding, part.body, part.end)
    view = charset.view(body.text, part.charset)
    if view.width > 1 and part.encoding != "base64":
        if part.encoding in IDENTITY:  # it would hold NUL, which is refused at the door
            raise StrangeError(Wrapping.CHARSET)
        raise view.move(body.text)
    if b"-----BEGIN PGP" in view.octets and _INLINE_PGP.search(view.octets):
        raise StrangeError(Wrapping.INLINE_PGP)
    if part.type == placing.AMP and not page(view.octets).closed:  # AMP for Email: a body is required
        raise StrangeError(Wrapping.UNFINISHED)
    return Leaf(part, body, view)
