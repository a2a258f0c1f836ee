"""What a session submits, what it withstands, and how it ends."""

from __future__ import annotations

import asyncio
import logging
import socket

import pytest
import structlog

from gateway.address import Mailbox
from gateway.envelope import Answer, Cause, Envelope, Kind, Outcome, Recipient, Stage
from gateway.smtp.connection import MAX_ERRORS
from tests.smtp.client import ENVELOPE, LAN, NOW, Client, Served, serving

MESSAGE = b"Subject: hello\r\n\r\nHello\r\n"
DOT = b".\r\n"
HELLO = b"EHLO client.example\r\n"


async def settled(served: Served) -> list[bool]:
    """Who heard, once that is known."""
    async with asyncio.timeout(10):
        await served.submissions.settled.wait()
    return served.submissions.closed


async def test_the_envelope_is_what_was_said(served: Served) -> None:
    """Everything of the envelope comes through exactly, and the content octet for octet."""
    client = await (await served.connect()).greeted()
    client.send(
        b"MAIL FROM:<News@Shop.Example>\r\n"
        b"RCPT TO:<Kim@example.org>\r\n"
        b"RCPT TO:<kim@EXAMPLE.org> NOTIFY=NEVER\r\n"
        b"RCPT TO:<lee@example.org> NOTIFY=NEVER\r\n"
        b"DATA\r\n"
    )
    assert [(await client.reply())[:3] for _ in range(5)] == ["250"] * 4 + ["354"]
    body = bytes(octet for octet in range(256) if octet not in b"\0\r\n")

    said = await client.say(b"Subject: x\r\n\r\n..dot\r\n" + body + b"\r\n.")

    assert said == "250 2.0.0 ref1 relayed=1 withheld=0 refused=0"
    assert served.submissions.envelopes == [
        Envelope(
            ref="ref1",
            submission=1,
            login="lan",
            sender=Mailbox("News@Shop.Example", "news", "shop.example"),
            recipients=(
                Recipient(Mailbox("Kim@example.org", "kim", "example.org")),
                Recipient(Mailbox("lee@example.org", "lee", "example.org"), notify_never=True),
            ),
            content=b"Subject: x\r\n\r\n.dot\r\n" + body + b"\r\n",
            received_at=NOW,
            peer=LAN,
            helo="client.example",
            protocol="ESMTP",
        )
    ]


@pytest.mark.parametrize(
    ("hello", "parameters", "protocol"),
    [("HELO x", "", "SMTP"), ("EHLO x", "", "ESMTP"), ("EHLO x", " SMTPUTF8", "UTF8SMTP")],
)
async def test_the_protocol_is_named(hello: str, parameters: str, protocol: str, served: Served) -> None:
    """The protocol on record is the word of RFC 3848, or RFC 6531 under SMTPUTF8."""
    client = await served.connect()
    await client.reply()
    await client.say(hello)
    await client.say(f"MAIL FROM:<>{parameters}")
    await client.say("RCPT TO:<kim@example.org>")
    await client.say("DATA")
    await client.say(MESSAGE + b".")

    assert [(one.protocol, one.sender) for one in served.submissions.envelopes] == [(protocol, None)]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no header at all\r\n", id="no header"),
        pytest.param(b"\r\nbody only\r\n", id="body only"),
        pytest.param(b"Subject: x\r\n\r\n" + b"x" * 99_000 + b"\r\n", id="a line of 99 kB"),
        pytest.param(b"X: y\r\n" * 10_000, id="10,000 header fields"),
        pytest.param("Onderwerp: vroëg\r\n\r\n\U0001f600\r\n".encode(), id="8-bit"),
    ],
)
async def test_any_content_is_for_the_story_to_judge(content: bytes, served: Served) -> None:
    """Content is handed over as it came, however odd (A15)."""
    client = await (await served.connect()).at_data()

    assert (await client.say(content + b".")).startswith("250")

    assert served.submissions.envelopes[0].content == content


async def test_too_much_content_is_refused_at_its_end(served: Served) -> None:
    """A message over the limit is read to its end, refused, and the session goes on (A15)."""
    client = await (await served.connect()).at_data()

    assert await client.say(b"x" * 1_000_000 + b"\r\n.") == "552 5.3.4 Message too big"

    assert served.submissions.envelopes == []
    client.send(ENVELOPE)
    assert [(await client.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
    assert (await client.say(MESSAGE + b".")).startswith("250")


async def test_ten_thousand_recipients_are_no_harm(served: Served) -> None:
    """Beyond the limit each RCPT hears 452, and those before it are served (A13)."""
    client = await (await served.connect()).greeted()
    client.send(b"MAIL FROM:<news@shop.example>\r\n")
    client.send(b"".join(b"RCPT TO:<p%d@example.org>\r\n" % number for number in range(10_000)))
    client.send(b"DATA\r\n")

    replies = [(await client.reply())[:9] for _ in range(10_002)]

    assert replies == ["250 2.1.0", *["250 2.1.5"] * 100, *["452 4.5.3"] * 9_900, "354 End d"]
    assert (await client.say(MESSAGE + b".")).startswith("250")
    assert len(served.submissions.envelopes[0].recipients) == 100


@pytest.mark.parametrize("breaking", [Client.reset, Client.hang_up])
@pytest.mark.parametrize("content", [b"", MESSAGE, MESSAGE + b".", MESSAGE + b".\r", b"x" * 200_000])
async def test_a_message_cut_off_is_never_submitted(breaking: object, content: bytes, served: Served) -> None:
    """Without the final dot nothing happens, however the client leaves."""
    client = await (await served.connect()).at_data()
    client.send(content)
    await client.writer.drain()

    breaking(client)  # type: ignore[operator]

    async with asyncio.timeout(10):
        await served.server.drain()
    assert served.submissions.envelopes == []


@pytest.mark.parametrize("said", [b"", HELLO, HELLO + ENVELOPE, HELLO + ENVELOPE + MESSAGE])
async def test_a_silent_client_is_sent_away(said: bytes) -> None:
    """Wherever a client falls silent, its time ends, and nothing is submitted."""
    async with serving(timeout_seconds=0.1) as served:
        client = await served.connect()
        client.send(said)

        assert (await client.rest()).splitlines()[-1] == "421 4.4.2 Timed out, closing the connection"
        assert served.submissions.envelopes == []


@pytest.mark.parametrize("said", [b"NOOP\r\n", b"x"])
async def test_being_busy_without_fruit_is_no_reason_to_stay(said: bytes) -> None:
    """A client that is never silent but never submits is sent away too (A11)."""
    async with serving(timeout_seconds=0.1) as served:
        client = await (await served.connect()).at_data() if said == b"x" else await served.connect()
        rest = asyncio.ensure_future(client.rest())
        tick = asyncio.Event()
        while not rest.done():
            client.send(said)
            asyncio.get_running_loop().call_later(0.02, tick.set)
            await tick.wait()
            tick.clear()

        assert "421 4.4.2" in await rest


async def test_who_never_reads_is_cut_off() -> None:
    """A client that takes none of our replies is not waited for, neither to obey it nor to part from it."""
    async with serving(timeout_seconds=0.1) as served:
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.bind((LAN, 0))
        raw.setblocking(False)
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(10):
            await loop.sock_connect(raw, served.address)
            with raw, pytest.raises(ConnectionError):
                await loop.sock_sendall(raw, HELLO * 1_000_000)


async def test_who_bears_fruit_may_stay() -> None:
    """A client that submits message after message is not sent away for having stayed long."""
    async with serving(timeout_seconds=0.5) as served:
        client = await (await served.connect()).greeted()
        tick = asyncio.Event()
        for _ in range(14):
            client.send(ENVELOPE)
            assert [(await client.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
            assert (await client.say(MESSAGE + b".")).startswith("250")
            asyncio.get_running_loop().call_later(0.15, tick.set)
            await tick.wait()
            tick.clear()


@pytest.mark.parametrize("breaking", [Client.reset, Client.hang_up])
async def test_a_relay_outlives_its_client(breaking: object, served: Served) -> None:
    """A client that hangs up in mid-relay is noticed, stops nothing, and has not heard (B2)."""
    served.submissions.held = asyncio.Event()
    client = await (await served.connect()).at_data()
    client.send(MESSAGE + DOT)
    async with asyncio.timeout(10):
        await served.submissions.begun.wait()

    breaking(client)  # type: ignore[operator]
    assert served.submissions.gone
    async with asyncio.timeout(10):
        await served.submissions.gone.wait()
    assert served.server.sessions == 1
    assert served.submissions.closed == []
    served.submissions.held.set()

    assert await settled(served) == [False]


async def test_no_timer_runs_during_a_relay() -> None:
    """A relay may take longer than a client may be silent (B5)."""
    async with serving(timeout_seconds=0.25) as served:
        served.submissions.held = asyncio.Event()
        client = await (await served.connect()).at_data()
        client.send(MESSAGE + DOT)
        asyncio.get_running_loop().call_later(1.1, served.submissions.held.set)

        assert (await client.reply()).startswith("250 2.0.0")


@pytest.mark.parametrize("command", [b"NOOP\r\n", b"QUIT\r\n", b"N"])
async def test_who_speaks_has_heard(command: bytes, served: Served) -> None:
    """The next octet of the client after our reply shows that it heard (I5)."""
    client = await (await served.connect()).at_data()
    await client.say(MESSAGE + b".")
    assert served.submissions.closed == []

    client.send(command)

    assert await settled(served) == [True]


async def test_who_closes_in_order_has_heard(served: Served) -> None:
    """A client that closes after our reply heard it (I5)."""
    client = await (await served.connect()).at_data()
    await client.say(MESSAGE + b".")

    client.hang_up()

    assert await settled(served) == [True]


async def test_who_breaks_off_has_not_heard(served: Served) -> None:
    """A connection that breaks after our reply leaves in doubt whether it was heard: it was not (I5)."""
    client = await (await served.connect()).at_data()
    await client.say(MESSAGE + b".")

    client.reset()

    assert await settled(served) == [False]


async def test_who_falls_silent_has_not_heard() -> None:
    """A client that says nothing more until its time is up has not heard (I5)."""
    async with serving(timeout_seconds=0.3) as served:
        client = await (await served.connect()).at_data()
        await client.say(MESSAGE + b".")

        assert (await client.rest()).startswith("421 4.4.2")
        client.hang_up()
        assert await settled(served) == [False]


async def test_a_command_sent_before_our_reply_proves_nothing(served: Served) -> None:
    """QUIT in one packet with the dot was not said because of our reply; closing afterwards is (I5)."""
    client = await (await served.connect()).at_data()
    client.send(MESSAGE + DOT + b"QUIT\r\n")

    assert await client.rest() == ("250 2.0.0 ref1 relayed=1 withheld=0 refused=0\r\n221 2.0.0 Bye\r\n")
    assert served.submissions.closed == []
    client.hang_up()
    assert await settled(served) == [True]


async def test_each_outcome_is_settled_once(served: Served) -> None:
    """Message after message on one connection, each is heard by what follows it, once."""
    client = await (await served.connect()).greeted()
    for _ in range(3):
        client.send(ENVELOPE)
        assert [(await client.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
        await client.say(MESSAGE + b".")
    await client.say("QUIT")

    assert served.submissions.closed == [True] * 3


@pytest.mark.parametrize("cause", [Cause.UNAVAILABLE, Cause.ALL_WITHHELD])
async def test_other_outcomes_are_settled_too(cause: Cause, served: Served) -> None:
    """Whether a refusal was heard is told as well; the session goes on."""
    served.submissions.answer = lambda envelope: Outcome(envelope.ref, cause)
    client = await (await served.connect()).at_data()
    assert (await client.say(MESSAGE + b"."))[:3] in ("451", "550")
    await client.say("RSET")

    assert served.submissions.closed == [True]


async def test_a_smarthosts_refusals_are_not_the_clients_errors(served: Served) -> None:
    """Codes passed on from the next hop never count against the client, nor is an outcome lost by them."""
    answer = Answer(Kind.REPLY, Stage.RCPT, 555, "5.5.4", "No")
    served.submissions.answer = lambda envelope: Outcome(envelope.ref, Cause.ALL_REFUSED, answer=answer)
    client = await (await served.connect()).greeted()
    for _ in range(MAX_ERRORS + 1):
        client.send(ENVELOPE)
        assert [(await client.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
        assert (await client.say(MESSAGE + b".")).startswith("555 5.5.4")
    await client.say("QUIT")

    assert served.submissions.closed == [True] * (MAX_ERRORS + 1)


async def test_an_unexpected_fault_is_temporary_and_says_nothing(served: Served) -> None:
    """A fault of ours is 451 with the reference, never a 5yz or internals; the log has the cause (I4)."""

    def fail(envelope: Envelope) -> Outcome:
        raise RuntimeError("table secrets has no column x")

    served.submissions.answer = fail
    client = await (await served.connect()).at_data()
    with structlog.testing.capture_logs() as logs:
        client.send(MESSAGE + DOT)
        said = await client.rest()

    assert said == "451 4.3.0 ref1 temporary fault, try again later\r\n"
    assert [(line["log_level"], line["ref"], line["exc_info"]) for line in logs] == [("error", "ref1", True)]
    assert (await (await served.connect()).reply()).startswith("220")


async def test_a_fault_at_rcpt_is_temporary_too(served: Served) -> None:
    """Whatever the story throws before DATA, nothing is submitted and the client may try again (I4)."""

    def fail() -> tuple[int, str]:
        raise RuntimeError("no ids left")

    served.submissions.new_submission = fail  # type: ignore[method-assign]
    client = await (await served.connect()).greeted()
    client.send(ENVELOPE)

    assert await client.rest() == "451 4.3.0 session temporary fault, try again later\r\n"
    assert served.submissions.envelopes == []


async def test_only_so_many_connections(served: Served) -> None:
    """Beyond the limit a client is turned away at once, and let in when another has left (A12)."""
    async with serving(max_connections=2) as few:
        first, second = await few.connect(), await few.connect()
        assert [(await one.reply())[:3] for one in (first, second)] == ["220", "220"]

        third = await few.connect()
        assert await third.rest() == "421 4.3.2 Too many connections, try again later\r\n"

        await first.say("QUIT")
        await first.rest()
        assert (await (await few.connect()).reply()).startswith("220")


async def test_what_there_is_no_room_for_now_is_put_off() -> None:
    """While others fill the room a message is read, dropped and put off; alone it always fits."""
    async with serving(max_bytes_in_flight=50_000) as served:
        served.submissions.held = asyncio.Event()
        first = await (await served.connect()).at_data()
        first.send(b"x" * 60_000 + b"\r\n.\r\n")
        async with asyncio.timeout(10):
            await served.submissions.begun.wait()

        second = await (await served.connect()).at_data()
        said = await second.say(b"y" * 40_000 + b"\r\n.")
        assert said == "451 4.3.2 No room for the message now, try again later"

        served.submissions.held.set()
        assert (await first.reply()).startswith("250")
        second.send(ENVELOPE)
        assert [(await second.reply())[:3] for _ in range(3)] == ["250", "250", "354"]
        assert (await second.say(b"y" * 40_000 + b"\r\n.")).startswith("250")
        assert len(served.submissions.envelopes) == 2


async def test_what_is_put_off_is_never_submitted_in_part() -> None:
    """A message that found no room half-way is put off whole, however much of it comes after."""
    async with serving(max_bytes_in_flight=50_000, max_message_bytes=300_000) as served:
        served.submissions.held = asyncio.Event()
        first = await (await served.connect()).at_data()
        first.send(MESSAGE + DOT)
        async with asyncio.timeout(10):
            await served.submissions.begun.wait()

        second = await (await served.connect()).at_data()
        assert (await second.say(b"y" * 250_000 + b"\r\n.")).startswith("451 4.3.2")
        served.submissions.held.set()
        assert [one.content for one in served.submissions.envelopes] == [MESSAGE]


async def test_a_declared_size_takes_its_room_at_once() -> None:
    """Who says how much is coming finds room for it, or hears so; room is given back when it breaks off."""
    async with serving(max_bytes_in_flight=50_000) as served:
        first = await (await served.connect()).greeted()
        for command in ("MAIL FROM:<news@shop.example> SIZE=45000", "RCPT TO:<kim@example.org>", "DATA"):
            await first.say(command)

        second = await (await served.connect()).at_data()
        assert (await second.say(b"y" * 10_000 + b"\r\n.")).startswith("451 4.3.2")

        first.send(b"bare\n")
        assert (await first.rest()).startswith("550")
        first.hang_up()
        second.send(ENVELOPE)
        assert [(await second.reply())[:3] for _ in range(3)] == ["250", "250", "354"]


async def test_draining_sends_the_idle_away_and_lets_the_others_finish(served: Served) -> None:
    """On shutdown the idle hear 421, a transaction is finished first, and nobody new is let in (B7)."""
    idle = await (await served.connect()).greeted()
    busy = await (await served.connect()).at_data()
    relaying = await (await served.connect()).at_data()
    served.submissions.held = asyncio.Event()
    relaying.send(MESSAGE + DOT)
    async with asyncio.timeout(10):
        await served.submissions.begun.wait()

    draining = asyncio.ensure_future(served.server.drain())
    assert await idle.rest() == "421 4.3.2 Shutting down, try again later\r\n"
    with pytest.raises(OSError, match=r"[Cc]onnect"):
        await served.connect()
    busy.send(MESSAGE + DOT)
    served.submissions.held.set()

    for client in (busy, relaying):
        replies = (await client.rest()).splitlines()
        assert [line[:9] for line in replies] == ["250 2.0.0", "421 4.3.2"]
        client.hang_up()
    idle.hang_up()
    async with asyncio.timeout(10):
        await draining
    assert served.server.sessions == 0
    assert served.submissions.closed == [True, True]


async def test_who_is_queued_when_draining_begins_hears_so() -> None:
    """Who had connected, but was not accepted yet, hears 421 and is not reset (RFC 5321 section 3.8)."""
    async with serving() as served:
        clients = [socket.create_connection(served.address, timeout=10) for _ in range(5)]

        await served.server.drain()

        for client in clients:
            with client, client.makefile("rb") as words:
                assert (await asyncio.to_thread(words.read)).startswith(b"421 4.3.2")


async def test_retiring_leaves_sessions_alone() -> None:
    """While a successor accepts the new, those who are here go on; it ends when they have left."""
    async with serving() as served:
        client = await (await served.connect()).greeted()
        retiring = asyncio.ensure_future(served.server.retire())
        for _ in range(10):  # turns of the loop, in which it closes the door
            await asyncio.sleep(0)
        with pytest.raises(OSError, match=r"[Cc]onnect"):
            await served.connect()
        stayed = not retiring.done()
        client.send(ENVELOPE + MESSAGE + DOT + b"QUIT\r\n")
        replies = (await client.rest()).splitlines()
        client.hang_up()
        async with asyncio.timeout(10):
            await retiring

    assert stayed
    assert [line[:3] for line in replies][-2:] == ["250", "221"]


async def test_draining_begins_no_new_transaction(served: Served) -> None:
    """A transaction pipelined behind the one that finishes is not begun."""
    client = await (await served.connect()).at_data()
    draining = asyncio.ensure_future(served.server.drain())
    client.send(MESSAGE + DOT + ENVELOPE)

    replies = (await client.rest()).splitlines()

    assert [line[:9] for line in replies] == ["250 2.0.0", "421 4.3.2"]
    client.hang_up()
    async with asyncio.timeout(10):
        await draining


async def test_replies_to_one_packet_come_in_one(served: Served) -> None:
    """Commands pipelined in one write are answered in one write (RFC 2920)."""
    client = await (await served.connect()).greeted()
    client.send(ENVELOPE)
    await client.line()

    assert bytes(client.reader._buffer).count(b"\r\n") == 2  # type: ignore[attr-defined]


async def test_no_address_and_no_secret_is_logged(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing a peer says about persons or secrets is in any log line at INFO or above (L26)."""
    caplog.set_level(logging.INFO)
    with structlog.testing.capture_logs() as logs:
        client = await (await served.connect()).at_data()
        await client.say(MESSAGE + b".")
        await client.say("AUTH PLAIN AHNlY3JldC1uYW1lAHNlY3JldC13b3Jk")
        await client.say("RCPT TO:<kim@example.org")
        await client.say("VRFY kim@example.org")
        await client.say("QUIT")

    text = "".join(record.getMessage() for record in caplog.records) + str(logs)
    assert "login failed" in text
    assert not [word for word in ("kim", "news@", "secret-", "AHNl", LAN) if word in text]
