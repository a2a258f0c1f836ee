"""The withheld log as an operator sees it: filters, one mail, files, and the page that grows."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest

from gateway.address import parse
from gateway.erasing import erase
from gateway.signing_in import IDLE
from gateway.web import exporting
from gateway.web.admin import tail, withheld
from gateway.web.admin.filters import FIELDS
from gateway.web.guard import headers
from tests.house import NEWSLETTER
from tests.web.admin.conftest import FROM_US, Browser, Office, Page

PEOPLE = [f"p{number}@example.org" for number in range(7)]
MARKUP = "<script>alert(1)</script>!"

DRESS = headers("/admin/withheld")


async def mailed(office: Office, *people: str, campaign: str = "", login: str = "tool") -> None:
    """Submit to each in turn, a minute apart: all are withheld."""
    field = f"X-Sendright-Campaign: {campaign}\r\n".encode() if campaign else b""
    for person in people:
        await office.house.submit(person, message=field + NEWSLETTER, login=login)
        office.house.clock.move(timedelta(minutes=1))


def links(page: Page) -> list[str]:
    """Of the rows, to one mail each."""
    return re.findall(r'<td class="when"[^>]*><a href="([^"]+)"', page.text)


def people_on(text: str) -> list[str]:
    """Whom the rows are about, in order."""
    return re.findall(r"</a></td>\s*<td[^>]*>([^<]*@[^<]*)</td>", text)


def link(page: Page, words: str) -> str:
    """Where the link of these words leads; empty where there is none."""
    found = re.findall(rf'<a href="([^"]*)">{words}</a>', page.text)
    return found[0].replace("&amp;", "&") if found else ""


async def test_an_empty_log(browser_of: Browser) -> None:
    """Nothing withheld yet: the page says so, and offers no file."""
    page = await browser_of.get("/admin/withheld")
    assert (page.status, page.heading) == (200, "Withheld")
    assert "There is nothing." in page.text
    assert "export" not in page.text
    assert DRESS.items() <= dict(page.headers).items()


async def test_pages_hold_everything_once_newest_first(
    office: Office, browser_of: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Going on to older ones shows each mail once, also while more is withheld."""
    monkeypatch.setattr(withheld, "PAGE", 2)
    await mailed(office, *PEOPLE[:5])
    found: list[str] = []
    path = "/admin/withheld"
    while path:
        page = await browser_of.get(path)
        found += people_on(page.text)
        path = link(page, "Older")
        await mailed(office, "later@example.org")
    assert found == PEOPLE[4::-1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "p2 p1 p0"),
        ("?since=&until=&reason=&category=&campaign=&login=&address=&controller=", "p2 p1 p0"),
        ("?address=P1%40example.org", "p1"),
        ("?campaign=autumn", "p1"),
        ("?login=strict", "p2"),
        ("?category=newsletter&reason=unknown-person", "p2 p1 p0"),
        ("?reason=objected", ""),
        ("?controller=shop", "p2 p1 p0"),
        ("?controller=rival", ""),
        ("?since=2026-11-21T12:01:00Z", "p2 p1"),
        ("?until=2026-11-20", ""),
        ("?since=2026-11-21&until=2026-11-21", "p2 p1 p0"),
        ("?login=tool&campaign=spring&since=2026-11-21", "p0"),
    ],
)
async def test_filters(office: Office, browser_of: Browser, query: str, expected: str) -> None:
    """Each field narrows, alone and together; an empty one does not, and the form keeps what was asked."""
    await mailed(office, PEOPLE[0], campaign="spring")
    await mailed(office, PEOPLE[1], campaign="autumn")
    await mailed(office, PEOPLE[2], login="strict")
    page = await browser_of.get(f"/admin/withheld{query}")
    assert " ".join(one.partition("@")[0] for one in people_on(page.text)) == expected
    if "campaign=autumn" in query:
        assert 'name="campaign" value="autumn"' in page.text


@pytest.mark.parametrize(
    ("query", "fault"),
    [("since=soon", "since"), ("until=2026-13-01", "until"), ("address=nobody", "address")],
)
async def test_what_is_no_filter_is_named(browser_of: Browser, query: str, fault: str) -> None:
    """A field that makes no sense is named, and nothing is looked for."""
    page = await browser_of.get(f"/admin/withheld?{query}")
    assert page.status == 422
    assert f'<a href="#{fault}">' in page.text
    assert (await browser_of.get(f"/admin/withheld/live?{query}")).status == 400


@pytest.mark.parametrize(
    "path", ["/admin/withheld?before=x", "/admin/withheld/nothing", "/admin/withheld/0000000000001"]
)
async def test_what_is_not_there(browser_of: Browser, path: str) -> None:
    """No such page, and no such mail."""
    assert (await browser_of.get(path)).status == 404


async def test_markup_is_shown_as_text(office: Office, browser_of: Browser) -> None:
    """Whatever a campaign or an address is called, and whatever was asked for, it stays words."""
    await mailed(office, '"<i>"@example.org', campaign=MARKUP)
    page = await browser_of.get("/admin/withheld")
    one = await browser_of.get(links(page)[0])
    asked = await browser_of.get(f"/admin/withheld?login={MARKUP}&campaign={MARKUP}")
    for shown in (page, one, asked):
        assert MARKUP not in shown.text
        assert "<i>" not in shown.text
        assert "&lt;script&gt;" in shown.text


async def test_one_mail_is_explained(office: Office, browser_of: Browser) -> None:
    """The reason, the article, the evidence with its proof, every test, and what would make it lawful."""
    await office.house.record(
        {"email": "anna@example.org", "kind": "objection", "scope": "marketing", "via": "phone <b>"}
    )
    await mailed(office, "anna@example.org", campaign="spring")
    page = await browser_of.get(links(await browser_of.get("/admin/withheld"))[0])
    assert page.heading == "Withheld: objected"
    for words in (
        "Nothing but a newer, provable consent to this category on this channel.",
        "Tw 11.7(4), GDPR 21(2)-(3)",
        "Objection of 2026-11-21 12:00:00 UTC",
        "phone &lt;b&gt;",
        "<strong>withhold: objected</strong>",
        "anna@example.org",
        "spring",
    ):
        assert words in page.text


async def test_an_erased_person_stays_a_row(office: Office, browser_of: Browser) -> None:
    """Once erased, the mail is still there and explained, without who it was; her address finds it still."""
    await mailed(office, "anna@example.org", campaign="spring")
    rooms = office.house.gateway.rooms
    assert (await erase(rooms, "shop", parse("anna@example.org"), "olga")).complete
    page = await browser_of.get("/admin/withheld?address=anna@example.org")
    (path,) = links(page)
    one = await browser_of.get(path)
    assert "anna@" not in re.sub(r'value="anna@[^"]*"', "", page.text) + one.text
    assert "erased" in page.text
    assert one.text.count("erased") >= 3
    assert "unknown-person" in one.text


async def test_report_mode_is_marked(office: Office, browser_of: Browser) -> None:
    """What would have been withheld and was relayed says so, in the list and by itself."""
    await mailed(office, PEOPLE[0], login="trial")
    page = await browser_of.get("/admin/withheld")
    one = await browser_of.get(links(page)[0])
    assert "relayed in report mode" in page.text
    assert "in report mode" in one.text
    assert "<dt>Fate of the copy</dt><dd>relayed</dd>" in one.text


async def test_a_file_of_all_that_was_asked_for(
    office: Office, browser_of: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every mail as CSV and as JSON lines, however many parts; no cell is a formula; asking is on record."""
    monkeypatch.setattr(exporting, "_LINES", 2)
    await mailed(office, *PEOPLE, "+31612345678@example.org", campaign="=HYPERLINK(1)")
    await mailed(office, "x@example.org", login="strict")
    table = await browser_of.post("/admin/withheld/export", **{"as": "csv", "login": "tool"})
    lines = await browser_of.post("/admin/withheld/export", **{"as": "json", "login": "tool"})
    rows = list(csv.DictReader(io.StringIO(table.text)))
    objects = [json.loads(line) for line in lines.text.splitlines()]
    assert [row["address"] for row in rows] == ["'+31612345678@example.org", *PEOPLE[::-1]]
    assert {row["campaign"] for row in rows} == {"'=HYPERLINK(1)"}
    assert [one["address"] for one in objects] == ["+31612345678@example.org", *PEOPLE[::-1]]
    assert objects[0]["reason"] == "unknown-person"
    assert objects[0]["relaxed"] is False
    assert DRESS.items() <= dict(table.headers).items()
    act = (await office.acts())[0]
    assert (act.operator, act.what) == ("olga", "withheld-exported")
    assert act.details == {"as": "json", "login": "tool"}


async def test_a_file_about_one_person_names_nobody_on_record(office: Office, browser_of: Browser) -> None:
    """The act is about the person, by their keyed hash, and does not hold the address."""
    await mailed(office, *PEOPLE[:2])
    file = await browser_of.post("/admin/withheld/export", **{"as": "json", "address": PEOPLE[0]})
    act = (await office.acts())[0]
    assert [json.loads(line)["address"] for line in file.text.splitlines()] == [PEOPLE[0]]
    assert act.person == office.house.gateway.rooms.keys.hash("shop", PEOPLE[0])
    assert PEOPLE[0] not in str(act)


GIVEN = {
    "since": "2026-11-21",
    "until": "2026-11-21",
    "reason": "unknown-person",
    "category": "newsletter",
    "campaign": "spring",
    "login": "tool",
    "address": PEOPLE[0],
    "controller": "shop",
}


@pytest.mark.parametrize("names", [*([name] for name in FIELDS), FIELDS, ("address", "controller")])
async def test_a_file_by_each_field(office: Office, browser_of: Browser, names: Sequence[str]) -> None:
    """Whatever is asked for, alone and together: there is a file, and the act says whose it is."""
    await mailed(office, PEOPLE[0], campaign="spring")
    fields = {name: GIVEN[name] for name in names}
    file = await browser_of.post("/admin/withheld/export", **{"as": "json", **fields})
    act = (await office.acts())[0]
    assert (file.status, act.what) == (200, "withheld-exported")
    assert [json.loads(line)["address"] for line in file.text.splitlines()] == [PEOPLE[0]]
    assert act.controller == ("shop" if {"address", "controller"} & set(names) else "")


@pytest.mark.parametrize("field", ["campaign", "login", "category", "reason", "controller"])
async def test_no_field_of_a_file_puts_an_address_on_record(
    office: Office, browser_of: Browser, field: str
) -> None:
    """A campaign may be called by its reader's address; erasing them would not find such an act (I7)."""
    await mailed(office, PEOPLE[0], campaign=f"Birthday of {PEOPLE[0]}")
    asked = f"Birthday of {PEOPLE[0]}" if field == "campaign" else PEOPLE[0]
    await browser_of.post("/admin/withheld/export", **{"as": "json", field: asked})
    act = (await office.acts())[0]
    assert act.what == "withheld-exported"
    assert PEOPLE[0] not in str(act)


@pytest.mark.parametrize(
    ("headers", "status"), [({"Sec-Fetch-Site": "cross-site"}, 403), ({}, 403), (FROM_US, 400)]
)
async def test_a_file_is_for_a_form_of_ours(
    browser_of: Browser, office: Office, headers: dict[str, str], status: int
) -> None:
    """Nothing is given or recorded for another site, nor for a form that says nothing of ours."""
    before = await office.acts()
    answer = await browser_of.ask("POST", "/admin/withheld/export", data={"as": "pdf"}, headers=headers)
    assert answer.status == status
    assert await office.acts() == before


class Tail:
    """The growing page, as far as it has come."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.text = ""

    async def until(self, words: str, chunks: AsyncIterator[bytes]) -> str:
        """Read on until it says so."""
        async with asyncio.timeout(20):
            while words not in self.text:
                self.text += (await anext(chunks)).decode()
        return self.text


async def test_the_page_grows_as_mail_is_withheld(
    office: Office, browser_of: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was there, then what comes in, each once and in order; then its time is up and a link goes on."""
    monkeypatch.setattr(tail, "PAUSE", 0.01)
    monkeypatch.setattr(tail, "LONGEST", 2.0)
    await mailed(office, *PEOPLE[:2])
    url, cookie = office.house.url, {"Cookie": browser_of.cookie}
    async with office.session.get(f"{url}/admin/withheld/live?login=tool", headers=cookie) as answer:
        chunks, page = answer.content.iter_any(), Tail(browser_of)
        assert DRESS.items() <= dict(answer.headers).items()
        await page.until(PEOPLE[1], chunks)
        await mailed(office, PEOPLE[2], login="strict")
        await mailed(office, PEOPLE[3])
        await page.until(PEOPLE[3], chunks)
        await page.until("</html>", chunks)
    assert people_on(page.text) == [PEOPLE[0], PEOPLE[1], PEOPLE[3]]
    assert 'This page has ended. <a href="/admin/withheld/live?login=tool">' in page.text


async def test_a_growing_page_never_holds_up_an_end(office: Office, browser_of: Browser) -> None:
    """The gateway stops: the page is ended in order, at once."""
    await mailed(office, PEOPLE[0])
    cookie = {"Cookie": browser_of.cookie}
    async with office.session.get(f"{office.house.url}/admin/withheld/live", headers=cookie) as answer:
        chunks, page = answer.content.iter_any(), Tail(browser_of)
        await page.until(PEOPLE[0], chunks)
        async with asyncio.timeout(10):
            await office.house.close()
        await page.until("</html>", chunks)


async def test_a_growing_page_ends_with_its_session(
    office: Office, browser_of: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is revoked sees nothing more, at once; and looking on keeps no session alive."""
    monkeypatch.setattr(tail, "PAUSE", 0.01)
    url, cookie = f"{office.house.url}/admin/withheld/live", {"Cookie": browser_of.cookie}
    rooms = office.house.gateway.rooms
    async with office.session.get(url, headers=cookie) as answer:
        chunks, page = answer.content.iter_any(), Tail(browser_of)
        await answer.content.readany()
        await rooms.accounts.revoke("olga", rooms.clock.now(), "(test)")
        await page.until("</html>", chunks)
    other = await office.signed_in("otto")
    async with office.session.get(url, headers={"Cookie": other.cookie}) as answer:
        chunks, page = answer.content.iter_any(), Tail(other)
        await answer.content.readany()
        office.house.clock.move(IDLE)
        await page.until("</html>", chunks)


async def test_so_many_growing_pages_and_no_more(
    office: Office, browser_of: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One too many is asked to come back; once somebody has left there is room again."""
    monkeypatch.setattr(tail, "PAUSE", 0.01)
    monkeypatch.setattr(tail, "MOST", 1)
    url, cookie = f"{office.house.url}/admin/withheld/live", {"Cookie": browser_of.cookie}
    async with office.session.get(url, headers=cookie) as answer:
        await answer.content.readany()
        refused = await browser_of.get("/admin/withheld/live")
        answer.close()
    assert (refused.status, refused.headers["Retry-After"]) == (503, "30")
    async with asyncio.timeout(10):
        status = 503
        while status == 503:
            async with office.session.get(url, headers=cookie) as again:
                status = again.status
                again.close()
    assert status == 200
