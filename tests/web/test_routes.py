"""Every route of the house, who may ask it and what becomes of it when a page of another site asks.

The table is the claim; the tests hold the router and its behaviour to it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import aiohttp
import pytest

from gateway.app import Running
from gateway.operators import ROLES, Role
from gateway.web.api.bearer import MOST_FAILURES
from gateway.web.guard import headers
from tests.bench.sink import free_port
from tests.house import CONFIG, House
from tests.web.admin.conftest import FROM_US, Browser, Office, hashed, office  # noqa: F401 -- fixtures

# who: anyone; link: who holds a token of ours; visitor: who has yet to sign in; a role, or one above it;
# bearer: a machine with a token of this scope.
# across: what becomes of a request of another site: harmless, it changes nothing; counted, since an objection
# is, whatever it comes from (RFC 8058 section 3.2), and what else is asked for is confirmed by mail; refused;
# bearer: no browser holds a machine's token.
TABLE = """
GET    /robots.txt                              anyone            harmless
GET    /healthz                                 anyone            harmless
GET    /readyz                                  anyone            harmless
GET    /metrics                                 anyone            harmless
GET    /openapi.json                            anyone            harmless
GET    /u/{token}                               link              harmless
POST   /u/{token}                               link              counted
POST   /undo/{token}                            link              refused
GET    /p/{token}                               link              harmless
POST   /p/{token}                               link              counted
GET    /confirm/{token}                         link              harmless
POST   /confirm/{token}                         link              counted
GET    /objection                               anyone            harmless
GET    /objection/{controller}                  anyone            harmless
POST   /objection/{controller}                  anyone            counted
GET    /subscribe/{category}                    anyone            harmless
POST   /subscribe/{category}                    anyone            counted
POST   /api/v1/evidence                         bearer:evidence   bearer
POST   /api/v1/decisions                        bearer:decisions  bearer
POST   /api/v1/signups                          bearer:evidence   bearer
POST   /api/v1/objections                       bearer:objections bearer
GET    /api/v1/log                              bearer:log        bearer
GET    /api/v1/people/{address}                 bearer:people     bearer
DELETE /api/v1/people/{address}                 bearer:erase      bearer
GET    /admin/sign-in                           visitor           harmless
POST   /admin/sign-in                           visitor           refused
POST   /admin/sign-out                          viewer            refused
GET    /admin                                   viewer            harmless
GET    /admin/withheld                          viewer            harmless
GET    /admin/withheld/live                     viewer            harmless
POST   /admin/withheld/export                   viewer            refused
GET    /admin/withheld/{id}                     viewer            harmless
GET    /admin/campaigns                         viewer            harmless
GET    /admin/campaigns/compare                 viewer            harmless
GET    /admin/people                            officer           harmless
POST   /admin/people                            officer           refused
POST   /admin/people/object                     officer           refused
POST   /admin/people/export                     officer           refused
POST   /admin/people/correct                    officer           refused
POST   /admin/people/corrected                  officer           refused
POST   /admin/people/erase                      officer           refused
POST   /admin/people/erased                     officer           refused
GET    /admin/configuration                     viewer            harmless
GET    /admin/operators                         administrator     harmless
POST   /admin/operators/add                     administrator     refused
POST   /admin/operators/role                    administrator     refused
POST   /admin/operators/revoke                  administrator     refused
POST   /admin/operators/end-sessions            administrator     refused
POST   /admin/operators/remove-second-factor    administrator     refused
GET    /admin/audit                             administrator     harmless
GET    /admin/account                           viewer            harmless
POST   /admin/account/end-sessions              viewer            refused
POST   /admin/account/password                  viewer            refused
POST   /admin/account/second-factor             viewer            refused
POST   /admin/account/second-factor/bind        viewer            refused
POST   /admin/account/second-factor/remove      viewer            refused
"""
ROWS = [tuple(line.split()) for line in TABLE.strip().splitlines()]
ENDLESS = "/admin/withheld/live"  # goes on until one has seen enough
OPERATION = {"/readyz", "/metrics"}  # kept for admin_listen, as all of /admin


def served(gateway: Running, listener: int = 0) -> set[tuple[str, str]]:
    """What a listener's own router answers; HEAD goes with GET."""
    routes = gateway._pages[listener].app.router.routes()
    return {(one.method, one.resource.canonical) for one in routes if one.resource and one.method != "HEAD"}


def filled(path: str) -> str:
    """A path to ask for: nobody's token, nobody's address."""
    return re.sub(r"{[^}]+}", "x", path)


def of_role(*least: str) -> list[tuple[str, str, str]]:
    """Routes that take a role."""
    return [(method, path, who) for method, path, who, _ in ROWS if who in (least or ROLES)]


async def test_the_table_has_every_route(house: House) -> None:
    """No route is served that is not in the table, and each that is."""
    assert served(house.gateway) == {(method, path) for method, path, *_ in ROWS}


async def test_apart_the_admin_pages_are_on_their_own_listener_alone(
    open_house: Callable[..., object],
) -> None:
    """With admin_listen elsewhere the public listener knows nothing of /admin, /readyz or /metrics."""
    listen = f'[http]\nadmin_listen = "127.0.0.1:{free_port()}"'
    apart: House = await open_house(text=CONFIG.replace("[http]", listen))  # type: ignore[misc]
    everything = {(method, path) for method, path, *_ in ROWS}
    kept = {one for one in everything if one[1] in OPERATION or one[1].startswith("/admin")}

    assert served(apart.gateway, 0) == everything - kept
    assert served(apart.gateway, 1) == everything


@pytest.mark.parametrize("role", [None, *ROLES])
async def test_each_role_gets_what_the_table_gives_it(office: Office, role: Role | None) -> None:  # noqa: F811
    """Not signed in: sent to sign in. Too low a role: 403. Else the page, or what its form lacks."""
    for number, (method, path, who) in enumerate(of_role()):
        browser = await entered(office, f"{role}{number}", role)
        answer = await browser.ask(method, filled(path), whole=path != ENDLESS, **form(method))
        case = (role, method, path, answer.status)
        if role is None:
            assert (answer.status, answer.location[:14]) == (303, "/admin/sign-in"), case
        elif ROLES.index(role) < ROLES.index(who):  # type: ignore[arg-type]
            assert (answer.status, answer.heading) == (403, "Not allowed"), case
            assert "takes a role that you do not have" in answer.text, case
        else:
            assert answer.heading != "Not allowed", case
            assert not answer.location.startswith("/admin/sign-in") or path == "/admin/sign-out", case


@pytest.mark.parametrize(
    "site",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "OURS"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
    ],
    ids=str,
)
async def test_what_another_site_sends_is_refused(office: Office, site: dict[str, str]) -> None:  # noqa: F811
    """Every route of which the table says so, also with an administrator's cookie; nothing is done."""
    boss = await entered(office, "boss", "administrator")
    headers = {name: value.replace("OURS", office.house.url) for name, value in site.items()}
    before = await office.acts()
    for method, path, who, across in ROWS:
        assert method == "GET" or across != "harmless", path
        if across == "refused" and who != "link":
            answer = await boss.ask(method, filled(path), headers=headers, data={"name": "boss"})
            assert (answer.status, answer.heading) == (403, "Not allowed"), path
            assert "was not sent by a page of this gateway" in answer.text, path

    assert await office.acts() == before
    assert (await boss.get("/admin")).status == 200


async def test_an_older_browser_says_where_it_comes_from_in_origin(office: Office) -> None:  # noqa: F811
    """Without Sec-Fetch-Site the Origin of these very pages is enough."""
    await office.hire("olga")
    answer = await office.browser().ask(
        "POST", "/admin/sign-in", headers={"Origin": office.house.url}, data={"name": "olga", "password": "x"}
    )

    assert answer.heading == "Sign in"


@pytest.mark.parametrize("role", [None, "administrator"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "X"])
async def test_every_answer_carries_the_headers(
    office: Office,  # noqa: F811
    method: str,
    role: Role | None,
) -> None:
    """Any method to any path, there or not, signed in or not: the policies, no store, no name but ours."""
    for number, path in enumerate([*dict.fromkeys(path for _, path, *_ in ROWS), "/", "/admin/x", "/admin/"]):
        browser = await entered(office, f"{role}{number}", role)
        answer = await browser.ask(method, filled(path), whole=path != ENDLESS, **form(method))

        wanted = headers(path if method != "X" else "")  # of what is no HTTP, no path is known
        assert {name: answer.headers.get(name) for name in wanted} == dict(wanted), (path, answer.status)


async def test_a_machine_without_a_token_gets_nothing(house: House) -> None:
    """401 for every route of the API."""
    asked = [(method, filled(path)) for method, path, who, _ in ROWS if who.startswith("bearer")]
    assert len(asked) < MOST_FAILURES
    async with aiohttp.ClientSession() as session:
        for method, path in asked:
            async with session.request(method, house.url + path, headers=FROM_US) as answer:
                assert answer.status == 401, path


async def entered(office: Office, name: str, role: Role | None) -> Browser:  # noqa: F811
    """The browser of a new operator of this role; of nobody."""
    return await office.entered(name, role) if role else office.browser()


def form(method: str) -> dict[str, object]:
    """What a form of ours sends that was not filled in."""
    return {"data": {"x": ""}, "headers": FROM_US} if method == "POST" else {}
