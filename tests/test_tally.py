"""What a submission's fates add up to (contract section 4): the client's retry hangs on it."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.address import parse
from gateway.envelope import Answer, Cause, FateKind, Kind, Outcome, Recipient, Stage, fate_kind
from gateway.submission import FINAL
from gateway.tally import CAUSE_OF, Tally
from tests.relaying import CLOSED, DEFERRED, REFUSED, SETUP, SLOW, TAKEN

KIM = Recipient(parse("kim@example.org"))
LEE = Recipient(parse("lee@example.org"))
SILENT = Recipient(parse("silent@example.org"), notify_never=True)


def tallied(*answers: Answer, withheld: int = 0, busy: bool = False) -> Tally:
    """The tally of copies answered so."""
    tally = Tally(withheld=withheld, busy=busy)
    for answer in answers:
        tally.count(KIM, fate_kind(answer), answer)
    return tally


CASES = {
    "nobody": (tallied(), False, Outcome("R", Cause.DONE)),
    "all relayed": (tallied(TAKEN, TAKEN), False, Outcome("R", Cause.DONE, relayed=2)),
    "all withheld, drop": (tallied(withheld=2), False, Outcome("R", Cause.DONE, withheld=2)),
    "all withheld, reject": (tallied(withheld=2), True, Outcome("R", Cause.ALL_WITHHELD, withheld=2)),
    "some withheld, reject": (
        tallied(TAKEN, withheld=1),
        True,
        Outcome("R", Cause.DONE, relayed=1, withheld=1),
    ),
    "some refused": (tallied(TAKEN, REFUSED), False, Outcome("R", Cause.DONE, relayed=1, refused=1)),
    "all refused": (tallied(REFUSED), False, Outcome("R", Cause.ALL_REFUSED, refused=1, answer=REFUSED)),
    "all that were to go refused, the rest withheld": (
        tallied(REFUSED, withheld=1),
        True,
        Outcome("R", Cause.ALL_REFUSED, refused=1, answer=REFUSED),
    ),
    "deferred": (tallied(TAKEN, DEFERRED), False, Outcome("R", Cause.DEFERRED, answer=DEFERRED)),
    "deferred before refused": (
        tallied(REFUSED, DEFERRED),
        False,
        Outcome("R", Cause.DEFERRED, answer=DEFERRED),
    ),
    "deferred before withheld": (
        tallied(DEFERRED, withheld=1),
        True,
        Outcome("R", Cause.DEFERRED, answer=DEFERRED),
    ),
    "busy before all": (tallied(TAKEN, SETUP, REFUSED, busy=True), True, Outcome("R", Cause.BUSY)),
}


@pytest.mark.parametrize(("tally", "rejects", "outcome"), CASES.values(), ids=CASES)
def test_fates_add_up(tally: Tally, rejects: bool, outcome: Outcome) -> None:
    """What can still change is told before what is final."""
    assert tally.outcome("R", rejects=rejects) == outcome


@pytest.mark.parametrize("order", list(permutations([DEFERRED, SLOW, CLOSED, SETUP])))
def test_our_own_fault_is_told_first(order: tuple[Answer, ...]) -> None:
    """Set-up, then closed, then slow, then the smarthost's own 4yz, in whatever order they came."""
    for missing, cause in enumerate(
        [Cause.SETUP_FAULT, Cause.SMARTHOST_CLOSED, Cause.SMARTHOST_SLOW, Cause.DEFERRED]
    ):
        kinds = list(CAUSE_OF)[missing:]
        failures = [answer for answer in order if answer.kind in kinds]
        assert tallied(*failures).outcome("R", rejects=False).cause is cause


@pytest.mark.parametrize(
    ("answers", "stopped"),
    [((), False), ((TAKEN, REFUSED, DEFERRED), False), ((SETUP,), True), ((CLOSED,), True), ((SLOW,), True)],
)
def test_trouble_of_the_smarthost_stops_and_of_a_recipient_does_not(
    answers: tuple[Answer, ...], stopped: bool
) -> None:
    """One recipient's 4yz or 5yz keeps nobody else from being served; a smarthost in trouble does."""
    assert tallied(*answers).stopped is stopped


def test_another_connections_work_stops() -> None:
    """While the same message is worked on elsewhere, no further wave starts."""
    assert tallied(busy=True).stopped


REPORTS = {
    "some refused": (tallied(TAKEN, REFUSED), [(KIM.mailbox, REFUSED)]),
    "all refused: the client hears it itself": (tallied(REFUSED), []),
    "something may pass yet": (tallied(TAKEN, REFUSED, DEFERRED), []),
    "busy": (tallied(TAKEN, REFUSED, busy=True), []),
    "none refused": (tallied(TAKEN), []),
}


@pytest.mark.parametrize(("tally", "reported"), REPORTS.values(), ids=REPORTS)
def test_a_report_is_on_those_refused_while_others_were_served(
    tally: Tally, reported: list[tuple[object, Answer]]
) -> None:
    """Nobody hears twice of one refusal, and never before it is final for all."""
    assert tally.to_report == reported


def test_who_asked_for_no_report_is_not_in_it() -> None:
    """NOTIFY=NEVER counts for its own recipient alone (RFC 3461 section 4.1)."""
    tally = tallied(TAKEN)
    tally.count(SILENT, FateKind.REFUSED, REFUSED)
    tally.count(LEE, FateKind.REFUSED, REFUSED)

    assert tally.to_report == [(LEE.mailbox, REFUSED)]
    assert tally.outcome("R", rejects=False).refused == 2


ANSWERS = st.builds(
    Answer,
    st.sampled_from(Kind),
    st.sampled_from(Stage),
    st.sampled_from([0, 250, 421, 450, 451, 535, 550, 553]),
)


@given(st.lists(ANSWERS, max_size=5), st.integers(0, 3), st.booleans())
def test_a_final_outcome_means_that_nobody_is_left(
    answers: list[Answer], withheld: int, rejects: bool
) -> None:
    """Whatever the smarthost says, the client hears the last word only when every fate is final (I4, I5)."""
    kinds = [fate_kind(answer) for answer in answers]
    outcome = tallied(*answers, withheld=withheld).outcome("R", rejects=rejects)

    open_ = [kind for kind in kinds if kind in (FateKind.DEFERRED, FateKind.UNKNOWN)]
    assert (outcome.cause in FINAL) is not bool(open_)
    if not open_:
        assert outcome.relayed == kinds.count(FateKind.RELAYED)
        assert outcome.refused == kinds.count(FateKind.REFUSED)
