"""Promise: whatever a peer sends gets a reply of the contract, and others go on being served meanwhile.

Each case is said to the whole gateway over a real socket, by a client that is logged in. While its connection
is still as the case left it, an ordinary client submits a newsletter, which arrives, alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.doubles import authority, trusting_context
from tests.house import ANNA, BRAM, NEWSLETTER, House
from tests.smtp.client import Client
from tests.smtp.test_smuggling import ENDS

MAIL = b"MAIL FROM:<bounces@shop.example>\r\n"
TO_BRAM = f"RCPT TO:<{BRAM}>\r\n".encode()
ENVELOPE = MAIL + TO_BRAM + b"DATA\r\n"
SECOND = ENVELOPE + b"From: nieuws@shop.example\r\n\r\nsmuggled\r\n.\r\n"
HEAD = b"From: nieuws@shop.example\r\nSubject: x\r\n\r\n"


@dataclass(frozen=True)
class Case:
    """What is sent, and how the last reply to it begins."""

    sent: bytes
    reply: str
    replies: int = 1  # in all; what comes before the last is no matter
    closed: bool = False  # whether the gateway then closes the connection


def content(octets: bytes, reply: str, *, closed: bool = False) -> Case:
    """A case within DATA."""
    return Case(ENVELOPE + octets, reply, replies=4, closed=closed)


LINES = {
    "NUL in a command": Case(b"NOOP\0\r\n", "500 5.5.2", closed=True),
    "bare LF in a command": Case(b"NOOP\nNOOP\r\n", "500 5.5.2", closed=True),
    "bare CR in a command": Case(b"NOOP\rNOOP\r\n", "500 5.5.2", closed=True),
    "8-bit command": Case(b"NOOP \xff\xfe\r\n", "500 5.5.2", closed=True),
    "8-bit verb": Case("NÖÖP\r\n".encode(), "500 5.5.2", closed=True),
    "command of 100 kB": Case(b"NOOP " + b"x" * 100_000 + b"\r\n", "500 5.5.2", closed=True),
    "100 kB without a line end": Case(b"x" * 100_000, "500 5.5.2", closed=True),
    "HTTP": Case(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n" + ENVELOPE, "421 4.7.0", closed=True),
    "junk": Case(b"\x16\x03\x01\x02\0\x01\xfc\x03\x03\r\n", "500 5.5.2", closed=True),
    "not UTF-8 in RCPT": Case(MAIL + b"RCPT TO:<\xff@example.org>\r\n", "500 5.5.2", replies=2, closed=True),
}
ADDRESSES = {
    "quoted": Case(MAIL + b'RCPT TO:<"bram> ORCPT=x"@example.org>\r\n', "250 2.1.5", replies=2),
    "encoded word": Case(
        MAIL + b"RCPT TO:<=?utf-8?q?x=0d=0aRCPT_TO:=3cbram=40example.org=3e=0d=0a?=@example.org>\r\n",
        "553 5.1.3",
        replies=2,
    ),
    "Unicode without SMTPUTF8": Case(
        MAIL + "RCPT TO:<brám@example.org>\r\n".encode(), "553 5.6.7", replies=2
    ),
    "two at signs": Case(MAIL + b"RCPT TO:<bram@x@example.org>\r\n", "553 5.1.3", replies=2),
    "source route": Case(MAIL + b"RCPT TO:<@x.example:bram@example.org>\r\n", "553 5.1.3", replies=2),
    "300 characters": Case(MAIL + b"RCPT TO:<" + b"b" * 300 + b"@example.org>\r\n", "553 5.1.3", replies=2),
    "line separator": Case(
        b"MAIL FROM:<bounces@shop.example> SMTPUTF8\r\n" + "RCPT TO:<br\u2028am@example.org>\r\n".encode(),
        "553 5.1.3",
        replies=2,
    ),
    "10,000 recipients": Case(
        MAIL + b"".join(b"RCPT TO:<r%d@example.net>\r\n" % number for number in range(10_000)),
        "452 4.5.3",
        replies=10_001,
    ),
}
CONTENTS = {
    "nothing": content(b".\r\n", "554 5.6.0"),
    "no header": content(b"Hallo allemaal\r\n.\r\n", "554 5.6.0"),
    "body alone": content(b"\r\nHallo allemaal\r\n.\r\n", "554 5.6.0"),
    "no From": content(b"Subject: x\r\n\r\nHallo\r\n.\r\n", "554 5.6.0"),
    "two From": content(b"From: a@shop.example\r\n" + HEAD + b"Hallo\r\n.\r\n", "554 5.6.0"),
    "From of another": content(b"From: ceo@bank.example\r\n\r\nHallo\r\n.\r\n", "550 5.7.1"),
    "From of both": content(b"From: a@shop.example, b@bank.example\r\n\r\nx\r\n.\r\n", "550 5.7.1"),
    "space before the colon": content(b"From : a@shop.example\r\n\r\nx\r\n.\r\n", "554 5.6.0"),
    "NUL": content(HEAD + b"A\0B\r\n.\r\n", "550 5.5.2", closed=True),
    "bare CR": content(HEAD + b"A\rB\r\n.\r\n", "550 5.5.2", closed=True),
    "bare LF": content(HEAD + b"A\nB\r\n.\r\n", "550 5.5.2", closed=True),
    "line of 100 kB": content(HEAD + b"x" * 100_000 + b"\r\n.\r\n", "250 2.0.0"),
    "header line of 100 kB": content(
        b"X-Long: " + b"x" * 100_000 + b"\r\n" + HEAD + b"x\r\n.\r\n", "250 2.0.0"
    ),
    "4,000 fields": content(b"X-Many: x\r\n" * 4_000 + HEAD + b"x\r\n.\r\n", "250 2.0.0"),
    "a loop": content(b"Received: by x\r\n" * 51 + HEAD + b"x\r\n.\r\n", "554 5.4.6"),
    "hidden recipients": content(
        b'X-SMTPAPI: {"to": ["bram@example.org"]}\r\n' + HEAD + b".\r\n", "554 5.6.0"
    ),
    "too big": content(HEAD + b"x" * 400_000 + b"\r\n.\r\n", "552 5.3.4"),
    "too big with commands in it": content(
        HEAD + b"x" * 400_000 + b"\n.\n" + SECOND, "550 5.5.2", closed=True
    ),
    **{
        f"smuggling {end!r}": content(HEAD + b"first" + end + SECOND + b"\r\n.\r\n", "550 5.5.2", closed=True)
        for end in ENDS
    },
    "commands behind refused DATA": Case(
        b"DATA\r\n" + HEAD + b"MAIL FROM:<x@shop.example>\r\n.\r\n", "503 5.5.1", closed=True
    ),
}


@pytest.fixture
async def house(open_house: Callable[..., object], tmp_path: Path) -> House:
    """A house that offers STARTTLS, where Anna consented."""
    certificate = authority().issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "tls.key")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "tls.crt")
    settings = 'tls_cert = "tls.crt"\ntls_key = "tls.key"\nmax_message_bytes = 300000'
    house: House = await open_house(smtp=settings)  # type: ignore[misc]
    await house.consent(ANNA)
    return house


async def others_are_served(house: House) -> None:
    """An ordinary client on another connection gets its newsletter through, and it is all that arrived."""
    code, _ = await house.submit(ANNA)

    assert code == 250
    assert house.smarthost.delivered == [ANNA]


@pytest.mark.parametrize("case", (them := LINES | ADDRESSES | CONTENTS).values(), ids=them)
async def test_it_is_answered_and_others_are_served(house: House, case: Case) -> None:
    """The reply is the contract's; nothing of it reaches Bram, who has no ground; Anna gets her mail."""
    client = await house.raw()

    client.send(case.sent)
    replies = [await client.reply() for _ in range(case.replies)]

    assert replies[-1].startswith(case.reply)
    await others_are_served(house)
    if case.closed:
        assert await client.rest() == ""
    else:
        assert (await client.say("NOOP")).startswith("250")


@pytest.mark.parametrize("leave", [None, Client.hang_up, Client.reset], ids=["hang", "EOF", "RST"])
@pytest.mark.parametrize("cut", [len(MAIL), len(ENVELOPE), len(ENVELOPE) + 20, -5, -3, -1], ids=str)
async def test_a_client_that_stops_anywhere_sends_nothing(
    house: House, leave: Callable[[Client], None] | None, cut: int
) -> None:
    """Cut off in the envelope, in the content or before the last octet: nothing goes, nobody waits for it."""
    whole = MAIL + f"RCPT TO:<{ANNA}>\r\nDATA\r\n".encode() + NEWSLETTER + b".\r\n"
    client = await house.raw()

    client.send(whole[:cut])
    if leave:
        leave(client)

    await others_are_served(house)


async def test_a_hundred_silent_clients_keep_nobody_out(house: House) -> None:
    """A hundred clients that hang in DATA are no hindrance."""
    clients = await asyncio.gather(*(house.raw() for _ in range(100)))
    for client in clients:
        client.send(ENVELOPE + b"From: nieuws@shop.ex")

    await others_are_served(house)


async def test_what_is_pipelined_past_starttls_is_never_obeyed(house: House) -> None:
    """Behind STARTTLS in one packet: not answered inside TLS, and login and envelope are forgotten (A5)."""
    client = await house.raw()
    client.send(b"STARTTLS\r\n" + ENVELOPE)
    assert (await client.reply()).startswith("220")
    await client.start_tls(trusting_context())

    first = await client.say("EHLO client.example")
    then = await client.say(MAIL.removesuffix(b"\r\n"))

    assert ("STARTTLS" in first, "AUTH" in first, then[:9]) == (False, True, "530 5.7.0")
    await others_are_served(house)


@pytest.mark.parametrize("undo", ["RSET", "EHLO again", "AUTH PLAIN AHRvb2wAd3Jvbmc=", "AUTH LOGIN *"])
async def test_no_command_opens_the_relay(house: House, undo: str) -> None:
    """Without a login nothing is taken, whatever came before, a failed AUTH included (A9)."""
    client = await house.raw(login=None)

    before = await client.say(MAIL.removesuffix(b"\r\n"))
    await client.say(undo)
    after = [await client.say(line) for line in (MAIL + TO_BRAM + b"DATA").split(b"\r\n")]

    assert [before[:9], *(line[:9] for line in after)] == ["530 5.7.0", "530 5.7.0", "503 5.5.1", "503 5.5.1"]
    await others_are_served(house)


async def test_a_login_sends_for_its_own_domain_alone(house: House) -> None:
    """The envelope sender of another is refused (A9)."""
    client = await house.raw()

    assert (await client.say("MAIL FROM:<ceo@bank.example>")).startswith("550 5.7.1")
    await others_are_served(house)
