"""A letter of our own: one short mail in plain text, as a receipt or a request to confirm."""

from __future__ import annotations

from datetime import datetime
from email.header import Header
from email.utils import format_datetime, quote
from typing import Literal, TypeAlias

from gateway.address import Mailbox
from gateway.mail.transfer import encode_qp

# RFC 3834 section 5: an answer to what somebody did or sent, or a mail for any other reason.
AutoSubmitted: TypeAlias = Literal["auto-replied", "auto-generated"]

_CRLF = "\r\n"


def letter(
    *,
    sender: Mailbox,
    name: str,
    to: Mailbox,
    subject: str,
    text: str,
    date: datetime,
    message_id: str,
    auto_submitted: AutoSubmitted,
) -> bytes:
    """The message, unsigned; `text` has its lines ended in any way, `date` is aware.

    ASCII alone, which every next hop takes, unless an address needs SMTPUTF8. `message_id` is with its angle
    brackets.
    """
    head = [
        f"From: {_encoded('From', name) if not name.isascii() else _quoted(name)} <{sender.wire}>",
        f"To: <{to.wire}>",
        f"Subject: {_encoded('Subject', subject)}",
        f"Date: {format_datetime(date)}",
        f"Message-ID: {message_id}",
        f"Auto-Submitted: {auto_submitted}",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: quoted-printable",
    ]
    body = encode_qp(
        "".join(line + _CRLF for line in text.splitlines()).encode()
    )  # no bare CR (RFC 5322 2.3)
    return "".join(line + _CRLF for line in (*head, "")).encode() + body


def _quoted(name: str) -> str:
    return f'"{quote(name)}"'  # RFC 5322 section 3.2.4


def _encoded(field: str, words: str) -> str:
    """RFC 2047 encoded words where needed, folded."""
    charset = None if words.isascii() else "utf-8"
    return Header(words, charset, header_name=field).encode(linesep=_CRLF)
