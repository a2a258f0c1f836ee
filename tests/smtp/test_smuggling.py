"""SMTP smuggling (A1 to A5): where one message ends, and which octets are commands, is never in doubt."""

from __future__ import annotations

import asyncio
from ipaddress import ip_address

import pytest
import structlog

from tests.doubles import serving_context, trusting_context
from tests.smtp.client import ENVELOPE, Client, Served, serving

SECOND = b"MAIL FROM:<ceo@shop.example>\r\nRCPT TO:<victim@example.org>\r\nDATA\r\nsmuggled\r\n.\r\n"
LOG_IN = "AUTH PLAIN AHRvb2wAY29ycmVjdC1ob3JzZQ=="  # as `tool`
ENDS = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\r\r\n.\r\r\n",
    b"\r\n.\r\r\n",
    b"\n\n.\r\n",
    b"\0\r\n.\r\n",
    b"\r\n\0.\r\n",
    b"\r\n.\0\r\n",
]


@pytest.mark.parametrize("end", ENDS, ids=repr)
async def test_a_false_end_is_refused_and_ends_the_session(end: bytes, served: Served) -> None:
    """Nothing of a message with a false end is submitted, neither it nor what is smuggled in it (A1)."""
    client = await (await served.connect()).at_data()

    client.send(b"Subject: x\r\n\r\nfirst" + end + SECOND + b"\r\n.\r\n")

    assert (await client.rest()).startswith("550 5.5.2")
    assert served.submissions.envelopes == []


@pytest.mark.parametrize(
    ("octets", "code", "reason"),
    [
        (b"kim@example.org\n\r\n.\r\n", 550, "Message has a bare CR, a bare LF or a NUL"),
        (b"x" * 2000 + b"\r\n.\r\nQUIT\r\n", 552, "Message too big"),
        (b".\r\n" + b"x" * 5000, 500, "Command line too long"),
    ],
)
async def test_what_is_refused_before_it_is_a_message_is_logged(
    octets: bytes, code: int, reason: str
) -> None:
    """The operator finds it in the log by its reference or its reply, without a word of the message (L26)."""
    async with serving(max_message_bytes=1000) as served:
        with structlog.testing.capture_logs() as logs:
            client = await (await served.connect()).at_data()
            client.send(octets)
            await client.rest()

    (line,) = (line for line in logs if line["event"] == "refused")
    assert (line["log_level"], line["code"], line["reason"]) == ("info", code, reason)
    assert line["ref"] == ("session" if code == 500 else "ref1")
    assert "kim" not in str(logs)


@pytest.mark.parametrize("end", ENDS, ids=repr)
async def test_a_false_end_within_a_message_too_big(end: bytes) -> None:
    """Also in a message refused for its size no command is found (A3)."""
    async with serving(max_message_bytes=1000) as served:
        client = await (await served.connect()).at_data()

        client.send(b"x" * 2000 + end + SECOND)

        assert (await client.rest()).startswith("550 5.5.2")
        assert served.submissions.envelopes == []


@pytest.mark.parametrize("body", [b"A\nB", b"A\rB", b"A\0B", b"A\n", b"\r", b"\n", b"\0"], ids=repr)
async def test_bare_octets_are_refused(body: bytes, served: Served) -> None:
    """A bare CR, a bare LF or a NUL never gets through to be relayed (A2)."""
    client = await (await served.connect()).at_data()

    client.send(body + b"\r\n.\r\n")

    assert await client.rest() == "550 5.5.2 Message has a bare CR, a bare LF or a NUL\r\n"
    assert served.submissions.envelopes == []


async def test_a_command_that_ends_in_a_bare_lf_runs_nothing(served: Served) -> None:
    """Commands behind a bare LF are not executed (A4)."""
    client = await (await served.connect()).greeted()

    client.send(b"RSET\n" + ENVELOPE + b"x\r\n.\r\n")

    assert (await client.rest()).startswith("500 5.5.2")
    assert served.submissions.refs == []


async def starttls(client: Client, behind: bytes = b"") -> str:
    """EHLO, then STARTTLS with more in the same packet; what EHLO offers within TLS."""
    await client.greeted()
    client.send(b"STARTTLS\r\n" + behind)
    assert (await client.reply()).startswith("220")
    await client.start_tls(trusting_context())
    return await client.say("EHLO client.example")


async def test_what_is_pipelined_behind_starttls_is_never_executed() -> None:
    """Commands injected in the clear get no answer within TLS, and change nothing (A5)."""
    async with serving(tls_context=serving_context("127.0.0.1")) as served:
        client = await served.connect()

        offers = await starttls(client, b"MAIL FROM:<evil@shop.example>\r\nRSET\r\n")

        assert offers.startswith("250-gateway.test\n250-PIPELINING")
        assert await client.say("RCPT TO:<kim@example.org>") == "503 5.5.1 Bad sequence of commands"
        assert served.submissions.refs == []


async def test_tls_begins_anew() -> None:
    """EHLO, a transaction and AUTH of before the handshake are forgotten (RFC 3207 section 4.2)."""
    async with serving(tls_context=serving_context("127.0.0.1")) as served:
        client = await (await served.connect("127.0.0.1")).greeted()
        assert await client.say(LOG_IN) == "235 2.7.0 Authentication successful"
        assert (await client.say("MAIL FROM:<news@shop.example>")).startswith("250")
        client.send(b"STARTTLS\r\n")
        await client.reply()
        await client.start_tls(trusting_context())

        assert (await client.say("MAIL FROM:<news@shop.example>")).startswith("503")
        offers = await client.say("EHLO client.example")
        assert "AUTH PLAIN LOGIN" in offers
        assert "STARTTLS" not in offers
        assert (await client.say("STARTTLS")).startswith("503")
        assert (await client.say("MAIL FROM:<news@shop.example>")).startswith("530 5.7.0")
        assert (await client.say(LOG_IN)).startswith("235")


async def test_a_failed_auth_is_not_forgotten_by_tls() -> None:
    """After a failed AUTH the login of the network does not come back with TLS (A9)."""
    async with serving(tls_context=serving_context("127.0.0.1")) as served:
        client = await (await served.connect()).greeted()
        assert (await client.say("AUTH PLAIN AHRvb2wAd3Jvbmc=")).startswith("535")
        client.send(b"STARTTLS\r\n")
        await client.reply()
        await client.start_tls(trusting_context())
        await client.say("EHLO client.example")

        assert (await client.say("MAIL FROM:<news@shop.example>")).startswith("530 5.7.0")


async def test_a_message_over_starttls_says_so() -> None:
    """The protocol on record tells TLS and AUTH (RFC 3848)."""
    async with serving(tls_context=serving_context("127.0.0.1"), require_tls=True) as served:
        client = await served.connect("127.0.0.1")
        await starttls(client)
        assert (await client.say(LOG_IN)).startswith("235")
        client.send(ENVELOPE)
        assert [(await client.reply())[:3] for _ in range(3)] == ["250", "250", "354"]

        assert (await client.say(b"x\r\n.")).startswith("250")
        assert (await client.say("QUIT")).startswith("221")

        (envelope,) = served.submissions.envelopes
        assert envelope.protocol == "ESMTPSA"
        assert served.submissions.closed == [True]


async def test_tls_may_come_first() -> None:
    """On a port of implicit TLS (RFC 8314) AUTH is offered, STARTTLS is not."""
    async with serving(
        implicit_tls=True, tls_context=serving_context("127.0.0.1"), require_tls=True
    ) as served:
        client = await served.connect(tls=trusting_context())
        await client.reply()

        offers = await client.say("EHLO client.example")
        assert "AUTH PLAIN LOGIN" in offers
        assert "STARTTLS" not in offers
        client.send(ENVELOPE)
        assert [(await client.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
        assert (await client.say(b"x\r\n.")).startswith("250")
        client.hang_up()
        await asyncio.wait_for(served.submissions.settled.wait(), 10)

        assert served.submissions.envelopes[0].protocol == "ESMTPS"
        assert served.submissions.closed == [True]


async def test_a_handshake_that_fails_or_hangs_ends_the_session() -> None:
    """Junk instead of a handshake, and silence, are both hung up on."""
    async with serving(tls_context=serving_context("127.0.0.1"), timeout_seconds=0.5) as served:
        for junk in (b"MAIL FROM:<a@b>\r\n", b""):
            client = await (await served.connect()).greeted()
            assert (await client.say("STARTTLS")).startswith("220")
            client.send(junk)
            async with asyncio.timeout(10):
                while await client.reader.read(1000):  # TLS alerts at most
                    pass
        await served.server.drain()
        assert served.server.sessions == 0


@pytest.mark.parametrize(("there", "offered"), [("127.0.0.1", True), ("192.0.2.7", False)])
async def test_auth_is_for_tls_or_loopback(
    there: str, offered: bool, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the clear AUTH is offered and heard on a loopback address alone (A6)."""
    monkeypatch.setattr("gateway.smtp.connection._ip", lambda _: ip_address(there))  # tests stay on loopback
    client = await served.connect("127.0.0.1")
    await client.reply()

    assert ("AUTH" in await client.say("EHLO client.example")) is offered
    said = await client.say(LOG_IN)
    assert said.startswith("235" if offered else "538 5.7.11")
