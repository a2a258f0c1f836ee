"""Claims about what evidence adds up to: corrections, categories no longer known, the newest refusal."""

from __future__ import annotations

import pytest

from gateway.law.evidence import ALL, Evidence
from gateway.law.reason import Ground, Reason
from gateway.law.standing import standing_of
from tests.law.cases import outcome_of
from tests.law.people import (
    BAKERY_2019,
    CONFIRMED,
    FADING,
    NOW,
    REGULARS,
    ago,
    consent,
    contact,
    decided,
    notice,
    objection,
    purchase,
    register,
    standing,
    undeliverable,
    withdrawal,
)


def test_nothing_on_record() -> None:
    """A person without rows is unknown; any row at all makes them known."""
    assert not standing().known
    assert standing(contact()).known


def test_rows_are_kept_by_kind() -> None:
    """Every kind of row is found where decisions look for it."""
    rows = (
        consent(1),
        withdrawal(2),
        purchase(3),
        objection(4),
        notice(5),
        contact(6),
        register(7, listed=True),
        undeliverable(8),
    )
    made = standing(*rows, local_part="info")
    assert (made.consents, made.purchases, made.notices) == (rows[0:1], rows[2:3], rows[4:5])
    assert (made.contacts, made.registers, made.undeliverable) == (rows[5:6], rows[6:7], rows[7])
    assert (made.withdrawals, made.objections) == ({ALL: rows[1]}, {"marketing": rows[3]})
    assert made.local_part == "info"


@pytest.mark.parametrize(
    ("scope", "counts_as"),
    [
        ("marketing", "marketing"),
        ("profiling", "profiling"),
        ("channel:post", "channel:post"),
        ("channel:fax", "marketing"),
        ("category:news", "category:news"),
        ("category:nieuws", "category:nieuws"),
        ("category:autumn", "marketing"),
        ("category:", "marketing"),
        ("news", "marketing"),
        ("Marketing", "marketing"),
        ("", "marketing"),
    ],
)
def test_what_an_objection_is_to(scope: str, counts_as: str) -> None:
    """A scope not known to be narrower is an objection to all marketing."""
    assert list(standing(objection(scope=scope)).objections) == [counts_as]


@pytest.mark.parametrize(
    ("category", "counts_as"),
    [("all", ALL), ("news", "news"), ("nieuws", "nieuws"), ("autumn", ALL), ("", ALL)],
)
def test_what_a_withdrawal_is_from(category: str, counts_as: str) -> None:
    """A withdrawal from a category not known is one from all."""
    assert list(standing(withdrawal(category=category)).withdrawals) == [counts_as]


def test_the_newest_refusal_of_a_scope_is_kept() -> None:
    """Of refusals of one scope the one that happened last is kept, in whatever order they come."""
    older, newer, last = objection(1, 5), objection(2, 3), objection(3, 3, scope="category:autumn")
    for rows in ((older, newer, last), (last, newer, older)):
        assert standing(*rows).objections == {"marketing": last}


def test_known_categories_are_the_configurations() -> None:
    """With no category known every narrower refusal is one of everything."""
    rows = [objection(scope="category:news"), withdrawal(category="news")]
    made = standing_of(rows, known_categories=frozenset())
    assert (list(made.objections), list(made.withdrawals)) == (["marketing"], [ALL])


WRONG = consent(1, 10, category="offers")
CORRECTIONS: dict[str, tuple[tuple[Evidence, ...], Ground | Reason]] = {
    "the category was wrong": ((WRONG, consent(9, 9, corrects=1)), Ground.CONSENT),
    "a correction replaces what it corrects": (
        (consent(1), consent(9, 9, corrects=1, category="offers")),
        Reason.CONSENT_OTHER_CATEGORY,
    ),
    "a correction of a correction replaces both": (
        (consent(1), consent(9, 9, corrects=1), consent(10, 8, corrects=9, category="offers")),
        Reason.CONSENT_OTHER_CATEGORY,
    ),
    "of two corrections of one row the newest holds": (
        (consent(1), consent(9, 9, corrects=1), consent(10, 8, corrects=1, category="offers")),
        Reason.CONSENT_OTHER_CATEGORY,
    ),
    "and is not undone by an older one": (
        (consent(1), consent(9, 8, corrects=1, category="offers"), consent(10, 9, corrects=1)),
        Reason.CONSENT_OTHER_CATEGORY,
    ),
    "the proof came later": ((consent(1, proven=False), consent(9, 1, corrects=1)), Ground.CONSENT),
    "a correction moves no consent past an objection": (
        (consent(1, 10), objection(4, 5), consent(9, 1, corrects=1)),
        Reason.OBJECTED,
    ),
    "nor does a chain of them": (
        (consent(1, 10), objection(4, 5), consent(9, 3, corrects=1), consent(10, 1, corrects=9)),
        Reason.OBJECTED,
    ),
    "nor past a withdrawal": (
        (consent(1, 10), withdrawal(2, 5), consent(9, 1, corrects=1)),
        Reason.CONSENT_WITHDRAWN,
    ),
    "a consent newer than the objection may be corrected": (
        (objection(4, 5), consent(1, 3, proven=False), consent(9, 1, corrects=1)),
        Ground.CONSENT,
    ),
    "found to be older than the objection, it lifts nothing": (
        (objection(4, 5), consent(1, 3), consent(9, occurred_at=ago(8), recorded_at=ago(1), corrects=1)),
        Reason.OBJECTED,
    ),
    "an objection is not corrected away": (
        (consent(1), objection(4, 5), objection(9, 1, corrects=4, scope="channel:post")),
        Reason.OBJECTED,
    ),
    "a withdrawal is not corrected away": (
        (consent(1), withdrawal(2, 5), withdrawal(9, 1, corrects=2, category="offers")),
        Reason.CONSENT_WITHDRAWN,
    ),
    "a consent cannot correct an objection": (
        (objection(4, 5), consent(9, 1, corrects=4)),
        Reason.OBJECTED,
    ),
    "an objection that corrects a consent is an objection, and the consent stays": (
        (consent(1), objection(4, 5, corrects=1, scope="channel:post")),
        Ground.CONSENT,
    ),
    "a correction of nothing on record proves nothing": ((consent(9, corrects=77),), Reason.NOT_A_CUSTOMER),
    "nor does one of another kind": ((purchase(3), consent(9, corrects=3)), Ground.SOFT_OPT_IN),
    "nor one of itself": ((consent(9, corrects=9),), Reason.NOT_A_CUSTOMER),
    "nor one of a newer row": (
        (consent(9, 9, corrects=10, category="offers"), consent(10, 8)),
        Ground.CONSENT,
    ),
    "nor a correction of such a one": (
        (consent(9, 9, corrects=77), consent(10, 8, corrects=9)),
        Reason.NOT_A_CUSTOMER,
    ),
    "it was not paid after all": (
        (purchase(3), purchase(9, 9, corrects=3, paid=False)),
        Reason.NOT_A_CUSTOMER,
    ),
    "a dead mailbox that corrects nothing is still dead": (
        (consent(1), undeliverable(9, 1, corrects=77)),
        Reason.UNDELIVERABLE,
    ),
    "a correction without a consent date ahead": (
        (consent(1), consent(9, -1, recorded_at=NOW, corrects=1)),
        Reason.NOT_A_CUSTOMER,
    ),
}


@pytest.mark.parametrize("name", CORRECTIONS)
def test_corrections(name: str) -> None:
    """A newer row that names an older one of its kind replaces it, and never at a refusal's expense."""
    rows, result = CORRECTIONS[name]
    assert outcome_of(decided(rows)) is result
    assert outcome_of(decided(rows[::-1])) is result


AHEAD = consent(1, occurred_at=ago(5 - 0.003), recorded_at=ago(5))  # by the clock of whoever sent it


@pytest.mark.parametrize("refusal", [objection(4, 5 - 0.001), withdrawal(2, 5 - 0.001)])
@pytest.mark.parametrize(
    "rows", [(AHEAD,), (AHEAD, consent(9, occurred_at=ago(4), recorded_at=ago(4), corrects=1))]
)
def test_a_consent_dated_ahead_lifts_no_later_refusal(rows: tuple[Evidence, ...], refusal: Evidence) -> None:
    """What was on record before a refusal was acknowledged never ends it, whatever its clock said (I3)."""
    expected = {4: Reason.OBJECTED, 2: Reason.CONSENT_WITHDRAWN}[refusal.id]
    assert outcome_of(decided((*rows, refusal))) is expected
    assert outcome_of(decided((*rows, objection(4, 6)))) is Ground.CONSENT


def test_a_corrected_purchase_is_one_purchase() -> None:
    """A purchase and its correction make nobody a regular (L17)."""
    rows = (purchase(3, 10, reference="1"), purchase(9, 3, reference="2", corrects=3))
    assert outcome_of(decided(rows, REGULARS)) is Reason.ONE_OFF_CUSTOMER
    dangling = (purchase(3, 10, reference="1"), purchase(9, 3, reference="2", corrects=77))
    assert outcome_of(decided(dangling, REGULARS)) is Reason.ONE_OFF_CUSTOMER


def test_a_corrected_purchase_has_its_new_date() -> None:
    """Only towards refusals does the first date go on counting."""
    rows = (purchase(3, 90), purchase(9, 10, corrects=3))
    assert outcome_of(decided(rows, FADING)) is Ground.SOFT_OPT_IN


def test_a_confirmation_may_come_as_a_correction() -> None:
    """A double opt-in is confirmed by a row that corrects the one that waited for it (L2)."""
    rows = (consent(1, 10), consent(9, 9, corrects=1, confirmed_at=ago(9)))
    assert outcome_of(decided(rows, CONFIRMED)) is Ground.CONSENT


@pytest.mark.parametrize(("listed", "result"), [(True, Reason.DO_NOT_CALL), (False, Reason.DO_NOT_CALL)])
def test_a_register_row_that_corrects_nothing_only_ever_withholds(listed: bool, result: Reason) -> None:
    """Its "listed" counts; its "not listed" does not, nor does it undo a listing."""
    row = register(9, 1, listed=listed, corrects=77)
    assert outcome_of(decided([row], controller=BAKERY_2019, channel="phone")) is result
    both = [register(7, listed=not listed), row]
    made = decided(both, controller=BAKERY_2019, channel="phone")
    assert outcome_of(made) is Reason.DO_NOT_CALL
