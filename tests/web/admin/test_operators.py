"""/admin/operators: an administrator decides who may sign in; and /admin/audit says who did what."""

from __future__ import annotations

import re

import pytest

from gateway.operators import Account
from tests.web.admin.conftest import PASSWORD, Office

PLACE = "/admin/operators"


async def account(office: Office, name: str) -> Account:
    """As the store has it."""
    found = await office.house.gateway.rooms.accounts.named(name)
    assert found
    return found


async def test_an_added_operator_signs_in_with_the_password_that_was_shown(office: Office) -> None:
    """It is shown once, and names with markup are text."""
    boss = await office.signed_in("boss", "administrator")

    added = await boss.post(f"{PLACE}/add", name="<i>otto", role="officer")

    (password,) = re.findall(r"password <code>([a-z2-7]{24})</code>", added.text)
    assert "&lt;i&gt;otto may sign in" in added.text
    assert "<i>" not in added.text
    assert password not in (await boss.get(PLACE)).text
    assert (await office.browser().sign_in("<i>otto", password)).status == 303


@pytest.mark.parametrize(
    ("name", "role", "status"),
    [
        ("", "viewer", 422),
        ("(x)", "viewer", 422),
        ("o" * 65, "viewer", 422),
        ("otto", "owner", 400),
        ("boss", "viewer", 409),
    ],
)
async def test_nobody_is_added_by_a_wrong_form(office: Office, name: str, role: str, status: int) -> None:
    """The page says what is wrong."""
    boss = await office.signed_in("boss", "administrator")

    answer = await boss.post(f"{PLACE}/add", name=name, role=role)

    assert answer.status == status
    assert len(await office.house.gateway.rooms.accounts.all()) == 1


async def test_a_changed_role_counts_from_the_next_request(office: Office) -> None:
    """The session goes on with what the role may."""
    boss, otto = await office.signed_in("boss", "administrator"), await office.signed_in("otto", "viewer")
    assert (await otto.get("/admin/audit")).status == 403

    await boss.post(f"{PLACE}/role", name="otto", role="administrator")
    assert (await otto.get("/admin/audit")).status == 200
    await boss.post(f"{PLACE}/role", name="otto", role="viewer")
    assert (await otto.get("/admin/audit")).status == 403


async def test_a_revoked_operator_is_out_and_can_be_restored(office: Office) -> None:
    """At once, from every session; added again they are as if new."""
    boss, otto = await office.signed_in("boss", "administrator"), await office.signed_in("otto", "officer")

    await boss.post(f"{PLACE}/revoke", name="otto")
    assert (await otto.get("/admin")).status == 303
    restored = await boss.post(f"{PLACE}/add", name="otto", role="viewer")

    assert restored.status == 200
    assert (await account(office, "otto")).role == "viewer"
    assert (await otto.sign_in("otto", PASSWORD)).status == 403


async def test_sessions_and_second_factor_of_another_can_be_ended(office: Office) -> None:
    """A lost laptop, a lost phone."""
    boss, otto = await office.signed_in("boss", "administrator"), await office.signed_in("otto", "officer")
    rooms = office.house.gateway.rooms
    await rooms.accounts.bind_second_factor("otto", "sealed", 1, rooms.clock.now())

    await boss.post(f"{PLACE}/end-sessions", name="otto")
    await boss.post(f"{PLACE}/remove-second-factor", name="otto")

    assert (await otto.get("/admin")).status == 303
    assert (await account(office, "otto")).second_factor is None


async def test_an_administrator_stays(office: Office) -> None:
    """Nobody revokes or demotes themselves here; what is not there to be changed is said."""
    boss = await office.signed_in("boss", "administrator")

    answers = [
        await boss.post(f"{PLACE}/revoke", name="boss"),
        await boss.post(f"{PLACE}/role", name="boss", role="viewer"),
        await boss.post(f"{PLACE}/remove-second-factor", name="boss"),
        await boss.post(f"{PLACE}/revoke", name="nobody"),
    ]

    assert {answer.status for answer in answers} == {409}
    assert (await account(office, "boss")).role == "administrator"


async def test_the_audit_says_who_did_what(office: Office) -> None:
    """Newest first, with what it was about; markup as text."""
    boss = await office.signed_in("boss", "administrator")
    await boss.post(f"{PLACE}/add", name="<b>otto", role="officer")
    await boss.post(f"{PLACE}/role", name="<b>otto", role="viewer")
    await boss.post(f"{PLACE}/revoke", name="<b>otto")

    told = [(act.what, act.operator, act.details) for act in (await office.acts())[:3]]
    page = await boss.get("/admin/audit")

    assert told == [
        ("revoke-operator", "boss", {"of": "<b>otto"}),
        ("change-role", "boss", {"of": "<b>otto", "role": "viewer"}),
        ("add-operator", "boss", {"of": "<b>otto", "role": "officer"}),
    ]
    assert page.text.index("revoke-operator") < page.text.index("change-role")
    assert "of: &lt;b&gt;otto, role: viewer" in page.text


async def test_the_audit_is_read_in_pages(office: Office) -> None:
    """Each page leads to the older one, none is skipped or shown twice; nonsense leads nowhere."""
    boss = await office.signed_in("boss", "administrator")
    rooms = office.house.gateway.rooms
    for number in range(205):
        await rooms.audit.record("boss", f"act-{number}", rooms.clock.now())

    seen, place = [], "/admin/audit"
    while place:
        page = await boss.get(place)
        seen += re.findall(r">act-(\d+)</td>", page.text)
        place = "".join(re.findall(r'href="(/admin/audit\?before=\d+)"', page.text))

    assert [int(one) for one in seen] == list(reversed(range(205)))
    assert [(await boss.get(f"/admin/audit?before={one}")).status for one in ("x", "9" * 30, "-1", "٣")] == [
        404
    ] * 4
    assert (await boss.get(f"/admin/audit?before={'9' * 19}")).status == 200
