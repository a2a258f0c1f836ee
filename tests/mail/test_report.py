"""Delivery reports and Received fields, read back by the email package."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime

import pytest

from gateway import address
from gateway.envelope import Answer, Kind, Stage
from gateway.mail.report import delivery_report
from gateway.mail.trace import received_field

AT = datetime(2026, 5, 4, 9, 0, tzinfo=UTC)
GONE = Answer(Kind.REPLY, Stage.RCPT, 550, "5.1.1", "no such\tuser")


def report(
    *refused: str,
    headers: bytes = b"From: a@zon.example\r\nSubject: x\r\n",
    to: str = "bounces@zon.example",
    answer: Answer = GONE,
) -> bytes:
    """A report on these recipients."""
    return delivery_report(
        reporting_mta="gw.example",
        ref="r1",
        to=address.parse(to),
        arrival=AT,
        refused=[(address.parse(mailbox), answer) for mailbox in refused],
        original_headers=headers,
        boundary="=_r1",
        date=AT,
        message_id="<r1@gw.example>",
    )


def test_report_reads_as_rfc_3464() -> None:
    """A program finds each refused recipient with status and the smarthost's own words."""
    parsed = email.message_from_bytes(report("jan@lezer.example", "piet@lezer.example"))
    human, machine, original = parsed.get_payload()
    _, jan, piet = machine.get_payload()

    assert parsed.get_content_type() == "multipart/report"
    assert parsed["Auto-Submitted"] == "auto-replied"
    assert "<jan@lezer.example>: 550 5.1.1 no such user" in human.get_payload()
    assert machine.get_content_type() == "message/delivery-status"
    assert jan["Final-Recipient"] == "rfc822; jan@lezer.example"
    assert (jan["Action"], jan["Status"]) == ("failed", "5.1.1")
    assert piet["Diagnostic-Code"] == "smtp; 550 5.1.1 no such user"
    assert original.get_content_type() == "text/rfc822-headers"
    assert original.get_payload() == "From: a@zon.example\r\nSubject: x\r\n"


def test_report_on_a_unicode_address() -> None:
    """To an SMTPUTF8 sender: the address type is utf-8 and the parts are the global kinds (RFC 6533)."""
    content = report("jósé@lezer.example", to="böunces@zon.example")

    assert "Final-Recipient: utf-8; jósé@lezer.example".encode() in content
    assert b"Content-Type: message/global-delivery-status" in content
    assert b"Content-Type: message/global-headers" in content
    assert content.count(b"\n") == content.count(b"\r\n") == content.count(b"\r")


def test_report_to_an_ordinary_sender_is_ascii() -> None:
    """Whatever it reports on, any next hop takes it, and all can be read back (RFC 6533 section 3)."""
    said = Answer(Kind.REPLY, Stage.RCPT, 553, "5.6.7", "adresse refusée")
    content = report("j+ó@lezer.example", headers="Subject: één\r\n".encode(), answer=said)
    human, machine, original = email.message_from_bytes(content).get_payload()

    assert content.isascii()
    assert "<j+ó@lezer.example>: 553 5.6.7 adresse refusée" in human.get_payload(decode=True).decode()
    assert machine.get_content_type() == "message/delivery-status"
    assert machine.get_payload()[1]["Final-Recipient"] == r"utf-8; j\x{2B}\x{F3}@lezer.example"
    assert machine.get_payload()[1]["Diagnostic-Code"] == r"smtp; 553 5.6.7 adresse refus\xe9e"
    assert original.get_content_type() == "text/rfc822-headers"
    assert original.get_payload(decode=True).decode() == "Subject: één\r\n"


@pytest.mark.parametrize(
    ("helo", "peer", "start"),
    [
        (
            "mail.zon.example",
            "192.0.2.1",
            b"Received: from mail.zon.example ([192.0.2.1])\r\n\tby gw.example ",
        ),
        (
            "[192.0.2.1]",
            "2001:db8::1",
            b"Received: from [192.0.2.1] ([IPv6:2001:db8::1])\r\n\tby gw.example ",
        ),
        ("x) by evil (y", "?", b"Received: from unknown (unknown)\r\n\tby gw.example "),
    ],
)
def test_received_field(helo: str, peer: str, start: bytes) -> None:
    """RFC 5321 section 4.4; a name that could forge a clause is left out."""
    field = received_field(helo=helo, peer=peer, by="gw.example", protocol="ESMTPSA", ref="r1", at=AT)

    assert field.startswith(start)
    assert field.endswith(b"with ESMTPSA id r1;\r\n\tMon, 04 May 2026 09:00:00 +0000\r\n")
