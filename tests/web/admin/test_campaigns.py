"""What came of each campaign, as an operator sees it, and two side by side."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest

from gateway.web.admin import campaigns
from tests.house import NEWSLETTER, link_of
from tests.web.admin.conftest import Browser, Office, Page

MARKUP = "<i>autumn</i>!"


async def mailed(office: Office, campaign: str, *people: str) -> None:
    """One mail of a campaign, a minute after the one before."""
    office.house.clock.move(timedelta(minutes=1))
    await office.house.submit(*people, message=f"X-Sendright-Campaign: {campaign}\r\n".encode() + NEWSLETTER)


def rows(page: Page) -> dict[str, list[str]]:
    """Each row's cells by its heading, as text."""
    found = re.findall(r'<th scope="row"[^>]*>(.*?)</th>(.*?)</tr>', page.text, re.DOTALL)
    return {
        text(head): [text(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", cells, re.DOTALL)]
        for head, cells in found
    }


def text(markup: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", "", markup)).split())


async def test_no_campaign_yet(office: Office, browser_of: Browser) -> None:
    """An empty page says what a campaign is; a mail without one makes none."""
    await office.house.submit("bram@example.org")
    page = await browser_of.get("/admin/campaigns")
    assert (page.status, page.heading) == (200, "Campaigns")
    assert "There is no campaign." in page.text


async def test_what_each_came_to_and_two_compared(office: Office, browser_of: Browser) -> None:
    """Sent, withheld, refused, objected to, each with its share; names are text; counts lead to the log."""
    house = office.house
    await house.consent("anna@example.org", "dewi@example.org")
    await mailed(office, "spring", "anna@example.org", "bram@example.org")
    assert await house.click(link_of(house.smarthost.messages[0])) == 200
    await mailed(office, MARKUP, "anna@example.org", "bram@example.org", "dewi@example.org")
    page = await browser_of.get("/admin/campaigns")
    assert MARKUP not in page.text
    table = rows(page)
    assert list(table) == [MARKUP, "spring"]
    assert table["spring"] == ["shop", "2026-11-21 12:01", "1", "1", "0", "1"]
    assert table[MARKUP] == ["shop", "2026-11-21 12:02", "1", "2", "0", "0"]
    a, b = re.findall(r'name="a" value="([^"]*)"', page.text)
    compared = await browser_of.get(f"/admin/campaigns/compare?a={b}&b={a}")
    assert MARKUP not in compared.text
    table = rows(compared)
    assert table["Sent"] == ["1", "50.0 %", "1", "33.3 %"]
    assert table["objected-category"] == ["0", "0.0 %", "1", "50.0 %"]
    assert table["Objections by its links"] == ["1", "100.0 %", "0", "0.0 %"]
    (log,) = [
        unescape(link)
        for link in re.findall(r'href="(/admin/withheld[^"]*objected[^"]*)"', compared.text)
        if "autumn" in link
    ]
    assert (await browser_of.get(log)).text.count('<td class="when"') == 1


async def test_what_is_alone_is_compared_with_nothing(office: Office, browser_of: Browser) -> None:
    """One campaign: when it was mailed, to the minute, and no button; two: each choice says which it is."""
    await mailed(office, "spring", "bram@example.org")
    office.house.clock.move(timedelta(minutes=15))
    await mailed(office, "spring", "chris@example.org")
    alone = await browser_of.get("/admin/campaigns")
    assert rows(alone)["spring"] == ["shop", "2026-11-21 12:01 to 2026-11-21 12:17", "0", "2", "0", "0"]
    assert "Compare" not in alone.text
    await mailed(office, "autumn", "bram@example.org")
    page = await browser_of.get("/admin/campaigns")
    for which in ("first", "second"):
        assert f'aria-label="{which} of the two: spring"' in page.text


async def test_pages(office: Office, browser_of: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """Page after page shows each once, the last mailed first."""
    monkeypatch.setattr(campaigns, "PAGE", 2)
    for name in ("a", "b", "c", "a", "d", "e"):
        await mailed(office, name, "bram@example.org")
    found, path = [], "/admin/campaigns?controller=shop"
    while path:
        page = await browser_of.get(path)
        found += list(rows(page))
        links = re.findall(r'<a href="([^"]*)">Older</a>', page.text)
        path = unescape(links[0]) if links else ""
    assert found == ["e", "d", "a", "c", "b"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?controller=nobody", 404),
        ("?before=x", 404),
        ("?before=99999999999-1", 404),
        ("/compare", 422),
        ("/compare?a=shop:00&b=shop:00", 422),
        ("/compare?a=shop:0123456789abcdef&b=shop:0123456789abcdef", 404),
    ],
)
async def test_what_is_not_there(browser_of: Browser, query: str, status: int) -> None:
    """No such page, no two campaigns, no such campaign."""
    assert (await browser_of.get(f"/admin/campaigns{query}")).status == status
