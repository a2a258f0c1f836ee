"""Claims about the decision (law.md section 2)."""

from __future__ import annotations

import pytest

from gateway.law import decision
from gateway.law.decision import Send, Withhold
from gateway.law.nearest import ORDER
from gateway.law.reason import Ground, Reason
from gateway.law.table import TABLE, Row
from tests.law.cases import CASES, LegalCase, outcome_of
from tests.law.people import consent, decided, undeliverable


def _facts(case: LegalCase) -> object:
    """What a case comes to; a decision that fails comes to its error."""
    try:
        made = case.decide()
    except (LookupError, ValueError) as error:
        return repr(error)
    return outcome_of(made), made.evidence


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"row {case.row}: {case.name} ({case.article})")
def test_each_legal_case_is_decided_as_the_law_says(case: LegalCase) -> None:
    """The row, the result, its article and the evidence it rests on are those of the table."""
    made = case.decide()
    assert outcome_of(made) is case.result
    assert made.steps[-1].row == case.row
    assert made.article == case.article
    assert made.evidence == case.names
    if isinstance(made, Send):
        assert made.customer == case.customer
    else:
        assert made.detail == case.detail


def test_cases_have_names_of_their_own() -> None:
    """No two cases of one row share a name, so a failure points at one of them."""
    names = [(case.row, case.name) for case in CASES]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("outcome", [*Ground, *Reason])
def test_every_ground_and_reason_is_reached(outcome: Ground | Reason) -> None:
    """No ground or reason exists that the decision never gives."""
    assert any(case.result is outcome for case in CASES)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"row {row.number}")
def test_every_row_decides_something(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any one row of the table at least one case it decides comes out otherwise."""
    cases = [case for case in CASES if case.row == row.number]
    before = [_facts(case) for case in cases]
    monkeypatch.setattr(decision, "TABLE", tuple(other for other in TABLE if other is not row))
    assert [_facts(case) for case in cases] != before


def test_the_table_is_that_of_the_law() -> None:
    """Rows 0 to 15 stand in the law's order, each once."""
    assert [row.number for row in TABLE] == list(range(16))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"row {case.row}: {case.name}")
def test_a_decision_tells_every_test_passed_on_the_way(case: LegalCase) -> None:
    """The steps are the rows from 0 on, each a "no" until the one that decides, in plain words."""
    made = case.decide()
    table = [step for step in made.steps if step.row <= 15]
    assert [step.row for step in table] == list(range(len(table)))
    assert {step.outcome for step in table[:-1]} <= {"no"}
    kind = "send" if isinstance(made, Send) else "withhold"
    assert made.steps[-1].outcome == f"{kind}: {outcome_of(made)}"


def test_a_dead_mailbox_still_tells_the_ground_there_was() -> None:
    """The steps of `undeliverable` show the send it took away."""
    made = decided([consent(), undeliverable()])
    assert [step.outcome for step in made.steps[-2:]] == ["send: consent", "withhold: undeliverable"]


def test_nearest_reasons_are_in_the_order_of_the_law() -> None:
    """The reasons of row 15 and their order are those the law lists."""
    assert [reason.value for reason in ORDER] == [
        "consent-expired",
        "consent-unproven",
        "relationship-lapsed",
        "one-off-customer",
        "optout-not-offered",
        "products-not-similar",
        "consent-other-channel",
        "consent-other-category",
        "not-a-customer",
        "unknown-person",
    ]


def test_decisions_are_values() -> None:
    """The same question on the same evidence is the same decision."""
    assert decided([consent()]) == decided([consent()])
    assert isinstance(decided([]), Withhold)
