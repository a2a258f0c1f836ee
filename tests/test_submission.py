"""The submission story, where the flows over sockets do not reach: order, doubt, waves and patience."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from gateway.envelope import Answer, Cause, Envelope, FateKind, Kind, Outcome, Recipient, Stage
from gateway.law.decision import Withhold
from gateway.mail.signature import Covered, SigningError
from gateway.ports import Busy, Settled
from tests.relaying import (
    ANNA,
    BRAM,
    CHRIS,
    CLOSED,
    DEFERRED,
    GRANT,
    INVOICE,
    MESSAGE,
    NEWS,
    REFUSED,
    SETUP,
    TAKEN,
    Room,
    envelope,
)

SHORT = 0.05  # seconds, where the time to answer is meant to be spent


@pytest.fixture
async def room() -> Room:
    """The story with its surroundings in memory."""
    return Room()


async def submitted(room: Room, *recipients: str, content: bytes = MESSAGE, **changes: str) -> Outcome:
    """What comes of one message."""
    return await room.submissions.submit(envelope(*recipients, content=content, **changes), room.gone)


def counts(outcome: Outcome) -> tuple[int, int, int]:
    """Relayed, withheld, refused."""
    return outcome.relayed, outcome.withheld, outcome.refused


# --- on record first (I2)


async def test_each_wave_is_decided_then_relayed_then_settled(room: Room) -> None:
    """A wave is no larger than the connections held, and decided on just before its copies go (I2, I3)."""
    room.hop.size = 1
    room.journal.verdicts = {BRAM: [Withhold]}

    outcome = await submitted(room, ANNA, BRAM, CHRIS)

    assert (outcome.cause, counts(outcome)) == (Cause.DONE, (2, 1, 0))
    assert room.events == [
        ("decided", (ANNA,)),
        ("begun", ANNA),
        ("fate", "relayed"),
        ("decided", (BRAM,)),
        ("decided", (CHRIS,)),
        ("begun", CHRIS),
        ("fate", "relayed"),
    ]


async def test_an_objection_under_way_stops_the_rest(room: Room) -> None:
    """Who objects while an earlier wave goes is decided on after it, and gets none (I3)."""
    room.hop.size = 1
    room.journal.decided = lambda: room.journal.verdicts.update({BRAM: [Withhold]})

    outcome = await submitted(room, ANNA, BRAM)

    assert room.hop.served == [ANNA]
    assert counts(outcome) == (1, 1, 0)


async def test_no_answer_before_the_fate_is_committed(room: Room) -> None:
    """The smarthost took it, but the client waits until that is on record (I2)."""
    room.journal.committed.clear()
    answer = asyncio.create_task(submitted(room, ANNA))
    await room.journal.queued.wait()
    for _ in range(20):  # turns of the loop in which it would be answered too early
        await asyncio.sleep(0)
    assert not answer.done()

    room.journal.committed.set()

    assert (await answer).cause is Cause.DONE


@pytest.mark.parametrize("broken", ["down", "unwritable"])
async def test_a_store_that_fails_is_unavailable(room: Room, broken: str) -> None:
    """Decision or fate, what cannot be put on record is 451; without a decision nothing goes (I4, B14)."""
    setattr(room.journal, broken, True)

    outcome = await submitted(room, ANNA)

    assert outcome.cause is Cause.UNAVAILABLE
    assert room.hop.served == ([] if broken == "down" else [ANNA])


# --- what is never decided on

SIGNED = b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n"
TAKEN_NOT: dict[str, tuple[bytes, Cause]] = {
    "hidden recipients": (b'X-SMTPAPI: {"to": ["x@example.org"]}\r\n' + MESSAGE, Cause.HIDDEN_RECIPIENTS),
    "51 Received fields": (b"Received: from a by b\r\n" * 51 + MESSAGE, Cause.TOO_MANY_HOPS),
    "two From fields": (b"From: a@shop.example\r\n" + MESSAGE, Cause.UNPARSABLE),
    "no From": (b"Subject: x\r\n\r\nx\r\n", Cause.UNPARSABLE),
    "no header": (b"x\r\n", Cause.UNPARSABLE),
    "nothing": (b"", Cause.UNPARSABLE),
    "From of another": (b"From: a@other.example\r\n\r\nx\r\n", Cause.FROM_NOT_ALLOWED),
    "From of two, one another's": (
        b"Sender: a@shop.example\r\nFrom: a@shop.example, b@other.example\r\n\r\nx\r\n",
        Cause.FROM_NOT_ALLOWED,
    ),
    "category of another": (b"X-Sendright-Category: club\r\n" + MESSAGE, Cause.CATEGORY_NOT_ALLOWED),
    "empty category": (b"X-Sendright-Category:\r\n" + MESSAGE, Cause.CATEGORY_NOT_ALLOWED),
    "category twice": (b"X-Sendright-Category: news\r\n" * 2 + MESSAGE, Cause.CATEGORY_NOT_ALLOWED),
    "no room for the notice": (SIGNED + MESSAGE, Cause.UNPARSABLE),
}


@pytest.mark.parametrize(("content", "cause"), TAKEN_NOT.values(), ids=TAKEN_NOT)
async def test_what_cannot_be_taken_is_never_decided_on(room: Room, content: bytes, cause: Cause) -> None:
    """The whole message is refused before any person is looked at: nothing decided, nothing sent."""
    outcome = await submitted(room, ANNA, content=content)

    assert outcome.cause is cause
    assert room.events == []


async def test_fifty_received_fields_are_taken(room: Room) -> None:
    """Fifty hops are a long way, not yet a loop (contract section 4)."""
    assert (await submitted(room, ANNA, content=b"Received: x\r\n" * 50 + MESSAGE)).cause is Cause.DONE


async def test_what_only_marketing_must_carry_service_need_not(room: Room) -> None:
    """A sealed invoice goes as it is: service mail gets no notice (L12)."""
    content = b"X-Sendright-Category: invoice\r\n" + SIGNED + MESSAGE

    assert (await submitted(room, ANNA, content=content)).cause is Cause.DONE
    assert room.journal.waves[0].category == INVOICE


async def test_the_smarthost_down_decides_nothing(room: Room) -> None:
    """No connection, no decision on record: the client hears whose fault it is (I4)."""
    room.hop.fault = SETUP

    outcome = await submitted(room, ANNA)

    assert (outcome.cause, outcome.answer, room.events) == (Cause.SETUP_FAULT, SETUP, [])


# --- copies that fail


class Broken:
    """A signing key that is out of order, for the copies named in `only`."""

    def __init__(self, *only: int) -> None:
        self.only, self.signed = only, 0

    def sign(self, content: bytes, *, signed_at: int) -> bytes:
        return self.sign_parts(Covered(b"", b""), b"", signed_at=signed_at)

    def sign_parts(self, header: Covered, body_digest: bytes, *, signed_at: int) -> bytes:
        self.signed += 1
        if not self.only or self.signed in self.only:
            raise SigningError("no key")
        return b""


async def test_a_copy_that_cannot_be_signed_is_not_sent() -> None:
    """451, the decision has its fate `deferred`, and nothing went to the smarthost (I2, I4)."""
    room = Room(signers=[Broken()])

    with capture_logs():
        outcome = await submitted(room, ANNA)

    assert (outcome.cause, room.kinds, room.hop.served) == (Cause.UNAVAILABLE, [FateKind.DEFERRED], [])


async def test_one_copy_that_fails_leaves_no_other_without_its_fate() -> None:
    """Of three copies the second cannot be made: the others end first, all three fates are on record (I2)."""
    room = Room(signers=[Broken(2)])
    room.hop.open.clear()

    with capture_logs():
        answer = asyncio.create_task(submitted(room, ANNA, BRAM, CHRIS))
        await room.journal.queued.wait()  # the one that failed is on record, the others are in flight
        for _ in range(20):  # turns of the loop in which it would be answered too early
            await asyncio.sleep(0)
        assert not answer.done()
        room.hop.open.set()
        outcome = await answer

    assert outcome.cause is Cause.UNAVAILABLE
    assert room.kinds == [FateKind.DEFERRED, FateKind.RELAYED, FateKind.RELAYED]
    assert room.hop.served == [ANNA, CHRIS]


async def test_service_mail_that_cannot_be_signed_is_never_decided_on() -> None:
    """Its one copy is made before the decision: 451, and nothing on record but the attempt (I4)."""
    room = Room(signers=[Broken()])

    with capture_logs():
        outcome = await submitted(room, ANNA, content=b"X-Sendright-Category: invoice\r\n" + MESSAGE)

    assert (outcome.cause, room.events) == (Cause.UNAVAILABLE, [])


async def test_an_address_the_next_hop_cannot_take_is_refused_unsent(room: Room) -> None:
    """553 5.6.7 is final, on record, and not a byte of it reaches the smarthost (A16)."""
    room.hop.takes_smtputf8 = False

    outcome = await submitted(room, "kïm@example.org")

    assert outcome.cause is Cause.ALL_REFUSED
    assert outcome.answer is not None
    assert (outcome.answer.code, outcome.answer.enhanced) == (553, "5.6.7")
    assert (room.kinds, room.hop.served) == ([FateKind.REFUSED], [])


# --- what the operator is told


async def test_the_log_names_what_failed_at_the_smarthost(room: Room) -> None:
    """Host, port, stage, code and words of a fault of the set-up; no words about a person (L26)."""
    room.hop.fault = Answer(Kind.SETUP, Stage.AUTH, 535, "5.7.8", "authentication failed")
    with capture_logs() as logs:
        await submitted(room, ANNA)
    room.hop.fault = None
    room.hop.answers[ANNA] = Answer(Kind.REPLY, Stage.RCPT, 451, "4.2.1", f"{ANNA} is greylisted")
    with capture_logs() as later:
        await submitted(room, ANNA)

    told = [(line["next_hop"], line["stage"], line["code"], line.get("text")) for line in (*logs, *later)]
    assert told == [
        ("mx.example:25", "AUTH", 535, "authentication failed"),
        ("mx.example:25", "RCPT", 451, None),
    ]


# --- the same fault again and again (I4)


async def test_the_third_fault_on_one_message_raises_an_alarm(room: Room) -> None:
    """Always 451, never 5yz; the third time somebody is called, and no address is in the log."""
    room.journal.failing = RuntimeError("no such table")
    with capture_logs() as logs:
        causes = [(await submitted(room, ANNA)).cause for _ in range(3)]

    assert causes == [Cause.UNAVAILABLE] * 3
    assert [entry["log_level"] for entry in logs if entry["event"] != "submission"] == [
        "error",
        "error",
        "error",
        "critical",
    ]
    assert ANNA not in str(logs)


async def test_faults_of_unlike_messages_do_not_add_up(room: Room) -> None:
    """Three messages that fail once each are a passing fault."""
    room.journal.failing = RuntimeError("no such table")
    with capture_logs() as logs:
        for number in b"123":
            await submitted(room, ANNA, content=MESSAGE + bytes([number]) + b"\r\n")

    assert "critical" not in [entry["log_level"] for entry in logs]


# --- delivery reports (RFC 3464)


async def test_the_sender_is_told_of_the_refused(room: Room) -> None:
    """One of two refused: DONE, and a report from <> to the envelope sender names that one alone."""
    room.hop.answers = {BRAM: REFUSED}

    outcome = await submitted(room, ANNA, BRAM)

    sender, recipient, report, _ = room.hop.sent[-1]
    assert (outcome.cause, counts(outcome)) == (Cause.DONE, (1, 0, 1))
    assert (sender, recipient) == ("", "bounces@shop.example")
    assert BRAM.encode() in report
    assert ANNA.encode() not in report


@pytest.mark.parametrize(
    ("answer", "cause"),
    [(REFUSED, Cause.DONE), (DEFERRED, Cause.DEFERRED), (CLOSED, Cause.SMARTHOST_CLOSED)],
)
async def test_a_report_is_taken_refused_or_tried_again(room: Room, answer: Answer, cause: Cause) -> None:
    """Refused it is final, for nothing reports on a report; not taken for now, the client tries again."""
    room.hop.answers = {BRAM: REFUSED, "bounces@shop.example": answer}

    with capture_logs():
        assert (await submitted(room, ANNA, BRAM)).cause is cause


async def test_nobody_is_told_without_a_sender_or_against_their_wish(room: Room) -> None:
    """None to <>, and none on a recipient with NOTIFY=NEVER (RFC 3461 section 4.1)."""
    room.hop.answers = {BRAM: REFUSED}
    never = envelope(ANNA, BRAM)
    never = replace(never, recipients=tuple(replace(one, notify_never=True) for one in never.recipients))

    causes = [
        (await submitted(room, ANNA, BRAM, sender="")).cause,
        (await room.submissions.submit(never, room.gone)).cause,
    ]

    assert causes == [Cause.DONE, Cause.DONE]
    assert room.hop.served == [ANNA, BRAM] * 2


# --- retries (I5)


async def test_whom_an_earlier_try_settled_is_not_tried_again(room: Room) -> None:
    """Relayed counts, refused is reported on, and neither gets a copy."""
    room.journal.verdicts = {
        ANNA: [Settled(FateKind.RELAYED, TAKEN)],
        BRAM: [Settled(FateKind.REFUSED, REFUSED)],
    }

    outcome = await submitted(room, ANNA, BRAM, CHRIS)

    assert counts(outcome) == (2, 0, 1)
    assert room.hop.served == [CHRIS, "bounces@shop.example"]
    assert len(room.kinds) == 1


async def test_who_is_served_elsewhere_is_waited_for(room: Room) -> None:
    """The same message on another connection: it is looked at again until that one is done."""
    room.journal.verdicts = {ANNA: [Busy(), Settled(FateKind.RELAYED, TAKEN)]}

    outcome = await submitted(room, ANNA, BRAM)

    assert counts(outcome) == (2, 0, 0)
    assert room.hop.served == [BRAM]


async def test_who_waits_for_another_connection_in_vain_hears_busy(room: Room) -> None:
    """Once the client is gone the waiting ends, with nothing decided or sent."""
    room.journal.verdicts = {ANNA: [Busy(), Busy()]}
    room.journal.decided = room.gone.set

    outcome = await submitted(room, ANNA)

    assert (outcome.cause, room.events) == (Cause.BUSY, [])


async def test_who_waits_for_another_connection_too_long_hears_busy() -> None:
    """Its time spent, the client hears what was waited for; the smarthost is not to blame."""
    room = Room(answer_within=SHORT)
    room.journal.verdicts = {ANNA: [Busy()] * 1000}

    outcome = await submitted(room, ANNA)

    assert (outcome.cause, room.events) == (Cause.BUSY, [])


CLOSINGS = {
    "done and heard": (TAKEN, True, "released"),
    "done, not heard": (TAKEN, False, "left"),
    "refused and heard": (REFUSED, True, "released"),
    "deferred and heard": (DEFERRED, True, "left"),
}


@pytest.mark.parametrize(("answer", "heard", "event"), CLOSINGS.values(), ids=CLOSINGS)
async def test_claims_go_once_the_client_heard_the_last_word(
    room: Room, answer: Answer, heard: bool, event: str
) -> None:
    """Heard and final: a repeat is a new mail. Anything else: the next try is a retry."""
    room.hop.answers = {ANNA: answer}

    (await submitted(room, ANNA)).closed(heard)

    assert room.events[-1] == (event, 1)


# --- trouble of the smarthost, and of one recipient


@pytest.mark.parametrize(
    ("answer", "served"), [(DEFERRED, [ANNA, BRAM]), (REFUSED, [ANNA, BRAM]), (CLOSED, [ANNA])]
)
async def test_only_the_smarthosts_own_trouble_stops_the_rest(
    room: Room, answer: Answer, served: list[str]
) -> None:
    """A 4yz or 5yz to one recipient keeps no other from being served; a closing smarthost does."""
    room.hop.size, room.hop.answers = 1, {ANNA: answer}

    await submitted(room, ANNA, BRAM)

    assert room.hop.served[:2] == served


# --- patience: the client gone, the time spent, the worker draining (I5)


def hang_up(room: Room, _: asyncio.Task[Outcome]) -> None:
    """The client closes its connection."""
    room.gone.set()


def drain(room: Room, _: asyncio.Task[Outcome]) -> None:
    """The worker was told to stop."""
    room.submissions.drain()


@pytest.mark.parametrize("stop", [hang_up, drain])
async def test_what_has_begun_is_finished_and_no_new_wave_starts(
    room: Room, stop: Callable[[Room, asyncio.Task[Outcome]], None]
) -> None:
    """The copy in flight ends on record; who waits behind it is not decided on; claims stay for the retry."""
    room.hop.size = 1
    room.hop.open.clear()
    answer = asyncio.create_task(submitted(room, ANNA, BRAM))
    await room.hop.begun.wait()
    stop(room, answer)
    room.hop.open.set()

    outcome = await answer
    outcome.closed(not room.gone.is_set())

    assert outcome.cause is Cause.SMARTHOST_SLOW
    assert outcome.answer is not None
    assert outcome.answer.kind is Kind.SLOW
    assert room.events == [("decided", (ANNA,)), ("begun", ANNA), ("fate", "relayed"), ("left", 1)]


async def test_while_draining_a_mailing_not_begun_may_go(room: Room) -> None:
    """A transaction that was open when the drain began is served, as far as one wave goes."""
    room.submissions.drain()

    assert (await submitted(room, ANNA, BRAM)).cause is Cause.DONE
    assert room.hop.served == [ANNA, BRAM]


async def test_a_client_already_gone_starts_nothing(room: Room) -> None:
    """Nothing is decided for a client that hung up before its first wave."""
    room.gone.set()

    assert (await submitted(room, ANNA)).cause is Cause.SMARTHOST_SLOW
    assert room.events == []


async def test_a_session_cut_off_leaves_its_relay_whole(room: Room) -> None:
    """Cancelling the session cancels no relay: it ends on record, claims stay, a drain waits for it."""
    room.hop.open.clear()
    answer = asyncio.create_task(submitted(room, ANNA))
    await room.hop.begun.wait()
    answer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answer
    ended = asyncio.create_task(room.submissions.finished())
    await asyncio.sleep(0)
    assert not ended.done()

    room.hop.open.set()
    await ended
    await asyncio.sleep(0)

    assert room.events[-2:] == [("fate", "relayed"), ("left", 1)]


async def test_a_client_is_answered_in_time_and_the_copy_is_recorded() -> None:
    """Time spent: the client hears that the smarthost is slow; the copy in flight is recorded at its end."""
    room = Room(answer_within=SHORT)
    room.hop.size = 1
    room.hop.open.clear()

    outcome = await submitted(room, ANNA, BRAM)
    assert (outcome.cause, room.kinds) == (Cause.SMARTHOST_SLOW, [])
    outcome.closed(True)
    room.hop.open.set()
    await room.submissions.finished()
    await asyncio.sleep(0)

    assert (room.hop.served, room.kinds) == ([ANNA], [FateKind.RELAYED])
    assert room.events[-1] == ("left", 1)


async def test_silence_after_the_dot_is_unknown(room: Room) -> None:
    """Nobody knows whether that copy arrived: 4yz to the client and fate `unknown` (RFC 1047, B1)."""
    room.hop.answers = {ANNA: Answer(Kind.CLOSED, Stage.DOT, text="connection lost")}

    assert (await submitted(room, ANNA)).cause is Cause.SMARTHOST_CLOSED
    assert room.kinds == [FateKind.UNKNOWN]


# --- at RCPT


@pytest.mark.parametrize("withheld", [True, False])
async def test_at_rcpt_only_the_withheld_are_on_record(withheld: bool) -> None:
    """The one category of the login is decided on, claiming and recording nothing of those who may (I2)."""
    room = Room(grant=replace(GRANT, categories={"news": NEWS}))
    room.journal.verdicts = {ANNA: [Withhold]} if withheld else {}

    assert (
        await room.submissions.withheld_at_rcpt("tool", envelope(ANNA).recipients[0].mailbox, 7) is withheld
    )

    (wave,) = room.journal.waves
    assert (wave.only_withheld, wave.category, wave.submission, wave.fingerprint) == (True, NEWS, 7, b"")


# --- what a submission is


async def fingerprint(room: Room, message: Envelope) -> bytes:
    """The fingerprint a message is claimed under."""
    await room.submissions.submit(message, room.gone)
    return room.journal.waves[-1].fingerprint


ONE = envelope(ANNA)
SAME = {
    "other recipients": replace(ONE, recipients=envelope(BRAM, CHRIS).recipients),
    "another trace": replace(ONE, content=b"Received: from here\r\nDKIM-Signature: x\r\n" + MESSAGE),
    "another session": replace(ONE, ref="R2", submission=2, helo="other", peer="192.0.2.8"),
    "sender in other case": envelope(ANNA, sender="Bounces@SHOP.example"),
}
OTHER = {
    "another sender": envelope(ANNA, sender="x@shop.example"),
    "no sender": envelope(ANNA, sender=""),
    "another body": envelope(ANNA, content=MESSAGE + b"!\r\n"),
    "another subject": envelope(ANNA, content=MESSAGE.replace(b"Hello\r\nM", b"Bye\r\nM")),
    "another category": envelope(ANNA, content=b"X-Sendright-Category: invoice\r\n" + MESSAGE),
}


@pytest.mark.parametrize("message", SAME.values(), ids=SAME)
async def test_a_retry_is_known_by_its_content_sender_and_category(room: Room, message: Envelope) -> None:
    """Clients regroup recipients and relays add trace: it is still the same message (I5)."""
    assert await fingerprint(room, message) == await fingerprint(room, ONE)


@pytest.mark.parametrize("message", OTHER.values(), ids=OTHER)
async def test_what_differs_is_another_message(room: Room, message: Envelope) -> None:
    """Another sender, content or category is never taken for a retry (I5)."""
    assert await fingerprint(room, message) != await fingerprint(room, ONE)


async def test_two_spellings_of_one_recipient_are_one_person(room: Room) -> None:
    """The person decided on is that of the comparable spelling; copies go to the spelling received (I9)."""
    spelled = envelope('"Anna"@EXAMPLE.org', ANNA)

    await room.submissions.submit(spelled, room.gone)

    one, other = room.journal.waves[0].people
    assert one.hash == other.hash
    assert room.hop.served == ['"Anna"@EXAMPLE.org', ANNA]
    assert spelled.recipients[0] == Recipient(one.mailbox)
