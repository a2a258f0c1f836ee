"""Who may see and do what about people and the configuration, and from where."""

from __future__ import annotations

import pytest

from tests.house import ANNA
from tests.web.admin.conftest import FROM_US, Office
from tests.web.admin.officers import on_record

ABOUT_PEOPLE = [
    ("GET", "/admin/people"),
    ("POST", "/admin/people"),
    ("POST", "/admin/people/object"),
    ("POST", "/admin/people/correct"),
    ("POST", "/admin/people/corrected"),
    ("POST", "/admin/people/erase"),
    ("POST", "/admin/people/erased"),
    ("POST", "/admin/people/export"),
]
FORM = {"address": ANNA, "scope": "marketing", "again": ANNA}


@pytest.mark.parametrize(("method", "path"), ABOUT_PEOPLE)
async def test_below_officer_nobody_sees_anything_of_people(office: Office, method: str, path: str) -> None:
    """Not signed in: to the way in. A viewer: only that it takes another role, and nothing was done."""
    await office.house.consent(ANNA)
    viewer, stranger = await office.signed_in("vera"), office.browser()
    form = {"data": FORM, "headers": FROM_US} if method == "POST" else {}

    refused, sent_away = await viewer.ask(method, path, **form), await stranger.ask(method, path, **form)

    assert (refused.status, sent_away.status) == (403, 303)
    assert sent_away.location.startswith("/admin/sign-in")
    assert ANNA not in refused.text + sent_away.text + sent_away.location
    assert len(await on_record(office)) == 1
    assert not [one for one in await office.acts() if one.person]


@pytest.mark.parametrize(("method", "path"), [one for one in ABOUT_PEOPLE if one[0] == "POST"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {},
    ],
)
async def test_a_form_of_another_site_is_refused(
    office: Office, method: str, path: str, headers: dict[str, str]
) -> None:
    """Whatever it holds, with an officer's cookie: 403, and nothing was done."""
    await office.house.consent(ANNA)
    officer = await office.signed_in("olga", "officer")

    page = await officer.ask(method, path, data=FORM, headers=headers)

    assert page.status == 403
    assert ANNA not in page.text
    assert len(await on_record(office)) == 1
    assert not [one for one in await office.acts() if one.person]


async def test_an_administrator_may_what_an_officer_may(office: Office) -> None:
    """Roles include those below them."""
    boss = await office.signed_in("bo", "administrator")

    assert (await boss.get("/admin/people")).status == 200
    assert (await boss.post("/admin/people/object", address=ANNA)).status == 200


async def test_the_configuration_is_every_operators(office: Office) -> None:
    """A viewer sees it; who is not signed in does not."""
    viewer = await office.signed_in("vera")

    assert (await viewer.get("/admin/configuration")).status == 200
    assert (await office.browser().get("/admin/configuration")).status == 303
