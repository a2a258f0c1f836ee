"""/admin/account: sessions, password and second factor of the one who is signed in."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pyotp

from gateway.web.admin.everything import OF_A_NAME
from tests.web.admin.conftest import PASSWORD, Browser, Office, Page

NEW = "two herons and a lantern"
STEP = timedelta(seconds=30)
PLACE = "/admin/account"


def code(office: Office, secret: str, steps: int = 0) -> str:
    """What the phone shows now, or so many steps later."""
    return str(pyotp.TOTP(secret).at(office.house.clock.now() + steps * STEP))


def offered(page: Page) -> tuple[str, str]:
    """The secret to type, and the form's own field."""
    (secret,) = re.findall(r"Secret: <code>([A-Z2-7 ]+)</code>", page.text)
    (sealed,) = re.findall(r'name="sealed" value="([^"]+)"', page.text)
    return secret.replace(" ", ""), unescape(sealed)


async def with_factor(office: Office, browser: Browser) -> str:
    """Set a second factor up; its secret."""
    secret, sealed = offered(await browser.post(f"{PLACE}/second-factor", password=PASSWORD))
    bound = await browser.post(f"{PLACE}/second-factor/bind", sealed=sealed, code=code(office, secret))
    assert (bound.status, bound.location) == (303, f"{PLACE}?done=bound")
    office.house.clock.move(STEP)
    return secret


async def test_other_sessions_can_be_ended(office: Office) -> None:
    """Every other one ends, this one goes on; nobody else's is touched."""
    here = await office.signed_in("olga")
    there, stranger = office.browser(), await office.signed_in("otto")
    await there.sign_in("olga")
    assert (await here.get(PLACE)).text.count(">another</td>") == 1

    await here.post(f"{PLACE}/end-sessions")

    assert [(await one.get(PLACE)).status for one in (here, there, stranger)] == [200, 303, 200]


async def test_a_new_password_ends_all_sessions_but_this_browsers(office: Office) -> None:
    """The old password and every old token are over; this browser got a new token."""
    here = await office.signed_in("olga")
    there, old = office.browser(), here.cookie
    await there.sign_in("olga")

    changed = await here.post(f"{PLACE}/password", password=PASSWORD, new=NEW, again=NEW)

    assert (changed.status, changed.location) == (303, f"{PLACE}?done=password")
    assert here.cookie != old
    assert [(await one.get(PLACE)).status for one in (here, there)] == [200, 303]
    assert [(await there.sign_in("olga", word)).status for word in (PASSWORD, NEW)] == [403, 303]


async def test_a_password_is_changed_only_by_who_knows_it(office: Office) -> None:
    """A browser left open is not enough, and guessing there counts as guessing at the door."""
    here = await office.signed_in("olga")

    wrong = [
        await here.post(f"{PLACE}/password", password="guess", new=NEW, again=NEW) for _ in range(OF_A_NAME)
    ]
    right = await here.post(f"{PLACE}/password", password=PASSWORD, new=NEW, again=NEW)

    assert {one.status for one in wrong} == {403}
    assert (right.status, (await office.browser().sign_in()).status) == (429, 429)


async def test_a_weak_password_or_two_that_differ_change_nothing(office: Office) -> None:
    """422, and the old password goes on."""
    here = await office.signed_in("olga")

    answers = [
        await here.post(f"{PLACE}/password", password=PASSWORD, new=new, again=again)
        for new, again in [("short", "short"), (NEW, NEW + "s"), ("", ""), ("a" * 20, "a" * 20)]
    ]

    assert {one.status for one in answers} == {422}
    assert (await office.browser().sign_in()).status == 303


async def test_a_second_factor_is_asked_for_once_it_has_proven_itself(office: Office) -> None:
    """A wrong code binds nothing; a right one does, and from then on the password alone lets nobody in."""
    here, door = await office.signed_in("olga"), office.browser()
    page = await here.post(f"{PLACE}/second-factor", password=PASSWORD)
    secret, sealed = offered(page)
    assert "<svg" in page.text
    assert " style=" not in page.text
    again = await here.post(f"{PLACE}/second-factor/bind", sealed=sealed, code="000000")
    assert (again.status, offered(again)) == (403, (secret, sealed))
    assert (await door.sign_in()).status == 303

    await here.post(f"{PLACE}/second-factor/bind", sealed=sealed, code=code(office, secret))

    office.house.clock.move(STEP)
    assert [(await door.sign_in(code=one)).status for one in ("", "123456", code(office, secret))] == [
        403,
        403,
        303,
    ]


async def test_a_code_is_good_once(office: Office) -> None:
    """One that bound it, one that was used and any before it let nobody in (RFC 6238 section 5.2)."""
    here, door = await office.signed_in("olga"), office.browser()
    secret, sealed = offered(await here.post(f"{PLACE}/second-factor", password=PASSWORD))
    first = code(office, secret)
    await here.post(f"{PLACE}/second-factor/bind", sealed=sealed, code=first)

    assert (await door.sign_in(code=first)).status == 403
    office.house.clock.move(STEP * 2)
    now, before = code(office, secret), code(office, secret, -1)
    assert (await door.sign_in(code=f" {now[:3]} {now[3:]} ")).status == 303
    assert [(await door.sign_in(code=one)).status for one in (now, before)] == [403, 403]
    office.house.clock.move(STEP * 4)
    assert (await door.sign_in(code=code(office, secret, -2))).status == 403
    assert (await door.sign_in(code=code(office, secret, 1))).status == 303


async def test_a_second_factor_is_removed_by_a_code(office: Office) -> None:
    """Not by the session alone; afterwards the password is enough."""
    here = await office.signed_in("olga")
    secret = await with_factor(office, here)

    assert (await here.post(f"{PLACE}/second-factor/remove", code="000000")).status == 403
    assert (await here.post(f"{PLACE}/second-factor/remove", code=code(office, secret))).status == 303
    assert (await office.browser().sign_in()).status == 303
    assert (await here.post(f"{PLACE}/second-factor/remove", code=code(office, secret, 1))).status == 403


async def test_a_secret_is_its_operators_alone(office: Office) -> None:
    """One of another, one made up, and one while there is one bind nothing; no offer without password."""
    here, other = await office.signed_in("olga"), await office.signed_in("otto")
    secret, sealed = offered(await other.post(f"{PLACE}/second-factor", password=PASSWORD))
    stolen = await here.post(f"{PLACE}/second-factor/bind", sealed=sealed, code=code(office, secret))
    made_up = await here.post(f"{PLACE}/second-factor/bind", sealed="A" * 60, code="000000")
    without = await here.post(f"{PLACE}/second-factor", password="guess")
    secret, sealed = offered(await here.post(f"{PLACE}/second-factor", password=PASSWORD))
    await with_factor(office, here)
    second = await here.post(f"{PLACE}/second-factor/bind", sealed=sealed, code=code(office, secret))

    assert [one.status for one in (stolen, made_up, without, second)] == [400, 400, 403, 400]


async def test_what_one_does_with_the_account_is_on_record(office: Office) -> None:
    """Each change, by whom, and nothing secret."""
    here = await office.signed_in("olga")
    secret = await with_factor(office, here)
    await here.post(f"{PLACE}/second-factor/remove", code=code(office, secret))
    await here.post(f"{PLACE}/password", password=PASSWORD, new=NEW, again=NEW)

    acts = [act for act in await office.acts() if act.what != "sign-in"][:-1]

    assert [(act.what, act.operator, act.details) for act in acts] == [
        ("change-password", "olga", {"of": "olga"}),
        ("remove-second-factor", "olga", {"of": "olga"}),
        ("bind-second-factor", "olga", {"of": "olga"}),
    ]
