"""Reading a message's header: what is refused, and what the gateway asks of it."""

from __future__ import annotations

import pytest

from gateway.mail.message import Message, UnparsableError
from gateway.mail.provider import PROVIDER_FIELDS


def message(*fields: str, body: str = "\r\nHallo\r\n") -> Message:
    """A message with these fields after its From."""
    return Message.parse(
        "".join(f"{it}\r\n" for it in ("From: a@zon.example", *fields)).encode() + body.encode()
    )


BROKEN = {
    "nothing": b"",
    "no header": b"\r\nHallo\r\n",
    "body without a header": b"Hallo allemaal\r\ntot morgen\r\n",
    "line without a colon": b"From: a@zon.example\r\nhallo\r\n\r\n",
    "space before the colon": b"From: a@zon.example\r\nSubject : x\r\n\r\n",
    "folded first line": b" x\r\nFrom: a@zon.example\r\n\r\n",
    "mbox line": b"From a@b Mon May 4\r\nFrom: a@zon.example\r\n\r\n",
    "8-bit field name": b"From: a@zon.example\r\nS\xe9: x\r\n\r\n",
    "no From": b"Subject: x\r\n\r\nHallo\r\n",
    "two From": b"From: a@zon.example\r\nFrom: b@zon.example\r\n\r\n",
    "two Subject": b"From: a@zon.example\r\nSubject: x\r\nsubject: y\r\n\r\n",
    "two Content-Type": b"From: a@zon.example\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\n\r\n",
    "bare LF": b"From: a@zon.example\r\n\r\nHallo\nallemaal\r\n",
    "bare CR": b"From: a@zon.example\r\n\r\nHallo\rallemaal\r\n",
    "CR and LF apart": b"From: a@zon.example\r\n\r\n\n\r\r\n",
    "NUL": b"From: a@zon.example\r\n\r\nHallo\0\r\n",
    "header without an end": b"From: a@zon.example",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_broken_header_is_refused(content: bytes) -> None:
    """A header that readers could understand differently is refused, in words that quote nothing of it."""
    with pytest.raises(UnparsableError) as refusal:
        Message.parse(content)

    assert "@" not in str(refusal.value)


FROM = {
    "a@zon.example": {"zon.example"},
    "Zon <a@Zon.Example>": {"zon.example"},
    '"Zon, De (a@evil.example)" <a@zon.example>': {"zon.example"},
    "a@zon.example (Bakker (de \\) Zon))": {"zon.example"},
    "=?utf-8?q?Caf=C3=A9?= <a@zon.example>": {"zon.example"},
    "J. de Zon <a@zon.example>, b@maan.example": {"zon.example", "maan.example"},
    "Wij: a@zon.example, B <b@maan.example>;": {"zon.example", "maan.example"},
    "a@bücher.example": {"xn--bcher-kva.example"},
    "Café <a@zon.example>": {"zon.example"},
    '"a@evil.example"@zon.example': {"zon.example"},
    "a@[192.0.2.1]": {"[192.0.2.1]"},
}


@pytest.mark.parametrize(("value", "domains"), FROM.items(), ids=FROM)
def test_from_domains(value: str, domains: set[str]) -> None:
    """Every mailbox of From counts, by its domain in one spelling."""
    found = Message.parse(f"From: {value}\r\n\r\n".encode()).from_domains()

    assert found == domains


UNSURE = (
    "",
    "Zon",
    "Niemand: ;",
    "a@evil.example <a@zon.example>",
    "<a@zon.example> <a@evil.example>",
    "<@evil.example:a@zon.example>",
    "Zon <a@zon.example",
    "a@zon.example>",
    "a @zon.example",
    "a@zon.example@evil.example",
    '"Zon <a@zon.example>',
    "(Zon a@zon.example",
    "a@zon.example b@evil.example",
    "Zon <a@zon.example> x",
    "=?utf-8?q?a=40evil.example?=@zon.example",
    "Wij: a@zon.example",
    "a@zon.example;",
    "Zon\x07 <a@zon.example>",
)


@pytest.mark.parametrize("value", UNSURE)
def test_from_that_readers_could_differ_on_is_refused(value: str) -> None:
    """Where two readers might see two senders, there is no sure one: refused, not guessed."""
    with pytest.raises(UnparsableError):
        Message.parse(f"From: {value}\r\n\r\n".encode())


def test_every_category_asked_for_is_seen() -> None:
    """An empty or second category field is kept, so that it can be refused."""
    asked = message("X-Sendright-Category:  nieuws ", "x-sendright-category:").category_asked()

    assert asked == ("nieuws", "")


CAMPAIGN = {
    "ours first": (["X-Tag: b", "X-Sendright-Campaign: a"], "a"),
    "listmonk": (["X-Listmonk-Campaign: 6c0f"], "6c0f"),
    "phpList": (["X-MessageID: 17", "X-phpList-version: 3.6"], "17"),
    "X-MessageID of others": (["X-MessageID: 17"], ""),
    "Mautic": (["X-EMAIL-ID: 42"], "42"),
    "a tool's own before Feedback-ID": (["Feedback-ID: 1:2:3:esp", "X-Campaign-ID: mei"], "mei"),
    "encoded": (["X-Tag: =?utf-8?q?caf=C3=A9?="], "café"),
    "List-Id": (["List-Id: Nieuws van Zon <nieuws.zon.example>"], "nieuws.zon.example"),
    "empty one passed over": (["X-Sendright-Campaign:", "X-Mailin-Tag: mei"], "mei"),
    "long": (["X-Tag: " + "x" * 300], "x" * 200),
    "controls": (["X-Tag: a\x1b[31mb"], "a [31mb"),
    "unknown charset": (["X-Tag: =?x-none?b?AAAA?="], "=?x-none?b?AAAA?="),
    "none": ([], ""),
}


@pytest.mark.parametrize(("fields", "campaign"), CAMPAIGN.values(), ids=CAMPAIGN)
def test_campaign(fields: list[str], campaign: str) -> None:
    """The campaign is ours, else what the sending tool says; printable, at most 200 characters."""
    assert message(*fields).campaign() == campaign


HIDDEN = {
    'X-SMTPAPI: {"to": ["x@y.example"]}': True,
    'X-SMTPAPI: {"filters": {"bcc": {"settings": {"enable": 1}}}}': True,
    'X-SMTPAPI: {"to": [], "to": ["x@y.example"], "to": []}': True,
    "X-SMTPAPI: {to: x}": True,
    "X-SMTPAPI: []": True,
    "X-SMTPAPI: " + "[" * 5000: True,
    'X-SMTPAPI: {"category": "mei", "asm_group_id": 3}': False,
    "X-SMTPAPI:": False,
    'X-MSYS-API: {"archive": [{"email": "x@y.example"}]}': True,
    'X-MSYS-API: {"campaign_id": "mei"}': False,
    "X-MC-BccAddress: x@y.example": True,
    'X-Mailgun-Recipient-Variables: {"x@y.example": {}}': True,
    "X-Mailgun-Recipient-Variables: {}": False,
    'X-Mailgun-Variables: {"to": "x"}': False,
}


@pytest.mark.parametrize(("field", "hidden"), HIDDEN.items(), ids=[name[:40] for name in HIDDEN])
def test_hidden_recipients(field: str, hidden: bool) -> None:
    """A provider's field that names recipients, or cannot be read, is found at any depth."""
    assert message(field).hidden_recipients() is hidden


def test_control_fields_do_not_go_on() -> None:
    """Our fields, Bcc and every provider field of the table are left out; all else stays, in order."""
    fields = [f"{name}: x" for name in (*PROVIDER_FIELDS, "X-Sendright-Any", "Bcc", "Resent-Bcc")]
    kept = message("X-A: 1", *fields, "X-B: 2").without_control_fields

    assert [field.key for field in kept] == ["from", "x-a", "x-b"]


def test_fingerprint_forgets_the_way_it_came() -> None:
    """Trace and signature fields do not make a retry another message; any other octet does (I5)."""
    fields = (
        "Received: a",
        "Return-Path: <b>",
        "DKIM-Signature: c",
        "ARC-Seal: d",
        "Authentication-Results: e",
    )
    plain = message("Subject: x").fingerprint_content()

    assert message(*fields, "Subject: x").fingerprint_content() == plain
    assert message("Subject: y").fingerprint_content() != plain
    assert message("Subject: x", body="\r\nHallo!\r\n").fingerprint_content() != plain


def test_fields_are_exact_slices() -> None:
    """Raw fields joined give the header back, folding and all; values are unfolded."""
    raw = b"From: a@zon.example\r\nSubject:  een\r\n\t twee \r\nTO:b@c.example\r\n"
    parsed = Message.parse(raw + b"\r\nx\r\n")

    assert b"".join(field.raw for field in parsed.fields_all) == raw
    assert parsed.first("Subject") == b"een\t twee"
    assert parsed.content[parsed.body :] == b"x\r\n"
    assert parsed.received_count == 0
    assert parsed.message_id == ""
