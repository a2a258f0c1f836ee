"""The delivery report for recipients that were finally refused (RFC 3464; RFC 6533 for Unicode addresses)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

from gateway.address import Mailbox
from gateway.envelope import Answer

_CRLF = "\r\n"


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

    `original_headers` is the header of the message as received, CRLF line ends; `boundary` a text that does
    not occur in it; times are aware; `message_id` with its angle brackets.
    """
    unicode = any(mailbox.needs_smtputf8 for mailbox in (to, *(mailbox for mailbox, _ in refused)))
    status, headers = ("global-delivery-status", "global-headers") if unicode else ("delivery-status", None)
    head = [
        f"From: Mail Delivery System <MAILER-DAEMON@{reporting_mta}>",
        f"To: <{to.wire}>",
        "Subject: Undelivered mail returned to sender",
        f"Date: {format_datetime(date)}",
        f"Message-ID: {message_id}",
        "Auto-Submitted: auto-replied",  # RFC 3834 section 5
        "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type={status};{_CRLF}\tboundary="{boundary}"',
    ]
    if unicode or not original_headers.isascii():
        head.append("Content-Transfer-Encoding: 8bit")
    label = headers or ("rfc822-headers" if original_headers.isascii() else "rfc822-headers; charset=utf-8")
    parts = [
        _part("text/plain; charset=utf-8", _human(ref, refused)),
        _part(f"message/{status}", _machine(reporting_mta, ref, arrival, refused)),
        _part(f"message/{label}" if headers else f"text/{label}", ""),
    ]
    opening = f"{_CRLF}--{boundary}{_CRLF}"
    text = _CRLF.join(head) + _CRLF + opening + opening.join(parts)
    return (
        text.encode("utf-8")
        + original_headers.rstrip(b"\r\n")
        + f"{_CRLF}{_CRLF}--{boundary}--{_CRLF}".encode()
    )


def _part(kind: str, body: str) -> str:
    encoding = "" if body.isascii() and body else f"Content-Transfer-Encoding: 8bit{_CRLF}"
    return f"Content-Type: {kind}{_CRLF}{encoding}{_CRLF}{body}"


def _human(ref: str, refused: Sequence[tuple[Mailbox, Answer]]) -> str:
    """The part for a person (RFC 3464 section 2)."""
    lines = ["This message could not be delivered to:", ""]
    lines += [f"<{mailbox.wire}>: {_said(answer)}" for mailbox, answer in refused]
    lines += ["", "To the other recipients it was sent, or the law withheld it.", f"Reference: {ref}"]
    return _CRLF.join(lines) + _CRLF


def _machine(
    reporting_mta: str, ref: str, arrival: datetime, refused: Sequence[tuple[Mailbox, Answer]]
) -> str:
    """The part for a program: message fields, then a group per recipient (RFC 3464 section 2.2, 2.3)."""
    about = [
        f"Original-Envelope-Id: {ref}",
        f"Reporting-MTA: dns; {reporting_mta}",
        f"Arrival-Date: {format_datetime(arrival)}",
    ]
    groups = [_CRLF.join(about), *(_recipient(mailbox, answer) for mailbox, answer in refused)]
    return (_CRLF * 2).join(groups) + _CRLF


def _recipient(mailbox: Mailbox, answer: Answer) -> str:
    kind = "utf-8" if mailbox.needs_smtputf8 else "rfc822"  # RFC 6533 section 3
    lines = [
        f"Final-Recipient: {kind}; {mailbox.wire}",
        "Action: failed",
        f"Status: {_status(answer)}",
    ]
    if answer.code:
        lines.append(f"Diagnostic-Code: smtp; {_said(answer)}")
    return _CRLF.join(lines)


def _status(answer: Answer) -> str:
    """RFC 3464 section 2.3.4: the reply's own enhanced code, else the class alone."""
    return answer.enhanced if re.fullmatch(r"[245]\.\d{1,3}\.\d{1,3}", answer.enhanced) else "5.0.0"


def _said(answer: Answer) -> str:
    """The reply on one line of at most 700 characters."""
    words = " ".join(str(part) for part in (answer.code or "", answer.enhanced, answer.text) if part)
    return " ".join("".join(char if char.isprintable() else " " for char in words).split())[:700]
