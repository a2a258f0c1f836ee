"""The delivery report for recipients that were finally refused (RFC 3464; RFC 6533 for Unicode addresses)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

from gateway.address import Mailbox
from gateway.envelope import Answer
from gateway.mail.transfer import encode_qp

_CRLF = "\r\n"
# How a program is told, and the kind of the part with the header: RFC 3464 and 3462; RFC 6533 section 4.
_KINDS = ("delivery-status", "text/rfc822-headers")
_GLOBAL_KINDS = ("global-delivery-status", "message/global-headers")
# RFC 6533 section 3, QCHAR: what an address keeps in its ASCII form.
_NOT_QCHAR = re.compile(r"[^!-*,-<>-\[\]-~]")


def delivery_report(
    *,
    reporting_mta: str,
    ref: str,
    to: Mailbox,
    arrival: datetime,
    refused: Sequence[tuple[Mailbox, Answer]],
    original_headers: bytes,
    boundary: str,
    date: datetime,
    message_id: str,
) -> bytes:
    """A multipart/report message to the envelope sender `to`, to be sent from the null sender.

    ASCII alone, which every next hop takes, unless `to` itself needs SMTPUTF8. `original_headers` is the
    header of the message as received, CRLF line ends; `boundary` a text that does not occur in it; times are
    aware; `message_id` with its angle brackets.
    """
    plain = not to.needs_smtputf8
    status, headers = _KINDS if plain else _GLOBAL_KINDS
    head = [
        f"From: Mail Delivery System <MAILER-DAEMON@{reporting_mta}>",
        f"To: <{to.wire}>",
        "Subject: Undelivered mail returned to sender",
        f"Date: {format_datetime(date)}",
        f"Message-ID: {message_id}",
        "Auto-Submitted: auto-replied",  # RFC 3834 section 5
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type={status};{_CRLF}\tboundary="{boundary}"',
        *([] if plain else ["Content-Transfer-Encoding: 8bit"]),
    ]
    machine = _machine(reporting_mta, ref, arrival, refused, plain=plain)
    parts = [
        _part("text/plain; charset=utf-8", _human(ref, refused).encode(), plain=plain),
        _part(f"message/{status}", machine.encode(), plain=plain),
        _part(headers, original_headers.rstrip(b"\r\n") + b"\r\n", plain=plain),
    ]
    opening = f"{_CRLF}--{boundary}{_CRLF}".encode()
    opened = [_CRLF.join(head).encode() + b"\r\n", *parts]
    return opening.join(opened) + f"{_CRLF}--{boundary}--{_CRLF}".encode()


def _part(kind: str, body: bytes, *, plain: bool) -> bytes:
    """One part; what is not ASCII goes in quoted-printable where the report is to be plain."""
    if body.isascii():
        return f"Content-Type: {kind}{_CRLF}{_CRLF}".encode() + body
    if kind == _KINDS[1]:
        kind += "; charset=utf-8"
    encoding, body = ("quoted-printable", encode_qp(body)) if plain else ("8bit", body)
    return f"Content-Type: {kind}{_CRLF}Content-Transfer-Encoding: {encoding}{_CRLF}{_CRLF}".encode() + body


def _human(ref: str, refused: Sequence[tuple[Mailbox, Answer]]) -> str:
    """The part for a person (RFC 3464 section 2)."""
    lines = ["This message could not be delivered to:", ""]
    lines += [f"<{mailbox.wire}>: {_said(answer)}" for mailbox, answer in refused]
    lines += ["", "To the other recipients it was sent, or the law withheld it.", f"Reference: {ref}"]
    return _CRLF.join(lines) + _CRLF


def _machine(
    reporting_mta: str, ref: str, arrival: datetime, refused: Sequence[tuple[Mailbox, Answer]], *, plain: bool
) -> str:
    """The part for a program: message fields, then a group per recipient (RFC 3464 section 2.2, 2.3)."""
    about = [
        f"Original-Envelope-Id: {ref}",
        f"Reporting-MTA: dns; {reporting_mta}",
        f"Arrival-Date: {format_datetime(arrival)}",
    ]
    groups = [_CRLF.join(about), *(_recipient(*one, plain=plain) for one in refused)]
    return (_CRLF * 2).join(groups) + _CRLF


def _recipient(mailbox: Mailbox, answer: Answer, *, plain: bool) -> str:
    kind, wire = "rfc822", mailbox.wire
    if mailbox.needs_smtputf8:  # RFC 6533 section 3
        kind, wire = "utf-8", _NOT_QCHAR.sub(_embedded, wire) if plain else wire
    lines = [
        f"Final-Recipient: {kind}; {wire}",
        "Action: failed",
        f"Status: {_status(answer)}",
    ]
    if answer.code:
        said = _said(answer)
        said = said.encode("ascii", "backslashreplace").decode() if plain else said
        lines.append(f"Diagnostic-Code: smtp; {said}")
    return _CRLF.join(lines)


def _embedded(char: re.Match[str]) -> str:
    """RFC 6533 section 3, EmbeddedUnicodeChar."""
    return f"\\x{{{ord(char[0]):02X}}}"


def _status(answer: Answer) -> str:
    """RFC 3464 section 2.3.4: the reply's own enhanced code, else the class alone."""
    return answer.enhanced if re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", answer.enhanced) else "5.0.0"


def _said(answer: Answer) -> str:
    """The reply on one line of at most 700 characters."""
    words = " ".join(str(part) for part in (answer.code or "", answer.enhanced, answer.text) if part)
    return " ".join("".join(char if char.isprintable() else " " for char in words).split())[:700]
