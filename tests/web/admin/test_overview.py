"""The first page: counts, plots that lead to the log, objections, and how everything is."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import aiohttp
import pytest

from gateway.web.admin.overview import RANGES, span_of
from tests.web.admin.conftest import Browser, Office

RIVAL = """
[[controller]]
id = "rival"
name = "De <b>Rivaal"
country = "BE"
on_behalf_of = "Een ander"
processing_agreement_date = 2026-01-02
"""


async def test_the_first_day(browser_of: Browser) -> None:
    """Nothing decided and nothing refused: the page says so, and how everything is."""
    page = await browser_of.get("/admin")
    assert (page.status, page.heading) == (200, "Overview")
    assert "No mail was decided on in this time." in page.text
    assert "<svg" not in page.text
    assert page.text.count('<span class="tag send">well</span>') == 3


@pytest.mark.parametrize("name", RANGES)
async def test_counts_and_plots(office: Office, browser_of: Browser, name: str) -> None:
    """Sent, withheld by reason and refused, in each range; every bar leads to the log that it counts."""
    house = office.house
    await house.consent("anna@example.org")
    await house.submit("anna@example.org", "bram@example.org", "chris@example.org")
    await house.record(
        {"email": "chris@example.org", "kind": "objection", "occurred_at": "2026-11-21T11:00:00Z"}
    )
    await house.submit("chris@example.org", login="trial")
    page = await browser_of.get(f"/admin?range={name}")
    figures = re.findall(r"<dt>([^<]*)</dt><dd>([^<]*)</dd>", page.text)
    assert dict(figures)["Sent"] == "1"
    assert dict(figures)["Withheld"] == "3"
    assert dict(figures)["Objections and withdrawals"] == "1"
    assert dict(figures)["Time to effect"] == "1 h 0 min"
    bars = re.findall(r'<a href="([^"]*)" aria-label="([^"]*)"><rect class="([^"]*)"', page.text)
    kinds = [(kind, words.partition(" ")[0]) for _, words, kind in bars]
    assert sorted(kinds) == [("objected", "1"), ("send", "1"), ("unknown-person", "2")]
    for link, words, kind in bars:
        log = await browser_of.get(unescape(link))
        assert log.text.count('<td class="when"') == (3 if kind == "send" else int(words[0]))
    table = re.findall(r'<tr><th scope="row" class="when">202[56]-[^<]*</th>(.*?)</tr>', page.text)
    assert len(table) == RANGES[name][2]
    assert sum(int(cell) for row in table for cell in re.findall(r">(\d+)<", row)) == 5


async def test_what_was_loaded_is_no_time_to_effect(office: Office, browser_of: Browser) -> None:
    """An objection of months ago that was loaded is counted as such: the gateway heard of it then."""
    for said in ("2026-05-21T11:00:00Z", "2026-11-21T11:00:00Z"):
        await office.house.record(
            {"email": f"a{said[6]}@example.org", "kind": "objection", "occurred_at": said}
        )
    page = await browser_of.get("/admin")
    assert "<dd>half within this, the longest 1 h 0 min</dd><dd>loaded later: 1</dd>" in page.text
    assert "An objection binds from the moment it is recorded" in page.text


async def test_report_mode_is_told_apart(office: Office, browser_of: Browser) -> None:
    """What was relayed though withheld is counted as such."""
    await office.house.submit("anna@example.org", "bram@example.org", login="trial")
    page = await browser_of.get("/admin")
    assert "2 of them relayed in report mode" in page.text


async def test_one_controller_is_told_from_another(open_house: Callable[..., Any], hashed: str) -> None:
    """Each controller's counts are its own (I8); what it lacks is named with the mend, as text."""
    house = await open_house(extra=RIVAL)
    await house.submit("anna@example.org")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        browser = await Office(house, session, hashed).signed_in("olga")
        shop, rival = [await browser.get(f"/admin?controller={name}") for name in ("shop", "rival")]
    assert "<dt>Withheld</dt><dd>1</dd>" in shop.text
    assert "controller=shop" in shop.text
    assert "<dt>Withheld</dt><dd>0</dd>" in rival.text
    assert "De &lt;b&gt;Rivaal" in rival.text
    assert "Een ander, agreed on 2026-01-02" in rival.text
    assert "controller[rival].privacy_policy_url" in rival.text
    assert "the address of the privacy policy" in rival.text
    assert "controller[shop]" not in rival.text


async def test_what_is_down_is_named(office: Office, browser_of: Browser) -> None:
    """A smarthost that does not answer, and a keys file that is gone, are said with their fault."""
    await office.house.smarthost.stop()
    office.house.config.gateway.keys_file.rename(office.house.config.gateway.keys_file.with_name("away"))
    page = await browser_of.get("/admin")
    assert page.text.count('<span class="tag refused">fault</span>') == 2
    assert "the keys file cannot be read" in page.text


@pytest.mark.parametrize("query", ["range=1y", "controller=nobody", "range="])
async def test_what_is_no_range_or_controller(browser_of: Browser, query: str) -> None:
    """Is not there."""
    assert (await browser_of.get(f"/admin?{query}")).status == 404


@pytest.mark.parametrize("name", RANGES)
def test_a_range_ends_now_in_whole_hours_or_days(name: str) -> None:
    """The present moment is in its last part, whatever the moment; days begin at midnight UTC."""
    for minutes in range(0, 3000, 37):
        now = datetime(2026, 3, 28, tzinfo=UTC) + timedelta(minutes=minutes)
        span = span_of(name, now)
        hours = int(now.timestamp()) // 3600
        assert span.end - span.width <= hours < span.end
        assert span.width < 24 or span.first % 24 == 0
