"""Every reply of the contract's table, well formed and consistent in itself."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.envelope import Answer, Cause, Kind, Outcome, Stage
from gateway.smtp import reply
from gateway.smtp.reply import MAX_LINE, Reply, reply_to

CONSTANTS = {name: value for name, value in vars(reply).items() if isinstance(value, Reply)}
REFUSED = Answer(Kind.REPLY, Stage.RCPT, 550, "5.1.1", "No such user")
DEFERRED = Answer(Kind.REPLY, Stage.DOT, 452, "4.2.2", "Mailbox full")

# Contract section 4, row by row.
TABLE: list[tuple[Outcome, str]] = [
    (
        Outcome("r1", Cause.DONE, relayed=3, withheld=2, refused=1),
        "250 2.0.0 r1 relayed=3 withheld=2 refused=1",
    ),
    (Outcome("r1", Cause.ALL_WITHHELD, withheld=2), "550 5.7.1 r1"),
    (Outcome("r1", Cause.ALL_REFUSED, refused=1, answer=REFUSED), "550 5.1.1 r1 No such user"),
    (Outcome("r1", Cause.DEFERRED, answer=DEFERRED), "452 4.2.2 r1 Mailbox full"),
    (Outcome("r1", Cause.SETUP_FAULT), "451 4.3.5 r1 the next hop cannot be used"),
    (Outcome("r1", Cause.SMARTHOST_CLOSED), "451 4.4.2 r1 the next hop closed the connection"),
    (Outcome("r1", Cause.SMARTHOST_SLOW), "451 4.4.5 r1 the next hop did not answer in time"),
    (Outcome("r1", Cause.UNAVAILABLE), "451 4.3.0 r1 temporary fault, try again later"),
    (Outcome("r1", Cause.BUSY), "451 4.3.0 r1 this message is being worked on"),
    (Outcome("r1", Cause.CATEGORY_NOT_ALLOWED), "550 5.7.1 r1 category not allowed for this login"),
    (Outcome("r1", Cause.FROM_NOT_ALLOWED), "550 5.7.1 r1 From not allowed for this login"),
    (Outcome("r1", Cause.UNPARSABLE), "554 5.6.0 r1 message cannot be processed"),
    (Outcome("r1", Cause.HIDDEN_RECIPIENTS), "554 5.6.0 r1 message has recipients in a control field"),
    (Outcome("r1", Cause.TOO_MANY_HOPS), "554 5.4.6 r1 too many Received fields"),
    (Outcome("r1", Cause.NEEDS_SMTPUTF8), "553 5.6.7 r1 the next hop does not take SMTPUTF8 addresses"),
]

ODD_ANSWERS = {
    "no answer": (Cause.ALL_REFUSED, None, "451 4.3.0"),
    "a yes": (Cause.ALL_REFUSED, Answer(Kind.REPLY, Stage.DOT, 250, "2.0.0", "OK"), "451 4.3.0"),
    "a 4yz as final": (Cause.ALL_REFUSED, DEFERRED, "451 4.3.0"),
    "a 5yz as deferral": (Cause.DEFERRED, REFUSED, "451 4.3.0"),
    "a 421": (Cause.DEFERRED, Answer(Kind.CLOSED, Stage.DOT, 421, "4.3.2", "Bye"), "451 4.3.0"),
    "no enhanced code": (Cause.ALL_REFUSED, Answer(Kind.REPLY, Stage.RCPT, 550, "", "No"), "550 5.0.0 r1 No"),
    "one of another class": (
        Cause.DEFERRED,
        Answer(Kind.REPLY, Stage.RCPT, 450, "5.1.1", "Wait"),
        "450 4.0.0 r1 Wait",
    ),
    "one that is none": (
        Cause.ALL_REFUSED,
        Answer(Kind.REPLY, Stage.RCPT, 550, "5.x", "No"),
        "550 5.0.0 r1 No",
    ),
}


@pytest.mark.parametrize(("outcome", "line"), TABLE, ids=lambda value: getattr(value, "cause", None))
def test_each_outcome_has_its_reply(outcome: Outcome, line: str) -> None:
    """The reply to the dot is the one in the contract's table."""
    assert reply_to(outcome).lines == (line,)


def test_every_cause_is_in_the_table() -> None:
    """No way for a submission to end lacks a reply, here or in the code."""
    assert {outcome.cause for outcome, _ in TABLE} == set(Cause)


@pytest.mark.parametrize("case", ODD_ANSWERS)
def test_a_smarthost_that_makes_no_sense_is_doubt(case: str) -> None:
    """What is not of the class it should be is passed on as a temporary fault, never as a final one."""
    cause, answer, line = ODD_ANSWERS[case]

    assert reply_to(Outcome("r1", cause, answer=answer)).lines[0].startswith(line)


@pytest.mark.parametrize("name", CONSTANTS)
def test_code_and_enhanced_code_agree(name: str) -> None:
    """The first digit of both codes is the same; only 220, 3yz and EHLO have none (RFC 2034)."""
    said = CONSTANTS[name]

    assert said.enhanced.startswith(f"{said.code // 100}.") or said.code // 100 == 3


@pytest.mark.parametrize("outcome", [outcome for outcome, _ in TABLE], ids=lambda outcome: outcome.cause)
def test_codes_agree_for_outcomes_too(outcome: Outcome) -> None:
    """The first digit of both codes is the same after the dot."""
    assert reply_to(outcome).enhanced[0] == str(reply_to(outcome).code)[0]


@given(
    st.sampled_from([Cause.ALL_REFUSED, Cause.DEFERRED, Cause.UNPARSABLE]),
    st.integers(0, 999),
    st.text(),
    st.text(max_size=2000),
)
def test_a_reply_is_one_well_formed_line(cause: Cause, code: int, enhanced: str, text: str) -> None:
    """Whatever text comes from outside, we send one line of printable ASCII of at most 512 octets (A19)."""
    answer = Answer(Kind.REPLY, Stage.RCPT, code, enhanced, text)

    octets = reply_to(Outcome("r1", cause, answer=answer, detail=text)).octets

    assert re.fullmatch(rb"[45]\d\d [45]\.\d{1,3}\.\d{1,3} r1[ -~]*\r\n", octets)
    assert len(octets) <= MAX_LINE


def test_a_reply_of_several_lines_is_joined_by_hyphens() -> None:
    """EHLO's lines all carry the code, the last with a space (RFC 5321 section 4.2.1)."""
    assert reply.hello("gw.example", ["A", "B"]).octets == b"250-gw.example\r\n250-A\r\n250 B\r\n"


def test_an_empty_challenge_keeps_its_space() -> None:
    """RFC 4954 section 4: `334 ` with its space, even without text."""
    assert reply.ASK_INITIAL.octets == b"334 \r\n"
