"""Claims about what an officer is shown: objections after which something newer was recorded."""

from __future__ import annotations

import pytest
from hypothesis import given

from gateway.law.doubt import Doubt, doubtful
from gateway.law.evidence import Evidence
from gateway.law.standing import standing_of
from tests.law.people import ago, consent, contact, objection, purchase, withdrawal
from tests.law.rows import ledger

KNOWN = {"news": "news", "nieuws": "news", "offers": "offers"}
LIFTS, CONSENT, PURCHASE = Doubt.LIFTS, Doubt.CONSENT, Doubt.PURCHASE


def doubts(*rows: Evidence) -> list[tuple[Doubt, int, int]]:
    """Each doubt, with the ids of the objection and of the newer row."""
    return [(one.doubt, one.objection.id, one.newer.id) for one in doubtful(rows, KNOWN)]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([objection(1, 5), consent(2, 4)], [(LIFTS, 1, 2)]),
        ([objection(1, 5), consent(2, 4, proven=False)], [(CONSENT, 1, 2)]),
        ([objection(1, 5), consent(2, 9, recorded_at=ago(4))], [(CONSENT, 1, 2)]),
        ([objection(1, 5), consent(2, 5)], [(CONSENT, 1, 2)]),
        ([objection(1, 5), purchase(2, 4)], [(PURCHASE, 1, 2)]),
        ([objection(1, 5), purchase(2, 9, recorded_at=ago(4))], [(PURCHASE, 1, 2)]),
        ([objection(1, 5), consent(2, 4), purchase(3, 3)], [(LIFTS, 1, 2), (PURCHASE, 1, 3)]),
        ([consent(1, 5), purchase(2, 5), objection(3, 4)], []),
        ([objection(1, 5), contact(2, 4)], []),
        ([withdrawal(1, 5), consent(2, 4)], []),
        ([consent(1, 4)], []),
        ([], []),
    ],
)
def test_what_is_recorded_after_an_objection_is_doubtful(
    rows: list[Evidence], found: list[tuple[Doubt, int, int]]
) -> None:
    """A consent or a purchase, whether or not it says it is newer; a consent that lifts is told apart."""
    assert doubts(*rows) == found


def test_a_past_that_is_loaded_is_not_doubtful() -> None:
    """An objection recorded with hindsight, and what happened before it, came in any order."""
    objected = objection(1, 300, recorded_at=ago(5))

    assert doubts(objected, consent(2, 400, recorded_at=ago(5)), purchase(3, 301, recorded_at=ago(4))) == []
    assert doubts(objected, consent(2, 299, recorded_at=ago(5))) == [(LIFTS, 1, 2)]


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        ("marketing", [(LIFTS, 1, 2), (PURCHASE, 1, 3)]),
        ("anything", [(LIFTS, 1, 2), (PURCHASE, 1, 3)]),
        ("channel:email", [(LIFTS, 1, 2), (PURCHASE, 1, 3)]),
        ("channel:phone", [(PURCHASE, 1, 3)]),
        ("category:news", [(LIFTS, 1, 2)]),
        ("category:nieuws", [(LIFTS, 1, 2)]),
        ("category:offers", []),
        ("category:forgotten", [(LIFTS, 1, 2), (PURCHASE, 1, 3)]),
        ("profiling", []),
    ],
)
def test_only_what_speaks_of_the_same_mail(scope: str, found: list[tuple[Doubt, int, int]]) -> None:
    """A consent to another category or channel is none; nor a purchase, after an objection to a category."""
    assert doubts(objection(1, 5, scope=scope), consent(2, 4), purchase(3, 3)) == found


def test_a_correction_is_the_row_it_corrects() -> None:
    """A consent corrected after the objection lifts nothing: it was given before (law.md section 3)."""
    assert doubts(consent(1, 9), objection(2, 5), consent(3, 4, corrects=1)) == [(CONSENT, 2, 3)]


@given(ledger())
def test_nothing_is_doubtful_without_an_objection(rows: list[Evidence]) -> None:
    """Every doubt is an objection that stands newest in its scope, and a row recorded after it."""
    objections = standing_of(rows, known_categories=frozenset(KNOWN)).objections.values()

    for one in doubtful(rows, KNOWN):
        assert one.objection in objections
        assert (one.newer.recorded_at, one.newer.id) > (one.objection.recorded_at, one.objection.id)
        assert one.newer in rows
