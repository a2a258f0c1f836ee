"""Officers look people up and record their objections: at once, on record, and without a trace in any URL."""

from __future__ import annotations

import re
from html import unescape

import pytest
from structlog.testing import capture_logs

from gateway.dossier.records import OnRecord
from gateway.law.evidence import Objection
from gateway.store.dossiers import Dossiers
from tests.house import ANNA, BRAM, NEWSLETTER
from tests.web.admin.conftest import Browser, Office
from tests.web.admin.officers import (
    acts_about_people,
    locked,
    officer,
    on_record,
    street,
    words_of,
)

__all__ = ["officer", "street"]

EVIL = "<script>alert(1)</script>"


async def objections(office: Office, address: str = ANNA, controller: str = "shop") -> list[Objection]:
    """Those on record."""
    return [one for one in await on_record(office, address, controller) if isinstance(one, Objection)]


async def test_the_dossier_is_shown_and_the_look_is_on_record(office: Office, officer: Browser) -> None:
    """All that is held, as the dossier has it, within the admin pages; who looked is on record first."""
    await office.house.consent(ANNA)
    await office.house.submit(ANNA)

    page = await officer.post("/admin/people", address=f"  {ANNA.upper()} ", controller="shop")

    text = words_of(page)
    assert page.status == 200
    for said in (
        "De Winkel",
        "Yes, send me the newsletter.",
        "Tw 11.7(1)-(2), GDPR 6(1)(a)",
        "week47@shop.example",
    ):
        assert said in text, said
    assert await acts_about_people(office) == [("olga", "show-dossier")]
    again = await officer.post("/admin/people", address=ANNA)
    assert "show-dossier" in again.text  # a regulator sees who looked


async def test_of_whom_nothing_is_held_it_says_so_and_leaves_no_trace(
    office: Office, officer: Browser
) -> None:
    """A look makes nobody known, yet is on record; an objection can be recorded all the same, and binds."""
    page = await officer.post("/admin/people", address=ANNA)

    assert "Nothing is on record about this person." in page.text
    assert await acts_about_people(office) == []
    assert (await office.acts())[0].what == "show-dossier"  # by whom, not of whom
    done = await officer.post("/admin/people/object", address=ANNA, scope="marketing", via="phone")
    assert "The objection is on record" in done.text
    assert [one.scope for one in await objections(office)] == ["marketing"]


async def test_an_objection_by_phone_is_recorded_with_who_took_it(office: Office, officer: Browser) -> None:
    """Scope, way, time, reference and operator are on record; the page says from when it binds."""
    await office.house.consent(ANNA)

    page = await officer.post(
        "/admin/people/object",
        address=ANNA,
        scope="category:newsletter",
        via="letter",
        occurred_at="2026-11-20T09:30",
        reference="map 7",
    )

    text = words_of(page)
    (row,) = await objections(office)
    assert (row.scope, row.occurred_at.isoformat()) == ("category:newsletter", "2026-11-20T09:30:00+00:00")
    assert f"as evidence {row.id}" in text
    assert "It binds from 2026-11-21 12:00:00 UTC" in text
    for said in ("via: letter", "reference: map 7", "operator: olga"):
        assert said in text, said
    assert ("olga", "record-objection") in await acts_about_people(office)


async def test_the_same_objection_again_is_one_row(office: Office, officer: Browser) -> None:
    """A page that is sent twice says that it was on record already."""
    for said in ("The objection is on record", "This objection was on record already"):
        page = await officer.post("/admin/people/object", address=ANNA, scope="profiling", via="phone")
        assert said in page.text

    assert [one.scope for one in await objections(office)] == ["profiling"]


@pytest.mark.parametrize(
    ("fields", "scope", "via"),
    [
        ({}, "marketing", "unsaid"),
        ({"scope": "everything"}, "marketing", "unsaid"),
        ({"scope": "channel:sms", "via": "reply"}, "channel:sms", "reply"),
        ({"scope": "category:gone", "via": "pigeon"}, "marketing", "unsaid"),
        ({"via": "phone", "words": "said so to our driver"}, "marketing", "said so to our driver"),
        ({"occurred_at": "yesterday"}, "marketing", "unsaid"),
        ({"occurred_at": "2099-01-01T00:00"}, "marketing", "unsaid"),
    ],
)
async def test_nothing_but_the_address_is_needed(
    office: Office, officer: Browser, fields: dict[str, str], scope: str, via: str
) -> None:
    """What is left out or cannot be read is taken as widely as can be, from now on (law.md section 3)."""
    page = await officer.post("/admin/people/object", address=ANNA, **fields)

    (row,) = await objections(office)
    assert (page.status, row.scope, row.occurred_at) == (200, scope, office.house.clock.now())
    assert f"via:</b> {via}" in page.text
    said = fields.get("occurred_at")
    assert ("could not be read" in page.text) == (said == "yesterday")
    assert ("lies ahead" in page.text) == (said == "2099-01-01T00:00")


async def test_all_controllers_are_bound_but_a_category_is_its_owners(street: Office) -> None:
    """To all marketing it is an objection to each; one to a category says nothing to another controller."""
    officer = await street.signed_in("olga", "officer")

    await officer.post("/admin/people/object", address=ANNA, scope="category:rumours")
    assert (await objections(street), len(await objections(street, controller="rival"))) == ([], 1)
    page = await officer.post("/admin/people/object", address=ANNA, scope="marketing")

    assert page.text.count("The objection is on record") == 2
    assert [one.scope for one in await objections(street)] == ["marketing"]
    assert [one.scope for one in await objections(street, controller="rival")] == [
        "category:rumours",
        "marketing",
    ]
    alone = await officer.post("/admin/people", address=ANNA, controller="shop")
    assert "De Rivaal" not in alone.text.partition("</nav>")[2]  # I8


@pytest.mark.parametrize("address", ["", "anna", "anna@", "anna@example.org, bram@example.org", EVIL])
async def test_what_is_no_address_is_said_beside_the_field(officer: Browser, address: str) -> None:
    """Nothing is looked up, and what was typed is there again, as text."""
    page = await officer.post("/admin/people", address=address)

    assert page.status == 422
    assert 'aria-invalid="true"' in page.text
    assert EVIL not in page.text


@pytest.mark.parametrize("path", ["object", "export", "erase", "erased", "correct", "corrected"])
async def test_a_form_that_no_page_made_is_refused(officer: Browser, path: str) -> None:
    """Without an address, or for a controller that is not configured, there is nothing to do."""
    for fields in ({}, {"address": "anna"}, {"address": ANNA, "controller": "nobody"}):
        assert (await officer.post(f"/admin/people/{path}", **fields)).status == 400


async def test_no_address_is_in_a_url_a_title_or_a_log(office: Office, officer: Browser) -> None:
    """Whatever is done with a person, their address travels in forms alone."""
    await office.house.consent(ANNA)
    pages = []
    with capture_logs() as logs:
        for path, more in (
            ("/admin/people", {}),
            ("/admin/people/object", {"scope": "marketing", "via": "phone"}),
            ("/admin/people/export", {"as": "html"}),
            ("/admin/people/erase", {}),
            ("/admin/people/erased", {"again": BRAM}),
            ("/admin/people/erased", {"again": ANNA}),
        ):
            pages.append(await officer.post(path, address=ANNA, **more))

    told = [
        *(value for page in pages for value in re.findall(r'(?:href|action|src)="([^"]*)"', page.text)),
        *(title for page in pages for title in re.findall(r"<title>([^<]*)</title>", page.text)),
        *(str(dict(page.headers)) for page in pages),
        *map(str, logs),
    ]
    assert [page.status for page in pages] == [200, 200, 200, 200, 422, 200]
    assert not [one for one in told if "anna" in one.lower() and not one.startswith("mailto:")]


async def test_markup_is_shown_as_text(office: Office, officer: Browser) -> None:
    """In words, references, campaigns, wordings and addresses."""
    address = '"<b>x</b>"@example.org'
    await office.house.record(
        {
            "email": address,
            "kind": "consent",
            "category": "newsletter",
            "occurred_at": "2026-11-01T12:00:00+01:00",
            "source": EVIL,
            "wording": EVIL,
            "wording_version": EVIL,
        }
    )
    await office.house.submit(
        address, message=b"X-Sendright-Campaign: " + EVIL.encode() + b"\r\n" + NEWSLETTER
    )

    page = await officer.post("/admin/people/object", address=address, words=EVIL, reference=EVIL)

    assert page.status == 200
    assert "<script" not in page.text
    assert "<b>x" not in page.text
    assert unescape(page.text).count(EVIL) >= 5


async def test_what_is_recorded_is_told_though_nothing_can_be_read(
    office: Office, officer: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store goes away between the objection and the dossier: the objection is told, and on record."""
    file = office.house.config.gateway.state_dir / "sendright.db"
    real = Dossiers.of

    async def gone(own: Dossiers, controller: str, person: bytes) -> OnRecord:
        file.rename(file.with_name("away.db"))
        try:
            return await real(own, controller, person)
        finally:
            file.with_name("away.db").rename(file)

    monkeypatch.setattr(Dossiers, "of", gone)
    page = await officer.post("/admin/people/object", address=ANNA, via="phone")

    assert (page.status, "The objection is on record" in page.text) == (200, True)
    assert "The dossier cannot be read now" in page.text
    assert [one.scope for one in await objections(office)] == ["marketing"]


async def test_a_store_that_cannot_write_tells_nothing_as_done(
    office: Office, officer: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 and try again; nothing is on record, and no dossier is shown without a record of it."""
    await office.house.consent(ANNA)
    with locked(office.house, monkeypatch):
        for path in ("/admin/people", "/admin/people/object", "/admin/people/export"):
            page = await officer.post(path, address=ANNA, scope="marketing")
            assert (page.status, page.headers["Retry-After"]) == (503, "30")
            assert "on record" not in page.text
            assert ANNA not in page.text

    assert await objections(office) == []
    assert "The objection is on record" in (await officer.post("/admin/people/object", address=ANNA)).text
