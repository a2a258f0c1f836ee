"""The pool and the dialog with the smarthost, against a real SMTP server that misbehaves on command."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.envelope import Answer, FateKind, Kind, Stage, fate_kind
from gateway.smtp.dialog import MAX_LINE, GarbledError, Reply, ReplyReader
from gateway.smtp.smarthost import SmarthostPool
from tests.doubles import EXTENSIONS, RecordingSmarthost, trusting_context

CONTENT = b"Subject: Hello\r\n\r\nHello there\r\n"
SHORT = 0.5  # seconds for a step that is meant to time out; those before and after it must not
NO_PIPELINING = tuple(offer for offer in EXTENSIONS if offer != "PIPELINING")
PLAIN_ONLY = ("PIPELINING",)


@asynccontextmanager
async def pooled(smarthost: RecordingSmarthost, **settings: Any) -> AsyncIterator[SmarthostPool]:
    """A pool for this smarthost, closed at the end."""
    settings.setdefault("timeout_seconds", 10)
    pool = SmarthostPool(smarthost.host, smarthost.port, hostname="gateway.test", **settings)
    try:
        yield pool
    finally:
        await pool.close()


async def relayed(
    pool: SmarthostPool,
    recipient: str = "kim@example.org",
    content: bytes = CONTENT,
    *,
    sender: str = "shop@example.com",
    smtputf8: bool = False,
) -> Answer:
    """The answer to one copy on a lease of its own."""
    async with pool.lease(1) as held:
        if isinstance(held, Answer):
            return held
        return await held[0].relay(sender, recipient, content, smtputf8=smtputf8)


# --- a copy that goes well


async def test_a_copy_arrives_as_given() -> None:
    """Sender, recipient and octets reach the smarthost exactly as they were given (I9)."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost) as pool:
        answer = await relayed(pool, '"odd name"@Example.ORG', b"X: y\r\n\r\n.dot\r\n..\r\n\r\n.\r\n")
    assert answer == Answer(Kind.REPLY, Stage.DOT, 250, "2.0.0", "Taken")
    [message] = smarthost.messages
    assert (message.sender, message.recipients) == ("shop@example.com", ('"odd name"@Example.ORG',))
    assert message.content == b"X: y\r\n\r\n.dot\r\n..\r\n\r\n.\r\n"


LINES = st.lists(
    st.sampled_from([b"", b".", b"..", b".x", b"x.", b"a", "é".encode(), b"QUIT", b"\t."]), max_size=12
)


@settings(max_examples=60, deadline=None)
@given(lines=LINES, pipelining=st.booleans())
async def test_whatever_the_lines_the_content_survives(lines: list[bytes], pipelining: bool) -> None:
    """Dot-stuffing loses and adds nothing, wherever dots and empty lines stand (RFC 5321 section 4.5.2)."""
    content = b"".join(line + b"\r\n" for line in lines)
    async with RecordingSmarthost(extensions=EXTENSIONS if pipelining else NO_PIPELINING) as smarthost:
        async with pooled(smarthost) as pool:
            assert (await relayed(pool, content=content)).code == 250
            assert (await relayed(pool, content=CONTENT)).code == 250
    assert [message.content for message in smarthost.messages] == [content, CONTENT]


@pytest.mark.parametrize("tls", ["none", "starttls", "implicit"])
async def test_a_large_copy_arrives_whole(tls: Any) -> None:
    """Content of many chunks arrives octet for octet, in the clear and under TLS."""
    content = b"".join(b".%d and more of it\r\n" % number for number in range(200_000))
    async with RecordingSmarthost(tls=tls) as smarthost:
        async with pooled(smarthost, tls=tls, tls_context=trusting_context()) as pool:
            assert (await relayed(pool, content=content)).code == 250
    assert smarthost.messages[0].content == content


PARAMETERS = [
    ("plain", EXTENSIONS, CONTENT, False, ("SIZE=31",)),
    ("8-bit", EXTENSIONS, CONTENT + b"\xe9\r\n", False, ("SIZE=34", "BODY=8BITMIME")),
    ("smtputf8", EXTENSIONS, CONTENT, True, ("SIZE=31", "SMTPUTF8")),
    ("nothing offered", (), CONTENT, False, ()),
]


@pytest.mark.parametrize(
    ("extensions", "content", "smtputf8", "parameters"),
    [row[1:] for row in PARAMETERS],
    ids=[row[0] for row in PARAMETERS],
)
async def test_parameters_follow_the_content_and_the_offer(
    extensions: tuple[str, ...], content: bytes, smtputf8: bool, parameters: tuple[str, ...]
) -> None:
    """SIZE where offered, BODY=8BITMIME only for 8-bit octets, SMTPUTF8 when asked (RFC 1870, 6152, 6531)."""
    async with RecordingSmarthost(extensions=extensions) as smarthost, pooled(smarthost) as pool:
        assert (await relayed(pool, content=content, smtputf8=smtputf8)).code == 250
    assert smarthost.messages[0].parameters == parameters


@pytest.mark.parametrize(("content", "smtputf8"), [(CONTENT + b"\xe9\r\n", False), (CONTENT, True)])
async def test_what_was_not_offered_is_never_sent(content: bytes, smtputf8: bool) -> None:
    """8-bit octets or UTF-8 addresses never go to a smarthost that does not take them: a set-up fault."""
    async with RecordingSmarthost(extensions=PLAIN_ONLY) as smarthost, pooled(smarthost) as pool:
        async with pool.lease(1) as held:
            assert not isinstance(held, Answer)
            assert (held[0].takes_8bit, held[0].takes_smtputf8) == (False, False)
        assert (await relayed(pool, content=content, smtputf8=smtputf8)).kind is Kind.SETUP
        assert (await relayed(pool)).code == 250
    assert smarthost.delivered == ["kim@example.org"]


async def test_utf8_addresses_and_the_null_sender() -> None:
    """A UTF-8 address travels as its octets, and the null sender as <> (RFC 5321 section 4.5.5)."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost) as pool:
        await relayed(pool, "zoë@exämple.org", sender="", smtputf8=True)
    assert smarthost.messages[0].sender == ""
    assert smarthost.delivered == ["zoë@exämple.org"]


@pytest.mark.parametrize("recipient", ["a@x.org>\r\nRCPT TO:<victim@x.org", "a@x.org\n", "zoë@x.org"])
async def test_an_address_never_becomes_a_command(recipient: str) -> None:
    """An address with a line end, or a UTF-8 one without SMTPUTF8, is refused before a word is said."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost) as pool:
        with pytest.raises(ValueError):
            await relayed(pool, recipient)
    assert not [line for line in smarthost.commands if line.startswith(("MAIL", "RCPT"))]


async def test_commands_are_pipelined_only_where_offered() -> None:
    """With PIPELINING the envelope goes in one write; without, commands wait for replies (RFC 2920)."""
    for extensions, early in ((EXTENSIONS, 2), (NO_PIPELINING, 0)):
        async with RecordingSmarthost(extensions=extensions) as smarthost, pooled(smarthost) as pool:
            assert (await relayed(pool)).code == 250
        assert smarthost.early == early


# --- faults, stage by stage

SETTING_UP = (Stage.GREETING, Stage.EHLO, Stage.STARTTLS, Stage.AUTH)
RELAYING = (Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT)
Fault = Callable[[RecordingSmarthost, Stage], None]

# name, the fault, its kind while setting up, its kind while relaying, the code
FAULTS: list[tuple[str, Fault, Kind, Kind, int]] = [
    ("450", lambda s, at: s.answer(at, "450 4.2.0 Later", times=1), Kind.SETUP, Kind.REPLY, 450),
    ("550", lambda s, at: s.answer(at, "550 5.1.1 No", times=1), Kind.SETUP, Kind.REPLY, 550),
    ("421", lambda s, at: s.answer(at, "421 4.3.2 Bye", times=1), Kind.CLOSED, Kind.CLOSED, 421),
    ("530", lambda s, at: s.answer(at, "530 5.7.0 Log in", times=1), Kind.SETUP, Kind.SETUP, 530),
    ("535", lambda s, at: s.answer(at, "535 5.7.8 Wrong", times=1), Kind.SETUP, Kind.SETUP, 535),
    ("538", lambda s, at: s.answer(at, "538 5.7.11 Encrypt", times=1), Kind.SETUP, Kind.SETUP, 538),
    ("hang", lambda s, at: s.hang(at, times=1), Kind.SLOW, Kind.SLOW, 0),
    ("close", lambda s, at: s.close(at, times=1), Kind.CLOSED, Kind.CLOSED, 0),
    ("reset", lambda s, at: s.reset(at, times=1), Kind.CLOSED, Kind.CLOSED, 0),
    ("garbage", lambda s, at: s.garble(at, b"HTTP/1.1 400 Bad\r\n", times=1), Kind.CLOSED, Kind.CLOSED, 0),
    ("mixed", lambda s, at: s.garble(at, b"250-a\r\n550 b\r\n", times=1), Kind.CLOSED, Kind.CLOSED, 0),
    ("1yz", lambda s, at: s.garble(at, b"150 soon\r\n", times=1), Kind.CLOSED, Kind.CLOSED, 0),
    (
        "100 kB line",
        lambda s, at: s.garble(at, b"250 " + b"x" * 100_000 + b"\r\n", times=1),
        Kind.CLOSED,
        Kind.CLOSED,
        0,
    ),
    ("endless line", lambda s, at: s.flood(at, b"250 xxxxxxx", times=1), Kind.CLOSED, Kind.CLOSED, 0),
    ("endless lines", lambda s, at: s.flood(at, b"250-more\r\n" * 9, times=1), Kind.CLOSED, Kind.CLOSED, 0),
    ("no such code", lambda s, at: s.garble(at, b"999 x\r\n", times=1), Kind.CLOSED, Kind.CLOSED, 0),
]


@pytest.mark.parametrize("pipelining", [True, False], ids=["pipelining", "in turn"])
@pytest.mark.parametrize("stage", SETTING_UP + RELAYING)
@pytest.mark.parametrize(
    ("fault", "setting_up", "relaying", "code"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS]
)
async def test_each_fault_at_each_stage(
    fault: Fault, setting_up: Kind, relaying: Kind, code: int, stage: Stage, pipelining: bool
) -> None:
    """Every fault is told by kind, stage and code (contract section 4); none touches the next copy."""
    extensions = EXTENSIONS if pipelining else NO_PIPELINING
    timeout = SHORT if relaying is Kind.SLOW else 10
    async with RecordingSmarthost(tls="starttls", users={"us": "secret"}, extensions=extensions) as smarthost:
        fault(smarthost, stage)
        async with pooled(
            smarthost,
            tls="starttls",
            tls_context=trusting_context(),
            username="us",
            password="secret",
            timeout_seconds=timeout,
        ) as pool:
            answer = await relayed(pool, "first@example.org")
            kind = relaying if stage in RELAYING else setting_up
            assert (answer.kind, answer.stage, answer.code) == (kind, stage, code)
            assert fate_kind(answer) is not FateKind.RELAYED
            assert (fate_kind(answer) is FateKind.UNKNOWN) == (stage is Stage.DOT and code == 0)
            assert (await relayed(pool, "second@example.org")).code == 250
    assert smarthost.delivered == ["second@example.org"]


@pytest.mark.parametrize("deed", ["hang", "close", "reset"])
async def test_a_lost_answer_to_the_dot_is_unknown_and_never_tried_again(deed: str) -> None:
    """The smarthost took the copy and its answer was lost: unknown, and not sent again (I5, RFC 1047)."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost, timeout_seconds=SHORT) as pool:
        await relayed(pool, "before@example.org")
        getattr(smarthost, deed)(Stage.DOT, times=1, accepted=True)
        answer = await relayed(pool, "once@example.org")
        assert (answer.stage, answer.code, fate_kind(answer)) == (Stage.DOT, 0, FateKind.UNKNOWN)
    assert smarthost.delivered == ["before@example.org", "once@example.org"]


async def test_an_answer_followed_by_noise_still_counts() -> None:
    """A whole 250 to the dot is believed, whatever follows it; the connection is not used again."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost) as pool:
        for noise in ("550 5.1.1 Surprise", "\x00noise"):
            smarthost.answer(Stage.DOT, f"250 2.0.0 Taken\n{noise}", times=1)
            assert (await relayed(pool)).code == 250
        assert (await relayed(pool)).code == 250
    assert smarthost.connections == 3
    assert len(smarthost.messages) == 3


async def test_a_reply_too_many_is_not_taken_for_the_next() -> None:
    """Two replies to one command put the dialog out of step: the copy is not answered by the second."""
    async with RecordingSmarthost(extensions=NO_PIPELINING) as smarthost, pooled(smarthost) as pool:
        smarthost.answer(Stage.MAIL, "250 2.1.0 Ok\n550 5.1.1 Surprise", times=1)
        answer = await relayed(pool)
    assert (answer.kind, answer.code) == (Kind.CLOSED, 0)


async def test_a_late_reply_is_not_the_next_copys() -> None:
    """A reply that comes after its time was up reaches nobody: the next copy has its own answer."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost, timeout_seconds=SHORT) as pool:
        gate = smarthost.hold(Stage.RCPT, times=1)
        assert (await relayed(pool, "slow@example.org")).kind is Kind.SLOW
        smarthost.answer(Stage.RCPT, "550 5.1.1 Gone", recipient="gone@example.org")
        gate.release()
        assert (await relayed(pool, "gone@example.org")).code == 550


@pytest.mark.parametrize("code", ["250 2.0.0 Taken already", "354 Go ahead"])
@pytest.mark.parametrize("stage", RELAYING)
async def test_yes_in_the_wrong_place_is_not_relayed(stage: Stage, code: str) -> None:
    """2yz to DATA, or 354 to anything else, is no answer: the copy never counts as relayed."""
    if code.startswith("250") == (stage is not Stage.DATA):
        return  # in its place
    async with RecordingSmarthost() as smarthost, pooled(smarthost, timeout_seconds=SHORT) as pool:
        smarthost.answer(stage, code, times=1)
        answer = await relayed(pool)
    assert (answer.kind, answer.stage, answer.code) == (Kind.CLOSED, stage, 0)


async def test_a_reply_is_made_safe_and_told_whole() -> None:
    """Several lines become one, without codes; control characters and 8-bit octets become harmless (A19)."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost) as pool:
        smarthost.answer(
            Stage.RCPT, "550-5.1.1 No\x1b[31m <b>such</b>\n550-5.1.1 us\u00e9r\x00\n550", times=1
        )
        answer = await relayed(pool)
        assert answer == Answer(Kind.REPLY, Stage.RCPT, 550, "5.1.1", "No?[31m <b>such</b> us??r?")
        smarthost.answer(Stage.RCPT, "450-" + "x" * 600 + "\n450 4.2.0 " + "y" * 600, times=1)
        answer = await relayed(pool)
        assert (answer.enhanced, len(answer.text)) == ("", 500)
        smarthost.answer(Stage.RCPT, "550 2.1.5 Of another class", times=1)
        assert (await relayed(pool)).enhanced == ""


async def test_refused_recipient_with_data_accepted_sends_nothing() -> None:
    """DATA's 354 with nobody to send to gets an empty text (RFC 2920 section 3.1); the no counts."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost) as pool:
        smarthost.answer(Stage.RCPT, "550 5.1.1 No", times=1)
        smarthost.answer(Stage.DATA, "354 Whoever", times=1)
        answer = await relayed(pool, "gone@example.org")
        assert (answer.stage, answer.code) == (Stage.RCPT, 550)
        assert (await relayed(pool, "next@example.org")).code == 250
    assert smarthost.delivered == ["next@example.org"]
    assert smarthost.connections == 1
    assert "RSET" in smarthost.commands


@pytest.mark.parametrize("deed", ["hang", "close"])
async def test_a_refusal_stands_whatever_comes_after(deed: str) -> None:
    """A recipient's 550 counts although the connection fails at the DATA pipelined behind it."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost, timeout_seconds=SHORT) as pool:
        smarthost.answer(Stage.RCPT, "550 5.1.1 No", times=1)
        getattr(smarthost, deed)(Stage.DATA, times=1)
        assert (await relayed(pool)).code == 550
        assert (await relayed(pool)).code == 250


async def _serve_once(
    handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> asyncio.Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for words in (b"220 x\r\n", b"250 x\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
            writer.write(words)
            if words != b"354 go\r\n":
                await reader.readuntil(b"\r\n")
        await handle(reader, writer)
        writer.transport.abort()

    return await asyncio.start_server(serve, "127.0.0.1", 0)


async def test_a_refusal_in_mid_content_is_heard() -> None:
    """A smarthost that says 552 and reads no further is understood, not waited for."""
    answered = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1000)
        writer.write(b"552 5.3.4 Too much\r\n")
        await answered.wait()

    async with await _serve_once(handle) as server:
        port = server.sockets[0].getsockname()[1]
        pool = SmarthostPool("127.0.0.1", port, hostname="gateway.test", timeout_seconds=0.5)
        answer = await relayed(pool, content=b"x" * 78 * 200_000 + b"\r\n")
        answered.set()
        await pool.close()
    assert (answer.kind, answer.stage, answer.code) == (Kind.REPLY, Stage.DATA, 552)


async def test_a_connection_lost_in_mid_content_is_known_not_to_have_sent() -> None:
    """Lost before the final dot was handed out: nothing was sent, and it may be tried again."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(1000)

    async with await _serve_once(handle) as server:
        port = server.sockets[0].getsockname()[1]
        pool = SmarthostPool("127.0.0.1", port, hostname="gateway.test", timeout_seconds=10)
        answer = await relayed(pool, content=b"x" * 78 * 200_000 + b"\r\n")
        await pool.close()
    assert (answer.kind, answer.stage, answer.code) == (Kind.CLOSED, Stage.DATA, 0)
    assert fate_kind(answer) is FateKind.DEFERRED


# --- TLS and AUTH


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_copies_travel_under_tls(tls: Any) -> None:
    """With a certificate that fits, the copy goes under TLS, and so does the login."""
    async with RecordingSmarthost(tls=tls, users={"us": "secret"}) as smarthost:
        async with pooled(
            smarthost, tls=tls, tls_context=trusting_context(), username="us", password="secret"
        ) as pool:
            assert (await relayed(pool)).code == 250
    assert (smarthost.messages[0].tls, smarthost.messages[0].user) == (True, "us")


BAD_CERTIFICATES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("other name", {"certificate_names": ["elsewhere.test"]}, {"tls_context": trusting_context()}),
    (
        "expired",
        {"certificate_not_after": datetime(2020, 1, 1, tzinfo=UTC)},
        {"tls_context": trusting_context()},
    ),
    ("unknown authority", {}, {}),
]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize(
    ("server", "client"), [row[1:] for row in BAD_CERTIFICATES], ids=[row[0] for row in BAD_CERTIFICATES]
)
async def test_a_certificate_that_does_not_fit_is_a_setup_fault(
    server: dict[str, Any], client: dict[str, Any], tls: Any
) -> None:
    """Nobody but the configured smarthost is told anything, also on loopback (B8)."""
    async with (
        RecordingSmarthost(tls=tls, **server) as smarthost,
        pooled(smarthost, tls=tls, **client) as pool,
    ):
        answer = await relayed(pool)
    stage = Stage.STARTTLS if tls == "starttls" else Stage.CONNECT
    assert (answer.kind, answer.stage) == (Kind.SETUP, stage)
    assert "certificate" in answer.text
    assert not any(line.startswith("MAIL") for line in smarthost.commands)


async def test_stripped_starttls_is_a_setup_fault() -> None:
    """A smarthost that seems not to offer STARTTLS is told neither password nor mail."""
    async with RecordingSmarthost(users={"us": "secret"}) as smarthost:
        async with pooled(smarthost, tls="starttls", username="us", password="secret") as pool:
            answer = await relayed(pool)
    assert (answer.kind, answer.stage) == (Kind.SETUP, Stage.STARTTLS)
    assert smarthost.commands == ["EHLO gateway.test"]


async def test_what_is_injected_before_tls_is_not_believed() -> None:
    """Clear text behind the STARTTLS reply is an attack (CVE-2011-0411): nothing more is said."""
    async with RecordingSmarthost(tls="starttls") as smarthost:
        smarthost.answer(Stage.STARTTLS, "220 2.0.0 Go ahead\n250 2.1.0 Injected")
        async with pooled(smarthost, tls="starttls", tls_context=trusting_context()) as pool:
            answer = await relayed(pool)
    assert (answer.kind, answer.stage) == (Kind.SETUP, Stage.STARTTLS)
    assert smarthost.commands == ["EHLO gateway.test", "STARTTLS"]


@pytest.mark.parametrize(
    ("mechanisms", "password", "code"),
    [
        ("PLAIN LOGIN", "secret", 250),
        ("LOGIN", "secret", 250),
        ("PLAIN", "wrong", 535),
        ("LOGIN", "wrong", 535),
        ("XOAUTH2", "secret", 0),
    ],
)
async def test_login_by_what_is_offered(mechanisms: str, password: str, code: int) -> None:
    """AUTH PLAIN, else LOGIN; a refused or impossible login is our set-up's fault, not the recipient's."""
    async with RecordingSmarthost(users={"us": "secret"}, mechanisms=mechanisms) as smarthost:
        async with pooled(smarthost, username="us", password=password) as pool:
            answer = await relayed(pool)
    assert answer.code == code
    assert code == 250 or (answer.kind, answer.stage) == (Kind.SETUP, Stage.AUTH)


async def test_a_smarthost_that_is_down_and_comes_back() -> None:
    """Down is a set-up fault at connect; once it is back, mail goes again without further ado."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost) as pool:
        assert (await relayed(pool)).code == 250
        await smarthost.stop()
        answer = await relayed(pool)
        assert (answer.kind, answer.stage) == (Kind.SETUP, Stage.CONNECT)
        assert (await pool.probe()) == answer
        await smarthost.start()
        assert (await relayed(pool)).code == 250
        assert await pool.probe() is None


async def test_a_name_that_does_not_resolve_is_a_setup_fault() -> None:
    """A host name nobody knows is our set-up's fault."""
    pool = SmarthostPool("nowhere.invalid", 25, hostname="gateway.test", timeout_seconds=10)
    answer = await relayed(pool)
    assert (answer.kind, answer.stage) == (Kind.SETUP, Stage.CONNECT)
    await pool.close()


# --- kept connections


async def test_a_connection_is_kept_between_copies() -> None:
    """Copy after copy goes over one connection, also after refusals at every stage."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost) as pool:
        for stage in RELAYING:
            smarthost.answer(stage, "550 5.1.1 No", times=1)
            assert (await relayed(pool)).code == 550
            assert (await relayed(pool)).code == 250
    assert smarthost.connections == 1
    assert len(smarthost.messages) == len(RELAYING)


DEATHS: list[tuple[str, Callable[[RecordingSmarthost], None]]] = [
    ("FIN while idle", lambda s: s.disconnect()),
    ("RST while idle", lambda s: s.disconnect(reset=True)),
    ("421 at MAIL", lambda s: s.answer(Stage.MAIL, "421 4.4.2 Idle too long", times=1)),
    *(
        (f"{deed} at {stage}", lambda s, deed=deed, stage=stage: getattr(s, deed)(stage, times=1))
        for deed in ("close", "reset")
        for stage in (Stage.MAIL, Stage.RCPT, Stage.DATA)
    ),
]


@pytest.mark.parametrize("kill", [row[1] for row in DEATHS], ids=[row[0] for row in DEATHS])
async def test_a_kept_connection_found_dead_is_replaced(kill: Callable[[RecordingSmarthost], None]) -> None:
    """A connection that died while kept costs nobody their copy, and nobody gets two."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost) as pool:
        await relayed(pool, "before@example.org")
        kill(smarthost)
        assert (await relayed(pool, "after@example.org")).code == 250
    assert smarthost.delivered == ["before@example.org", "after@example.org"]
    assert smarthost.connections == 2


async def test_it_is_replaced_once_and_only_for_death() -> None:
    """A new connection that dies too is the answer; so is a 421 further on, which the smarthost meant."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost) as pool:
        await relayed(pool)
        smarthost.close(Stage.MAIL, times=2)
        assert (await relayed(pool)).kind is Kind.CLOSED
        assert smarthost.connections == 2
        await relayed(pool)
        smarthost.answer(Stage.RCPT, "421 4.7.0 Enough", times=1)
        assert (await relayed(pool)).code == 421
    assert smarthost.connections == 3


@pytest.mark.parametrize("answer", ["421 4.7.0 Enough", "530 5.7.0 Log in", "538 5.7.11 Encrypt"])
async def test_a_connection_that_is_not_wanted_is_not_used_again(answer: str) -> None:
    """A reply about the connection or our set-up, not about the copy, is the last one heard on it."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost) as pool:
        smarthost.answer(Stage.RCPT, answer, times=1)
        assert (await relayed(pool)).kind is not Kind.REPLY
        assert (await relayed(pool)).code == 250
    assert smarthost.connections == 2


async def test_a_lease_goes_on_after_its_connection_failed() -> None:
    """On one lease, the copy after a failed one goes over a connection of its own."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost) as pool, pool.lease(1) as held:
        assert not isinstance(held, Answer)
        smarthost.close(Stage.RCPT, times=1)
        codes = [(await held[0].relay("a@x.org", "b@y.org", CONTENT, smtputf8=False)).code for _ in range(3)]
    assert codes == [0, 250, 250]


async def test_idle_connections_are_left_in_order() -> None:
    """A connection idle for long is left with QUIT, and no timer is left behind."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost, idle_seconds=0.05) as pool:
        await relayed(pool)
        await smarthost.heard("QUIT")
        await smarthost.connected(0)
        assert pool._timer is None
        assert (await relayed(pool)).code == 250


async def test_a_cancelled_relay_closes_its_connection() -> None:
    """Cancelling a relay ends its connection, so nobody else gets its answer, and frees the place."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost, max_connections=1) as pool:
        gate = smarthost.hold(Stage.MAIL, times=1)
        task = asyncio.create_task(relayed(pool))
        await gate.reached()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await relayed(pool)).code == 250
        gate.release()
    assert smarthost.connections == 2
    assert len(smarthost.messages) == 1


# --- leases


async def _leased(pool: SmarthostPool, most: int, count: int) -> int:
    """Lease until a lease has `count` connections; returns how many the last had."""
    async with asyncio.timeout(10):
        while True:
            async with pool.lease(most) as held:
                assert not isinstance(held, Answer)
                if len(held) >= count:
                    return len(held)
            await asyncio.sleep(0)  # let the pool's own tasks run


async def test_a_lease_grows_to_a_quarter_and_no_further() -> None:
    """One lease has at most `most` connections, and at most a quarter of the pool."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost, max_connections=16) as pool:
        assert await _leased(pool, 100, 4) == 4
        async with pool.lease(3) as held:
            assert len(held) == 3  # type: ignore[arg-type]
        async with pool.lease(100) as held:
            assert len(held) == 4  # type: ignore[arg-type]
    assert smarthost.connections == 4


async def test_a_lease_never_waits_for_a_second() -> None:
    """With one place left a lease asking for many has one, at once."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost, max_connections=8) as pool:
        async with AsyncExitStack() as others:
            for _ in range(7):
                await others.enter_async_context(pool.lease(1))
            async with pool.lease(2) as held:
                assert len(held) == 1  # type: ignore[arg-type]
    assert smarthost.connections == 8


async def test_turns_come_in_order_and_none_is_lost() -> None:
    """First come, first served; who gives up waiting loses nobody else's turn."""
    order: list[int] = []

    async def wait(pool: SmarthostPool, number: int) -> None:
        async with pool.lease(1):
            order.append(number)

    async with RecordingSmarthost() as smarthost, pooled(smarthost, max_connections=1) as pool:
        async with pool.lease(1):
            tasks = [asyncio.create_task(wait(pool, number)) for number in range(5)]
            await asyncio.sleep(0)  # all of them stand in line now
            tasks[0].cancel()
            tasks[3].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (await relayed(pool)).code == 250
    assert order == [1, 2, 4]
    assert smarthost.connections == 1


async def test_who_gives_up_as_the_turn_comes_passes_it_on() -> None:
    """A lease cancelled in the very moment its turn comes leaves the place to the next."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost, max_connections=1) as pool:
        async with pool.lease(1):
            task = asyncio.create_task(relayed(pool))
            await asyncio.sleep(0)  # it stands in line now
        task.cancel()  # its turn has come, and it has not run since
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await relayed(pool)).code == 250


async def test_a_smarthost_that_talks_to_itself_is_left() -> None:
    """Replies without end to nothing are not collected: the connection goes."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost, idle_seconds=3600) as pool:
        await relayed(pool)
        for _ in range(100):
            smarthost.say("250 2.0.0 Anyone?")
        async with asyncio.timeout(10):
            await smarthost.connected(0)
        assert (await relayed(pool)).code == 250


async def test_places_survive_failures() -> None:
    """Failing connections use up no place: after many, the whole pool is still there."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost, max_connections=2) as pool:
        for stage in (Stage.GREETING, Stage.EHLO, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.DOT) * 2:
            smarthost.answer(stage, "421 4.3.2 No", times=1)
            await asyncio.gather(relayed(pool), relayed(pool), relayed(pool))
            smarthost.behave()
        async with pool.lease(1) as one, pool.lease(1) as two:
            assert len(one) == len(two) == 1  # type: ignore[arg-type]


async def test_connections_that_are_not_granted_hurt_nobody() -> None:
    """A smarthost that allows few connections serves all the same, over those it allows."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost, max_connections=16) as pool:
        await relayed(pool)
        smarthost.answer(Stage.GREETING, "421 4.7.0 Too many connections")
        for _ in range(3):
            async with pool.lease(4) as held:
                assert not isinstance(held, Answer)
                assert (await held[0].relay("a@x.org", "b@y.org", CONTENT, smtputf8=False)).code == 250
    assert smarthost.connections <= 4  # it is not asked again at each lease


async def test_probe_replaces_what_died_and_tells_what_is_busy() -> None:
    """The probe says nothing while mail can go, also over a dead connection; SLOW if none is free."""
    async with (
        RecordingSmarthost() as smarthost,
        pooled(smarthost, max_connections=1, timeout_seconds=SHORT) as pool,
    ):
        assert await pool.probe() is None
        smarthost.close("NOOP", times=1)
        assert await pool.probe() is None
        async with pool.lease(1):
            assert (await pool.probe() or Answer(Kind.REPLY, Stage.DOT)).kind is Kind.SLOW
        assert await pool.probe() is None
    assert smarthost.connections == 2


async def test_a_closed_pool_leases_nothing() -> None:
    """After close every connection has been left in order, and a lease is answered with CLOSED."""
    async with RecordingSmarthost() as smarthost, pooled(smarthost) as pool:
        await relayed(pool)
        await pool.close()
        await smarthost.connected(0)
        assert smarthost.commands[-1] == "QUIT"
        assert (await relayed(pool)).kind is Kind.CLOSED


# --- replies out of octets


@given(
    codes=st.lists(
        st.sampled_from([b"250 ok\r\n", b"354\r\n", b"550-5.1.1 a\r\n550 b\r\n", b"421 \xff\r\n"])
    ),
    cuts=st.lists(st.integers(0, 200)),
)
def test_replies_do_not_depend_on_how_they_are_cut(codes: list[bytes], cuts: list[int]) -> None:
    """The same octets give the same replies in whatever pieces they arrive."""
    octets = b"".join(codes)
    edges = sorted({0, len(octets), *(cut for cut in cuts if cut < len(octets))})
    whole, pieces = ReplyReader(), ReplyReader()
    in_pieces: list[Reply] = []
    for start, end in itertools.pairwise(edges):
        in_pieces += pieces.feed(octets[start:end])
    assert in_pieces == list(whole.feed(octets))
    assert len(in_pieces) == len(codes)
    assert not pieces.midway


@given(st.lists(st.binary(max_size=3 * MAX_LINE), max_size=5))
def test_any_octets_are_replies_or_garbled(chunks: list[bytes]) -> None:
    """Nothing a peer sends does anything but make replies with printable text, or be called garbled."""
    reader = ReplyReader()
    try:
        for chunk in chunks:
            for reply in reader.feed(chunk):
                assert 200 <= reply.code <= 559
                assert all(line.isascii() and line.isprintable() for line in reply.lines)
    except GarbledError:
        pass
