"""Signing in and out, over a real store: what is let in, what is not, and what is told of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from gateway.signing_in import IDLE, LONGEST
from gateway.web.admin.everything import OF_A_NAME, OF_A_PEER, WINDOW
from tests.web.admin.conftest import FROM_US, PASSWORD, Browser, Office

MINUTE = timedelta(minutes=1)


async def test_the_right_password_opens_the_page_that_was_asked_for(office: Office) -> None:
    """A page asks to sign in first, and then is there; the name is shown as text."""
    await office.hire("<b>olga")
    browser = office.browser()

    asked = await browser.get("/admin?week=3")
    form = await browser.get(asked.location)
    done = await browser.sign_in("<b>olga", then="/admin?week=3")
    shown = await browser.get(done.location)

    assert (asked.status, asked.location) == (303, "/admin/sign-in?then=/admin%3Fweek%3D3")
    assert 'name="then" value="/admin?week=3"' in form.text
    assert (done.status, done.location) == (303, "/admin?week=3")
    assert (shown.status, shown.heading) == (200, "Overview")
    assert "Sign out &lt;b&gt;olga" in shown.text


@pytest.mark.parametrize(
    "then",
    ["//evil.example", "https://evil.example/", "/admin\\..\\x", "/administer", "/u/x", "/admin\r\nX: y", ""],
)
async def test_signing_in_leads_to_no_other_place(office: Office, then: str) -> None:
    """What a link says about where to go on is followed within these pages alone."""
    await office.hire("olga")

    assert (await office.browser().sign_in(then=then)).location == "/admin"


@pytest.mark.parametrize(("site", "told"), [("cross-site", 1), ("same-origin", 0), ("none", 0), ("", 0)])
async def test_only_who_comes_by_a_link_of_another_site_may_be_signed_in(
    office: Office, site: str, told: int
) -> None:
    """Their browser kept the cookie back: the form offers to go on; to anybody else it does not."""
    headers = {"Sec-Fetch-Site": site} if site else {}
    form = await office.browser().ask("GET", "/admin/sign-in?then=/admin/campaigns", headers=headers)
    assert form.text.count('<a href="/admin/campaigns">go on to the page</a>') == told


async def test_a_wrong_password_and_an_unknown_name_are_answered_alike(office: Office) -> None:
    """The same page and status, whether the name, the password or the account's state is wrong."""
    for name in ("olga", "gone"):
        await office.hire(name)
    rooms = office.house.gateway.rooms
    await rooms.accounts.revoke("gone", rooms.clock.now(), "(test)")
    browser = office.browser()

    answers = [
        await browser.sign_in("olga", "a goose walks over the other bridge"),
        await browser.sign_in("nobody", PASSWORD),
        await browser.sign_in("gone", PASSWORD),
        await browser.sign_in("olga", ""),
        await browser.sign_in("olga", "\0\x7fé" * 99),
    ]

    assert {answer.status for answer in answers} == {403}
    assert (
        len(
            {
                answer.text.replace(name, "NAME")
                for answer, name in zip(answers, ["olga", "nobody", "gone", "olga", "olga"], strict=True)
            }
        )
        == 1
    )
    assert not any(answer.cookies for answer in answers)


async def test_the_cookie_is_for_this_house_alone(office: Office) -> None:
    """HttpOnly, SameSite=Strict and for the whole host; with __Host- and Secure wherever TLS can be."""
    await office.hire("olga")
    browser = office.browser()
    form = {"name": "olga", "password": PASSWORD}

    (plain,) = (await browser.sign_in()).cookies.values()
    behind_tls = [{"Host": "post.shop.example"}, {"X-Forwarded-Proto": "https"}]
    for more in behind_tls:
        answer = await browser.ask("POST", "/admin/sign-in", data=form, headers=FROM_US | more)
        (safe,) = answer.cookies.values()
        assert safe.key == "__Host-sendright-operator"
        assert (safe["path"], safe["domain"], safe["secure"]) == ("/", "", True)
        assert (safe["httponly"], safe["samesite"]) == (True, "Strict")

    assert (plain.key, plain["secure"]) == ("sendright-operator", "")
    assert (plain["httponly"], plain["samesite"], plain["path"], plain["max-age"]) == (
        True,
        "Strict",
        "/",
        "",
    )


@pytest.mark.parametrize("field", [b"Host: [", b"Host: a\r\nCookie: __Host-sendright-operator=\xff"])
async def test_headers_that_make_no_sense_are_no_fault_of_ours(office: Office, field: bytes) -> None:
    """Whoever sends them is asked to sign in, and nobody is called out to look at a log."""
    to = urlsplit(office.house.url)
    reader, writer = await asyncio.open_connection(to.hostname, to.port)
    writer.write(b"GET /admin HTTP/1.1\r\nConnection: close\r\n%b\r\n\r\n" % field)

    assert (await reader.readline()).startswith(b"HTTP/1.1 303")
    writer.close()
    await writer.wait_closed()


async def test_an_origin_that_makes_no_sense_is_not_ours(office: Office) -> None:
    """Refused as any other site's."""
    answer = await office.browser().ask("POST", "/admin/sign-in", headers={"Origin": "http://["})

    assert answer.status == 403


async def test_signing_in_makes_a_new_session_and_ends_the_one_before(office: Office) -> None:
    """A token that somebody planted, or had, is worth nothing afterwards (no fixation)."""
    browser = await office.signed_in("olga")
    first = browser.cookie

    await browser.sign_in()

    assert browser.cookie != first
    assert (await browser.get("/admin")).status == 200
    browser.cookie = first
    assert (await browser.get("/admin")).status == 303
    browser.cookie = "sendright-operator=" + "A" * 43
    await browser.sign_in()
    assert browser.cookie != "sendright-operator=" + "A" * 43


async def test_signing_out_ends_the_session(office: Office) -> None:
    """The token is of no use any more, even where the browser kept it."""
    browser = await office.signed_in("olga")
    token = browser.cookie

    out = await browser.post("/admin/sign-out")

    assert (out.status, out.location, browser.cookie) == (303, "/admin/sign-in", "")
    browser.cookie = token
    assert (await browser.get("/admin")).status == 303


async def test_a_session_ends_when_it_was_not_used(office: Office) -> None:
    """Half an hour without a request ends it; with one now and then it goes on."""
    browser = await office.signed_in("olga")
    for _ in range(4):
        office.house.clock.move(IDLE - MINUTE)
        assert (await browser.get("/admin")).status == 200

    office.house.clock.move(IDLE)

    assert (await browser.get("/admin")).status == 303


async def test_a_session_ends_however_much_it_is_used(office: Office) -> None:
    """Twelve hours after it began it is over."""
    browser = await office.signed_in("olga")
    steps = LONGEST // (IDLE / 2)
    for _ in range(steps - 1):
        office.house.clock.move(IDLE / 2)
        assert (await browser.get("/admin")).status == 200

    office.house.clock.move(IDLE / 2)

    assert (await browser.get("/admin")).status == 303


async def test_revoking_an_operator_ends_their_sessions_at_once(office: Office) -> None:
    """The very next request is not let in, nor is the next sign-in; restored, only by the new password."""
    browser = await office.signed_in("olga")
    rooms = office.house.gateway.rooms

    await rooms.accounts.revoke("olga", rooms.clock.now(), "(test)")

    assert (await browser.get("/admin")).status == 303
    assert (await browser.sign_in()).status == 403


async def test_guessing_at_one_name_has_an_end(office: Office, hashes: list[str]) -> None:
    """After so many tries the right password is not looked at until the time has passed."""
    await office.hire("olga")
    await office.hire("otto")
    browser = office.browser()
    for _ in range(OF_A_NAME):
        assert (await browser.sign_in(password="wrong")).status == 403
    made = len(hashes)

    refused = await browser.sign_in()

    assert refused.status == 429
    assert 0 < int(refused.headers["Retry-After"]) <= WINDOW.total_seconds() + 1
    assert len(hashes) == made
    assert (await browser.sign_in("otto")).status == 303
    office.house.clock.move(WINDOW)
    assert (await browser.sign_in()).status == 303


async def test_a_name_longer_than_any_takes_no_memory(office: Office) -> None:
    """However long they are and however they end, they count as one."""
    browser = office.browser()
    for number in range(OF_A_NAME):
        assert (await browser.sign_in("x" * 10_000 + str(number), "wrong")).status == 403

    assert (await browser.sign_in("x" * 20_000, "wrong")).status == 429


async def test_ten_thousand_tries_cost_next_to_nothing(office: Office, hashes: list[str]) -> None:
    """Whatever names are tried, at most so many hashes are made for a peer; all others are told to wait."""
    await office.hire("olga")
    browser = office.browser()

    statuses = [(await browser.sign_in(f"name{n}", "wrong")).status for n in range(10_000)]

    assert statuses.count(403) == len(hashes) == OF_A_PEER
    assert statuses.count(429) == 10_000 - OF_A_PEER
    assert (await office.browser().get("/healthz")).status == 200


async def test_signing_in_and_out_is_on_record(office: Office) -> None:
    """Who, what and when; of a name that nobody has, not even the name."""
    browser = await office.signed_in("olga")
    await browser.post("/admin/sign-out")
    await browser.sign_in("olga", "wrong")
    await browser.sign_in("my password in the wrong box", "wrong")

    told = [(act.what, act.operator) for act in await office.acts()]

    assert told == [
        ("fail-sign-in", ""),
        ("fail-sign-in", "olga"),
        ("sign-out", "olga"),
        ("sign-in", "olga"),
        ("add-operator", "(test)"),
    ]


async def test_without_the_store_nobody_is_let_in(office: Office, browser_of: Browser) -> None:
    """503 and a page that says so, for who is signed in and for who would."""
    (office.house.config.gateway.state_dir / "sendright.db").rename(
        office.house.config.gateway.state_dir / "away.db"
    )

    answers = [await browser_of.get("/admin"), await browser_of.sign_in()]

    assert [(answer.status, answer.heading) for answer in answers] == [(503, "Not now")] * 2
    assert all(answer.headers["Retry-After"] for answer in answers)
