"""Claims that hold for any evidence whatever."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from gateway.law.category import Category, Controller
from gateway.law.decision import Decision, Send
from gateway.law.evidence import (
    Channel,
    Consent,
    Contact,
    Evidence,
    Notice,
    Objection,
    Purchase,
    Register,
    Undeliverable,
    Withdrawal,
)
from gateway.law.reason import Reason
from tests.law.cases import outcome_of
from tests.law.people import (
    BAKERY,
    BAKERY_2019,
    BAKERY_BE,
    BAKERY_EU,
    CONFIRMED,
    FADING,
    NEWS,
    NOW,
    PARTNER,
    PERSONALISED,
    POST,
    PROFILED,
    REGULARS,
    consent,
    decided,
    objection,
)
from tests.law.rows import channels, later_row, ledger, moments, row

OBJECTED = {Reason.OBJECTED, Reason.OBJECTED_CATEGORY, Reason.OBJECTED_PROFILING}
marketing = st.sampled_from([NEWS, CONFIRMED, PROFILED, PERSONALISED, PARTNER, REGULARS, FADING, POST])
controllers = st.sampled_from([BAKERY, BAKERY_2019, BAKERY_BE, BAKERY_EU])
questions = st.tuples(marketing, controllers, channels, st.sampled_from(["jo", "info"]))
Question = tuple[Category, Controller, Channel, str]


def _ask(question: Question, rows: list[Evidence]) -> Decision:
    category, controller, channel, local_part = question
    return decided(rows, category, controller=controller, channel=channel, local_part=local_part)


@given(questions, ledger(), later_row(Objection, Withdrawal, Undeliverable))
def test_one_more_refusal_never_sends(question: Question, rows: list[Evidence], refusal: Evidence) -> None:
    """A refusal added to any evidence never turns a withhold into a send (L4, L11)."""
    if not isinstance(_ask(question, rows), Send):
        assert not isinstance(_ask(question, [*rows, refusal]), Send)


@given(
    marketing,
    controllers,
    channels,
    ledger(Withdrawal, Objection, Notice, Contact, Undeliverable),
)
def test_no_basis_no_mail(
    category: Category, controller: Controller, channel: Channel, rows: list[Evidence]
) -> None:
    """I1: without a consent, purchase or register row no marketing reaches a person."""
    assert not isinstance(decided(rows, category, controller=controller, channel=channel), Send)


@given(
    questions,
    ledger(),
    later_row(Withdrawal, Purchase, Objection, Notice, Contact, Register, Undeliverable),
)
def test_nothing_but_consent_lifts_an_objection(
    question: Question, rows: list[Evidence], added: Evidence
) -> None:
    """Whatever else is recorded, corrections included, an objection that stands goes on standing (L11)."""
    if outcome_of(_ask(question, rows)) in OBJECTED:
        assert outcome_of(_ask(question, [*rows, added])) in OBJECTED


@given(
    moments,
    moments,
    st.lists(row(Consent, ids=st.integers(20, 29)), max_size=3, unique_by=lambda fact: fact.id),
)
def test_a_correction_never_moves_a_consent_past_a_refusal(
    first: object, refused: object, corrections: list[Consent]
) -> None:
    """However often a consent is corrected, an objection as new as its first recording stands."""
    given_first = consent(occurred_at=min(first, refused), recorded_at=NOW)
    chain: list[Evidence] = [given_first, objection(occurred_at=max(first, refused))]
    corrects = given_first.id
    for place, fact in enumerate(corrections, start=1):
        fields = {name: getattr(fact, name) for name in fact.__dataclass_fields__}
        recorded = {"corrects": corrects, "recorded_at": NOW + timedelta(days=place)}
        chain.append(Consent(**fields | recorded))
        corrects = fact.id
    assert outcome_of(decided(chain)) is Reason.OBJECTED


@given(questions, ledger(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(question: Question, rows: list[Evidence], chance: object) -> None:
    """The same rows in any order are decided the same."""
    shuffled = list(rows)
    chance.shuffle(shuffled)
    assert _ask(question, shuffled) == _ask(question, rows)


@given(questions, ledger())
def test_a_decision_names_only_evidence_on_record(question: Question, rows: list[Evidence]) -> None:
    """Every evidence id of a decision is a row of this person, named once."""
    named = _ask(question, rows).evidence
    assert len(set(named)) == len(named)
    assert set(named) <= {fact.id for fact in rows}


@given(questions, ledger())
def test_a_send_rests_on_the_past(question: Question, rows: list[Evidence]) -> None:
    """No row dated after now is ever a ground."""
    made = _ask(question, rows)
    ahead = {fact.id for fact in rows if fact.occurred_at > NOW}
    if isinstance(made, Send):
        assert not ahead & set(made.evidence) or _is_listing(rows, ahead & set(made.evidence))


def _is_listing(rows: list[Evidence], ids: set[int]) -> bool:
    """A listing that a customer's purchase overcomes is named beside it, and counts ahead of its time."""
    return all(isinstance(fact, Register) and fact.listed for fact in rows if fact.id in ids)
