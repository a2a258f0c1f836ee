"""The decision (law.md section 2; the table is in table.py). A decision and its explanation are one value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Literal, TypeAlias

from gateway.law.case import Case, case_of
from gateway.law.category import Category, Controller
from gateway.law.evidence import Channel
from gateway.law.reason import Ground, Reason
from gateway.law.standing import Standing
from gateway.law.table import (
    TABLE,
    UNCLASSIFIED,
    UNDELIVERABLE_ROW,
    UNDELIVERABLE_TEST,
    Finding,
    Row,
    dead_mailbox,
)


@dataclass(frozen=True, slots=True)
class Step:
    """One test of the table and how it came out."""

    row: int
    test: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """The law lets this mail reach this person."""

    ground: Ground
    article: str
    evidence: tuple[int, ...] = ()  # ids of the rows it rests on
    customer: Literal["one-off", "recurring"] | None = None  # L17, on the soft opt-in
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Withhold:
    """The law does not let it, and why."""

    reason: Reason
    article: str
    evidence: tuple[int, ...] = ()
    detail: str = ""  # what lacks, where the reason names something
    steps: tuple[Step, ...] = ()


Decision: TypeAlias = Send | Withhold

_TESTS = {row.number: row.test for row in TABLE}


def decide(
    category: Category | None, controller: Controller, channel: Channel, standing: Standing, now: datetime
) -> Decision:
    """Whether a mail of this category may reach this person on this channel now, and why.

    Pure: nothing but the arguments counts. `now` is an aware datetime. Raises KeyError where the
    configuration has a ground or a pack an article it should not lack.
    """
    case = case_of(category or UNCLASSIFIED, controller, channel, standing, now)
    row, finding = _first(case)
    article = controller.pack.articles[finding.outcome]
    steps = _steps(row.number, finding.outcome)
    if isinstance(finding.outcome, Reason):
        return Withhold(
            reason=finding.outcome,
            article=article,
            evidence=finding.evidence,
            detail=finding.detail,
            steps=steps,
        )
    return _undeliverable(case, steps) or Send(
        ground=finding.outcome,
        article=article,
        evidence=finding.evidence,
        customer=finding.customer,
        steps=steps,
    )


def _first(case: Case) -> tuple[Row, Finding]:
    """The first row that applies, and what it finds."""
    for row in TABLE:
        finding = row.apply(case)
        if finding is not None:
            return row, finding
    raise LookupError("the table has no row for this case")  # not reached: row 15 always applies


def _undeliverable(case: Case, steps: tuple[Step, ...]) -> Withhold | None:
    """What a send becomes when the mailbox is known to be dead."""
    row = dead_mailbox(case)
    if row is None:
        return None
    return Withhold(
        reason=Reason.UNDELIVERABLE,
        article=case.controller.pack.articles[Reason.UNDELIVERABLE],
        evidence=(row.id,),
        steps=(*steps, Step(UNDELIVERABLE_ROW, UNDELIVERABLE_TEST, _said(Reason.UNDELIVERABLE))),
    )


@cache
def _steps(number: int, outcome: Ground | Reason) -> tuple[Step, ...]:
    """Every row passed on the way to row `number`, and that row with its outcome. Made once for each."""
    passed = [Step(row, test, "no") for row, test in _TESTS.items() if row < number]
    return (*passed, Step(number, _TESTS[number], _said(outcome)))


def _said(outcome: Ground | Reason) -> str:
    return f"{'send' if isinstance(outcome, Ground) else 'withhold'}: {outcome}"
