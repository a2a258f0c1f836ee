"""Officers correct what is wrong: checked as an import, never past a refusal; nothing is taken away."""

from __future__ import annotations

import re

import pytest

from gateway.law.evidence import Consent, Objection, Purchase
from tests.house import ANNA, BRAM
from tests.web.admin.conftest import Browser, Office, Page
from tests.web.admin.officers import acts_about_people, officer, on_record, street, words_of

__all__ = ["officer", "street"]

PURCHASE: dict[str, object] = {
    "email": ANNA,
    "kind": "purchase",
    "product_group": "bread",
    "occurred_at": "2026-11-02T12:00:00+01:00",
    "source": "till",
    "reference": "R-1",
}


def said(page: Page) -> dict[str, str]:
    """What a form is filled in with."""
    found = dict(re.findall(r'<input id="([a-z_]+)"[^>]* value="([^"]*)"', page.text))
    found |= dict(re.findall(r'<textarea id="([a-z_]+)"[^>]*>\n?([^<]*)</textarea>', page.text))
    chosen = re.findall(
        r'<select id="([a-z_]+)"[^>]*>.*?<option value="([^"]*)" selected>', page.text, re.DOTALL
    )
    return found | dict(chosen)


async def row_of(office: Office, kind: type) -> str:
    """The id of Anna's newest row of a kind."""
    return str([one.id for one in await on_record(office) if isinstance(one, kind)][-1])


async def test_a_form_is_filled_in_and_what_is_said_anew_counts(office: Office, officer: Browser) -> None:
    """A purchase lacked how the way out was offered; once corrected the soft opt-in serves, and who did it
    is on record before."""
    await office.house.record(PURCHASE)
    about = {"address": ANNA, "of": "shop", "evidence": await row_of(office, Purchase)}

    form = await officer.post("/admin/people/correct", **about)
    assert said(form) == {
        "occurred_at": "2026-11-02T11:00:00+00:00",
        "source": "till",
        "reference": "R-1",
        "product_group": "bread",
        "paid": "true",
        "ongoing": "false",
        "ended_at": "",
        "optout_offered_at": "",
        "optout_offered_how": "",
        "optout_used": "",
    }
    new = {"optout_offered_at": "2026-11-02T11:59:00+01:00", "optout_offered_how": "tick box"}
    done = await officer.post("/admin/people/corrected", **(about | said(form) | new))

    older, newer = await on_record(office)
    assert (newer.corrects, newer.occurred_at) == (older.id, older.occurred_at)
    assert f"as evidence {newer.id}; evidence {older.id} stays" in words_of(done)
    assert await acts_about_people(office) == [("olga", "correct-evidence")]
    await office.house.submit(ANNA)
    assert [entry.ground for entry in await office.house.log()] == ["soft-opt-in"]


async def test_a_correction_never_lifts_a_refusal(office: Office, officer: Browser) -> None:
    """A consent that is moved to after an objection still counts from when it was first given."""
    await office.house.consent(ANNA)
    await office.house.record({"email": ANNA, "kind": "objection", "occurred_at": "2026-11-10T12:00:00Z"})
    about = {"address": ANNA, "of": "shop", "evidence": await row_of(office, Consent)}

    form = await officer.post("/admin/people/correct", **about)
    later = {"occurred_at": "2026-11-20T12:00:00+01:00"}
    done = await officer.post("/admin/people/corrected", **(about | said(form) | later))
    await office.house.submit(ANNA)

    assert "a correction never lifts a refusal" in words_of(done)
    assert [one.occurred_at.day for one in await on_record(office) if isinstance(one, Consent)] == [1, 20]
    assert [entry.reason for entry in await office.house.log()] == ["objected"]


async def test_faults_stand_beside_their_fields_and_nothing_is_recorded(
    office: Office, officer: Browser
) -> None:
    """The same checks as for an import, each told where it is to be mended; what was typed is still there."""
    await office.house.consent(ANNA)
    about = {"address": ANNA, "of": "shop", "evidence": await row_of(office, Consent)}
    form = await officer.post("/admin/people/correct", **about)
    wrong = {"occurred_at": "last week", "channels": "fax", "category": "", "wording": "<b>Ja</b>\r\nhoor"}

    page = await officer.post("/admin/people/corrected", **(about | said(form) | wrong))

    assert page.status == 422
    beside = dict(re.findall(r'<strong id="([a-z_]+)-fault">([^<]*)</strong>', page.text))
    assert beside.keys() == {"occurred_at", "channels", "category"}
    assert beside["channels"].startswith("channels has &#39;fax&#39;; known are email, ")
    assert page.text.count('aria-invalid="true"') == 3
    assert said(page)["occurred_at"] == "last week"
    assert said(page)["wording"] == "&lt;b&gt;Ja&lt;/b&gt;\nhoor"
    assert len(await on_record(office)) == 1
    assert await acts_about_people(office) == []


async def test_a_consent_that_lacks_its_proof_is_said_not_to_count(office: Office, officer: Browser) -> None:
    """It is kept as unproven, as every such consent (L2), and the page says so."""
    await office.house.consent(ANNA)
    about = {"address": ANNA, "of": "shop", "evidence": await row_of(office, Consent)}
    form = await officer.post("/admin/people/correct", **about)

    done = await officer.post("/admin/people/corrected", **(about | said(form) | {"wording": ""}))
    await office.house.submit(ANNA)

    assert "It does not count: unproven: lacks wording." in words_of(done)
    assert [entry.reason for entry in await office.house.log()] == ["consent-unproven"]


async def test_what_was_erased_is_not_corrected_back(office: Office, officer: Browser) -> None:
    """The form says that the proof is gone; the newer row is older than the erasure, and rejected (L25)."""
    await office.house.consent(ANNA)
    await officer.post("/admin/people/erased", address=ANNA, again=ANNA)
    about = {"address": ANNA, "of": "shop", "evidence": await row_of(office, Consent)}

    form = await officer.post("/admin/people/correct", **about)
    proof = {"source": "form", "wording": "Ja", "wording_version": "1"}
    page = await officer.post("/admin/people/corrected", **(about | said(form) | proof))

    assert "The proof of this row was erased" in form.text
    assert (page.status, "older than the erasure of this person" in page.text) == (422, True)


async def test_a_purchase_at_which_the_way_out_was_used_is_an_objection_too(
    office: Office, officer: Browser
) -> None:
    """Corrected so, it is recorded as an objection beside the purchase, and the page says so (L9)."""
    await office.house.record(PURCHASE)
    about = {"address": ANNA, "of": "shop", "evidence": await row_of(office, Purchase)}
    form = await officer.post("/admin/people/correct", **about)

    done = await officer.post("/admin/people/corrected", **(about | said(form) | {"optout_used": "true"}))

    assert "optout_used: recorded as an objection to marketing too." in words_of(done)
    assert [type(one) for one in await on_record(office)] == [Purchase, Purchase, Objection]


@pytest.mark.parametrize("row", [{"kind": "objection"}, {"kind": "withdrawal"}])
async def test_refusals_are_not_corrected_away(
    office: Office, officer: Browser, row: dict[str, object]
) -> None:
    """The page does not offer them, and a form made by hand is refused."""
    await office.house.record({"email": ANNA, **row})
    (fact,) = await on_record(office)
    about = {"address": ANNA, "of": "shop", "evidence": str(fact.id)}

    page = await officer.post("/admin/people", address=ANNA)
    answers = [await officer.post(f"/admin/people/{path}", **about) for path in ("correct", "corrected")]

    assert "has nothing on record that can be corrected" in page.text
    assert [answer.status for answer in answers] == [400, 400]
    assert len(await on_record(office)) == 1


async def test_a_row_of_somebody_else_is_refused(street: Office) -> None:
    """Another person's, another controller's, none at all."""
    officer = await street.signed_in("olga", "officer")
    await street.house.consent(ANNA, BRAM)
    number = await row_of(street, Consent)

    for about in (
        {"address": BRAM, "of": "shop", "evidence": number},
        {"address": ANNA, "of": "rival", "evidence": number},
        {"address": ANNA, "controller": "rival", "of": "shop", "evidence": number},
        {"address": ANNA, "of": "shop", "evidence": "9"},
        {"address": ANNA, "of": "shop"},
        {"address": ANNA, "evidence": number},
    ):
        for path in ("correct", "corrected"):
            assert (await officer.post(f"/admin/people/{path}", **about)).status == 400
