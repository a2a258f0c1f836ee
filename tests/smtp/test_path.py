"""The arguments of MAIL and RCPT: what is decided on is what was said (A7, A8, I9)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smtp import reply
from gateway.smtp.path import MailFrom, RefusedError, mail_from, rcpt_to

REFUSED = [
    b"TO:kim@example.org",
    b"TO:<kim@example.org",
    b"TO:<kim@example.org>>",
    b"TO:<<kim@example.org>>",
    b"TO:<kim@example.org>x",
    b"TO:<kim@example.org><lee@example.org>",
    b"TO:<kim@example.org> <lee@example.org>",
    b"TO:<>",
    b"TO:<Postmaster>",
    b"TO:<kim>",
    b"TO:<@relay.example:kim@example.org>",
    b"TO:<kim(comment)@example.org>",
    b"TO:<k(i)m@example.org>",
    b"TO:<kim @example.org>",
    b"TO:< kim@example.org>",
    b"TO:<kim@example.org.>",
    b"TO:<kim@@example.org>",
    b"TO:<kim@lee@example.org>",
    b"TO:<=?utf-8?q?x=0d=0aRCPT_TO:=3cvictim=40x.org=3e=0d=0a?=@example.org>",
    b'TO:<"=?utf-8?q?x?="@example.org>',
    b'TO:<"foo@example.com> ORCPT=x@example.org>',
    b"TO:<kim\t@example.org>",
    "TO:<k\u00adim@example.org>".encode(),
    "TO:<kim\u2028@example.org>".encode(),
    b"TO:<" + b"x" * 65 + b"@example.org>",
    b"TO:<kim@" + b"x" * 250 + b".org>",
    b"FROM:<kim@example.org>",
    b"TO:<kim@example.org> NOTIFY",
    b"TO:<kim@example.org> NOTIFY=NEVER NOTIFY=NEVER",
    b"TO:<kim@example.org> =x",
    "TO:<kim@example.org> ORCPT=rfc822;k\u00efm".encode(),
    b"",
]


@pytest.mark.parametrize("argument", REFUSED, ids=repr)
def test_what_is_not_exactly_a_mailbox_is_refused(argument: bytes) -> None:
    """No source route, comment, encoded word, blank, second address or junk gets through."""
    with pytest.raises(RefusedError) as refused:
        rcpt_to(argument, smtputf8=True)

    assert refused.value.reply.code in (501, 553, 555)


@pytest.mark.parametrize(
    ("path", "comparable"),
    [
        ("kim@example.org", "kim@example.org"),
        ("KIM@Example.ORG", "kim@example.org"),
        ('"kim"@example.org', "kim@example.org"),
        ('"foo@evil> ORCPT=x"@example.org', "foo@evil> orcpt=x@example.org"),
        ("kïm@exämple.org", "kïm@xn--exmple-cua.org"),
        ("kim+tag@[192.0.2.1]", "kim+tag@[192.0.2.1]"),
    ],
)
def test_the_mailbox_is_what_stands_between_the_brackets(path: str, comparable: str) -> None:
    """The address relayed is byte for byte the one received; the one decided on is its one spelling."""
    mailbox = rcpt_to(f"TO:<{path}>".encode(), smtputf8=True).mailbox

    assert mailbox.wire == path
    assert mailbox.comparable == comparable


@given(st.binary(max_size=80))
def test_any_argument_is_read_or_refused(argument: bytes) -> None:
    """No octets lead to anything but a recipient whose address is between the brackets, or a refusal."""
    for octets in (argument, b"TO:<" + argument + b">"):
        try:
            recipient = rcpt_to(octets, smtputf8=True)
        except RefusedError:
            continue
        assert b"<" + recipient.mailbox.wire.encode() + b">" in octets


@pytest.mark.parametrize(
    ("parameters", "never"),
    [
        (b"", False),
        (b" NOTIFY=NEVER", True),
        (b" notify=never ORCPT=rfc822;kim@example.org", True),
        (b" NOTIFY=FAILURE,DELAY", False),
    ],
)
def test_notify_never_is_kept(parameters: bytes, never: bool) -> None:
    """Who asked for no report gets none (RFC 3461 section 4.1)."""
    assert rcpt_to(b"TO:<kim@example.org>" + parameters, smtputf8=False).notify_never is never


def test_a_sender_may_be_nobody() -> None:
    """`<>` is the null sender, with a blank before it or without."""
    assert mail_from(b"FROM:<>") == mail_from(b"from: <>") == MailFrom(None, 0, False)


def test_the_declared_size_and_smtputf8_are_known() -> None:
    """SIZE= and SMTPUTF8 come through."""
    asked = mail_from("FROM:<kïm@shop.example> SIZE=123 SMTPUTF8 BODY=8BITMIME".encode())

    assert (asked.size, asked.smtputf8) == (123, True)


@pytest.mark.parametrize("argument", ["FROM:<kïm@shop.example>", "FROM:<kim@shöp.example> BODY=8BITMIME"])
def test_an_address_that_needs_smtputf8_says_so(argument: str) -> None:
    """Without SMTPUTF8 such an address is refused with 553 5.6.7 (A16)."""
    with pytest.raises(RefusedError) as refused:
        mail_from(argument.encode())

    assert refused.value.reply is reply.NEEDS_SMTPUTF8
