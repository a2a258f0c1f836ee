"""The configuration in force, what it would decide, and what report mode lets through."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any

import aiohttp
import pytest

from gateway.typical import PEOPLE
from tests.house import ANNA, BRAM, CHRIS, SECRET
from tests.web.admin.conftest import Browser, Office
from tests.web.admin.officers import words_of
from tests.web.machine import NEIGHBOURS

MORE = (
    NEIGHBOURS
    + """
[retention.purchase]
keep_at_least_days = 2555
keep_at_most_days = 2920
reason = "the <b>tax</b> law"
"""
)


@pytest.fixture
async def office(open_house: Callable[..., Any], hashed: str) -> AsyncIterator[Office]:
    """A gateway with a neighbour, tokens, and a term."""
    house = await open_house(extra=MORE)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Office(house, session, hashed)


@pytest.fixture
async def viewer(office: Office) -> Browser:
    """The browser of a viewer."""
    return await office.signed_in("vera")


async def test_all_that_is_configured_is_shown_and_no_secret(office: Office, viewer: Browser) -> None:
    """Controllers, categories, logins, tokens with their scopes, terms; no hash, and markup as text."""
    page = await viewer.get("/admin/configuration")

    text = words_of(page)
    for said in (
        "De Winkel",
        "De Rivaal",
        "Markt 2, 2611 GP Delft",
        "Nieuwsbrief",
        "no similar products: no customer is mailed without consent",
        "none: all its mail is withheld",
        "objections",
        "the <b>tax</b> law",
        "2920",
    ):
        assert said in text, said
    assert "<b>tax" not in page.text
    assert sha256(SECRET.encode()).hexdigest() not in page.text
    assert "sha256" not in page.text.partition("<main")[2]


async def test_cautions_come_with_the_mend(office: Office, viewer: Browser) -> None:
    """What check-config warns of."""
    text = words_of(await viewer.get("/admin/configuration"))

    assert "login[nothing].categories" in text
    assert "the categories it may use" in text


@pytest.mark.parametrize(
    ("who", "expected"),
    [
        ("unknown", {"newsletter": "unknown-person", "invoice": "contract", "rumours": "unknown-person"}),
        ("consented", {"newsletter": "consent", "offers": "consent", "invoice": "contract"}),
        ("customer", {"newsletter": "soft-opt-in", "offers": "products-not-similar"}),
        ("objected", {"newsletter": "objected", "rumours": "objected", "invoice": "contract"}),
    ],
)
async def test_a_typical_person_is_decided_on(viewer: Browser, who: str, expected: dict[str, str]) -> None:
    """For each category of each controller, with reason and article, as the law has it."""
    page = await viewer.get(f"/admin/configuration?person={who}")

    table = page.text.partition("<caption>")[2].partition("</table>")[0]
    found = dict(re.findall(r"<code>([a-z-]+)</code></th>.*?<code>([a-z-]+)</code><br>", table, re.DOTALL))
    assert expected.items() <= found.items()
    assert "GDPR 6(1)(b)" in table
    assert (f'<option value="{who}" selected>') in page.text


async def test_a_category_without_similar_products_is_told_so(viewer: Browser) -> None:
    """Nothing can be promoted in it that is similar to what a customer bought: only consent is a mend."""
    text = words_of(await viewer.get("/admin/configuration?person=customer"))
    assert "this category names no similar products, so no customer is mailed without it." in text
    assert "promote what is similar" not in text


async def test_nothing_of_it_is_on_record(office: Office, viewer: Browser) -> None:
    """Each typical person can be chosen; another cannot; the log stays empty."""
    statuses = {(await viewer.get(f"/admin/configuration?person={who}")).status for who in PEOPLE}

    assert statuses == {200}
    assert (await viewer.get("/admin/configuration?person=anna")).status == 404
    assert await office.house.log() == []


async def test_report_mode_shows_what_would_have_been_withheld(office: Office, viewer: Browser) -> None:
    """By reason, with when it ends; what was truly withheld, and what is long ago, is not counted."""
    await office.house.record({"email": CHRIS, "kind": "objection"})
    await office.house.submit(ANNA, login="trial")
    office.house.clock.move(timedelta(days=31))
    await viewer.sign_in("vera")
    await office.house.submit(ANNA, BRAM, CHRIS, login="trial")

    text = words_of(await viewer.get("/admin/configuration"))

    assert "report until 2027-01-01 00:00:00 UTC" in text
    assert "trialunknown-person2" in text.replace(" ", "")
    office.house.clock.move(timedelta(days=11))
    await viewer.sign_in("vera")
    assert "enforce since 2027-01-01" in words_of(await viewer.get("/admin/configuration"))
