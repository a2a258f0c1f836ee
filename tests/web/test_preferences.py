"""The page of choices: off at once, on by mail alone, and why a message came."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from io import BytesIO
from urllib.parse import urljoin

import aiohttp
import pytest

from gateway.keys import Keys
from gateway.law.evidence import Consent, Purchase
from gateway.ports import NewEvidence, Sent
from gateway.tokens import seal
from tests.confirming import Asked
from tests.web.conftest import BAKERY, KEYS, NEWS, ON_CONSENT, PERSON, Site
from tests.web.test_unsubscribe import Forms, forgeries

ENGLISH = {"Accept-Language": "en"}
READY = replace(BAKERY, privacy_policy_mentions_marketing=True)
OFFERS = replace(NEWS, id="offers", title="Aanbiedingen")
INVOICES = replace(NEWS, id="invoice", title="Facturen", purpose="service", ground="contract")
BUTCHERS = replace(NEWS, id="meat", title="Vleesnieuws", controller="butcher")
CATEGORIES = {one.id: one for one in (NEWS, OFFERS, INVOICES, BUTCHERS)}


async def consent(site: Site, category: str = "news", **details: object) -> None:
    """A consent of a day ago."""
    at = site.clock.present - timedelta(days=1)
    fact = Consent(id=0, occurred_at=at, recorded_at=at, category=category, proven=True)
    given = {"source": "the shop's form", "wording": "Ja, graag", "ip": "192.0.2.7"} | details
    await site.ledger.append([NewEvidence("bakery", PERSON, fact, category.ljust(16).encode(), given)])


@pytest.fixture
async def site(serving) -> Site:
    """A site of a bakery with two kinds of marketing, invoices, and a butcher beside it."""
    made: Site = await serving(controllers={"bakery": READY}, categories=CATEGORIES)
    await consent(made)
    return made


async def shown(site: Site, client, token=ON_CONSENT) -> str:
    """The page, in English."""
    async with client.get(site.link(token, "p"), headers=ENGLISH) as answer:
        assert answer.status == 200
        return unescape(await answer.text())


def state_of(text: str, title: str) -> str:
    """What the page says of a category."""
    (state,) = re.findall(rf"<h2>{title} <span[^>]*>(\w+)</span></h2>", text)
    return str(state)


async def post(site: Site, client, **fields: str) -> tuple[int, str]:
    """One choice."""
    async with client.post(site.link(page="p"), data=fields, headers=ENGLISH) as answer:
        return answer.status, unescape(await answer.text())


async def test_the_page_shows_what_counts_now(site: Site, client) -> None:
    """On or off by what the law would decide; each marketing category of this sender, and no other's."""
    text = await shown(site, client)

    assert Forms(text).forms == [
        {"stop": "category:news"},
        {"start": "offers"},
        {"stop": "marketing"},
    ]
    assert [state_of(text, title) for title in ("Broodnieuws", "Aanbiedingen")] == ["On", "Off"]
    assert "[en] Yes, send me Aanbiedingen." in text
    assert "Facturen" not in text
    assert "Vleesnieuws" not in text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_changes_nothing(site: Site, client, method: str) -> None:
    """However often, and with whatever in the query."""
    for query in ("", "?stop=marketing", "?start=offers", "?List-Unsubscribe=One-Click"):
        async with client.request(method, site.link(page="p") + query) as answer:
            assert answer.status == 200
            assert "Set-Cookie" not in answer.headers
    assert (site.scopes, site.confirming.asked) == ([], [])


@pytest.mark.parametrize(
    ("stop", "scope", "told"),
    [
        ("category:news", "category:news", "no more Broodnieuws"),
        ("category:offers", "category:offers", "no more Aanbiedingen"),
        ("marketing", "marketing", "no more advertising"),
        ("category:unheard-of", "marketing", "no more advertising"),
        ("category:meat", "marketing", "no more advertising"),
        ("everything", "marketing", "no more advertising"),
        ("category:invoice", "marketing", "no more advertising"),
    ],
)
async def test_turning_off_is_an_objection_at_once(
    site: Site, client, stop: str, scope: str, told: str
) -> None:
    """On record before it is told, with its time; what this sender does not know is read widely (L11)."""
    status, text = await post(site, client, stop=stop)

    assert status == 200
    assert site.scopes == [scope]
    assert site.rows[-1].details["via"] == "page"
    assert told in text
    assert "2026-11-21 18:17" in text
    assert 'sendright_objections_total{via="page"} 1.0' in site.metrics.exposition().decode()


async def test_what_is_off_is_shown_off(site: Site, client) -> None:
    """After all marketing was stopped there is nothing left to stop."""
    _, text = await post(site, client, stop="marketing")

    assert Forms(text).forms == [{"start": "news"}, {"start": "offers"}]


async def test_profiling_can_be_switched_off_where_any_category_does_it(serving, client) -> None:
    """Also when it is not the link's (L19; GDPR 21(2))."""
    profiled = {"news": NEWS, "offers": replace(OFFERS, profiled=True)}
    site: Site = await serving(controllers={"bakery": READY}, categories=profiled)
    assert {"stop": "profiling"} in Forms(await shown(site, client)).forms

    status, text = await post(site, client, stop="profiling")

    assert (status, site.scopes) == (200, ["profiling"])
    assert "uses no profile" in text
    assert {"stop": "profiling"} not in Forms(text).forms


async def test_turning_on_sends_a_mail_and_changes_nothing(site: Site, client) -> None:
    """A mail may have been forwarded: only its owner can click in the next one (contract section 5)."""
    before = len(site.rows)

    status, text = await post(site, client, start="offers")

    assert status == 200
    assert site.confirming.asked == [
        Asked("kim@example.org", "bakery", ("offers",), "en", "preferences page")
    ]
    assert len(site.rows) == before
    assert "on its way to k••@example.org" in text
    assert "kim@example.org" not in text
    assert state_of(text, "Aanbiedingen") == "Off"


@pytest.mark.parametrize("start", ["meat", "invoice", "unheard-of", "news\x00", ""])
async def test_nothing_else_can_be_turned_on(site: Site, client, start: str) -> None:
    """Neither another sender's category, nor service mail, nor what is not there."""
    status, text = await post(site, client, start=start)

    assert status == (200 if start else 400)
    assert "Nothing was changed" in text
    assert site.confirming.asked == []


@pytest.mark.parametrize("lacking", ["address", "mailbox"])
async def test_who_cannot_be_mailed_is_told_what_else_can_be_done(site: Site, client, lacking: str) -> None:
    """With the address erased, or a sender that has no mailbox to write from, there is no button."""
    if lacking == "address":
        site.sent = replace(site.sent, address="")
    site.confirming.mails = lacking == "address"

    text = await shown(site, client)

    assert not [form for form in Forms(text).forms if "start" in form]
    assert f"sign up with {BAKERY.name}" in text
    assert "Nothing was changed" in (await post(site, client, start="offers"))[1]
    assert site.confirming.asked == []


PART = b'--x\r\nContent-Disposition: form-data; name="start"\r\n\r\noffers\r\n--x--'
UNREADABLE = {
    "empty": (b"", None),
    "JSON": (b'{"stop": "marketing", "start": "offers"}', "application/json"),
    "octets": (bytes(range(256)), "application/octet-stream"),
    "multipart": (
        b'--x\r\nContent-Disposition: form-data; name="start"\r\n\r\noffers\r\n--x--',
        "multipart/form-data",
    ),
    "other fields": (b"on=offers&choice=category", "application/x-www-form-urlencoded"),
    "too many fields": (b"start=offers&" * 1000, "application/x-www-form-urlencoded"),
    "too long": (b"start=offers&a=" + b"x" * 2_000_000, "application/x-www-form-urlencoded"),
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_a_body_that_cannot_be_read_changes_nothing(site: Site, client, name: str) -> None:
    """It is told so, and every choice is there again."""
    body, kind = UNREADABLE[name]
    before = len(site.rows)
    headers = ENGLISH | ({"Content-Type": kind} if kind else {})

    async with client.post(site.link(page="p"), data=BytesIO(body), headers=headers) as answer:
        text = await answer.text()

    assert answer.status == 400
    assert "Nothing was changed" in text
    assert len(Forms(text).forms) == 3
    assert (len(site.rows), site.confirming.asked) == (before, [])


async def test_a_one_click_sent_here_is_an_objection(site: Site, client) -> None:
    """An objection has no wrong address (L11)."""
    status, _ = await post(site, client, **{"List-Unsubscribe": "One-Click"})

    assert (status, site.scopes) == (200, ["marketing"])


async def test_to_stop_beats_to_start(site: Site, client) -> None:
    """Of both at once the refusal holds."""
    await post(site, client, start="offers", stop="category:news")

    assert (site.scopes, site.confirming.asked) == (["category:news"], [])


async def test_fifty_choices_at_once_are_one_objection(site: Site, client) -> None:
    """All are told 200; one row is recorded."""
    answers = await asyncio.gather(*(post(site, client, stop="marketing") for _ in range(50)))

    assert [status for status, _ in answers] == [200] * 50
    assert site.scopes == ["marketing"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_store_that_is_down_is_not_glossed_over(site: Site, client, method: str) -> None:
    """503 with when to come back: nothing is shown that was not read, nothing told that was not recorded."""
    site.ledger.down = True

    async with client.request(method, site.link(page="p"), data={"stop": "marketing"}) as answer:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
    site.ledger.down = False
    assert site.scopes == []


async def test_what_is_on_record_is_told_also_when_the_rest_cannot_be_read(site: Site, client) -> None:
    """A store that fails after the commit makes no 503 of it."""
    append = site.ledger.append

    async def appending(rows, *, again=False):
        done = await append(rows, again=again)
        site.ledger.down = True
        return done

    site.ledger.append = appending

    status, text = await post(site, client, stop="marketing")

    assert status == 200
    assert "no more advertising" in text


# --- why


async def test_the_page_says_why_the_message_came(site: Site, client) -> None:
    """Ground, date and source of what it rested on; neither its words nor where it was given from."""
    site.sent = replace(site.sent, at=site.clock.present, evidence=(1,))

    text = await shown(site, client)

    assert "The message of 2026-11-21 was about Broodnieuws." in text
    assert f"because you gave {BAKERY.name} your consent for Broodnieuws" in text
    assert "It rests on a consent of 2026-11-20." in text
    assert "recorded from: the shop's form." in text
    for kept in ("Ja, graag", "192.0.2.7", "kim@example.org"):
        assert kept not in text


@pytest.mark.parametrize("spelled", ["Kim@Example.org", "kim%40example.org"])
async def test_a_source_that_spells_the_address_shows_it_masked(site: Site, client, spelled: str) -> None:
    """Whoever a mail was forwarded to learns no more of it there than elsewhere on the page."""
    await consent(site, "offers", source=f"https://bakery.example/account?of={spelled}&step=2")
    site.sent = replace(site.sent, at=site.clock.present, evidence=(2,))

    text = await shown(site, client)

    assert spelled not in text
    assert "recorded from: https://bakery.example/account?of=k••@example.org&step=2." in text


async def test_a_customer_s_message_rests_on_a_purchase(site: Site, client) -> None:
    """The soft opt-in, told as such."""
    at = site.clock.present - timedelta(days=3)
    fact = Purchase(id=0, occurred_at=at, recorded_at=at, product_group="bread")
    await site.ledger.append([NewEvidence("bakery", PERSON, fact, b"p" * 16, {"source": "webshop"})])
    site.sent = Sent("bakery", PERSON, "news", "soft-opt-in", "kim@example.org", site.clock.present, (2,))

    text = await shown(site, client)

    assert f"because you are a customer of {BAKERY.name}" in text
    assert "It rests on a purchase of 2026-11-18. " not in text
    assert "It rests on a purchase of 2026-11-18." in text
    assert "recorded from: webshop." in text


async def test_evidence_of_somebody_else_is_never_shown(site: Site, client) -> None:
    """A row of another person or sender lends nothing, even where a decision names it (I8)."""
    at = site.clock.present
    fact = Consent(id=0, occurred_at=at, recorded_at=at, category="news", proven=True)
    other = {"source": "somebody else's form"}
    await site.ledger.append([NewEvidence("bakery", b"x" * 16, fact, b"x" * 16, other)])
    await site.ledger.append([NewEvidence("butcher", PERSON, fact, b"y" * 16, other)])
    site.sent = replace(site.sent, at=at, evidence=(2, 3))

    assert "somebody else" not in await shown(site, client)


async def test_what_was_erased_is_told_as_erased(site: Site, client) -> None:
    """Of the message when the journal has it no more; of the evidence when its details are gone."""
    site.sent = replace(site.sent, at=site.clock.present, evidence=(1,), address="")
    number, row = site.ledger.rows[0]
    site.ledger.rows[0] = number, replace(row, details={})
    assert "Where that came from has been erased." in await shown(site, client)

    site.sent = None
    assert "Nothing is on record any more of the message" in await shown(site, client)


# --- what the link still means later


async def test_a_link_under_a_retired_key_works(serving, client) -> None:
    """Rotation ends no link that is already in a mailbox (C10)."""
    site: Site = await serving(keys=Keys(KEYS.person, {**KEYS.token, 2: bytes(64)}))
    url = f"{site.url}/p/{seal(ON_CONSENT, KEYS)}"

    async with client.get(url) as looked, client.post(url, data={"stop": "category:news"}) as posted:
        assert (looked.status, posted.status) == (200, 200)
    assert site.scopes == ["category:news"]


@pytest.mark.parametrize("removed", [{"categories": {}}, {"controllers": {}, "categories": {}}])
async def test_a_link_outlives_its_category_and_controller(serving, client, removed) -> None:
    """There is nothing to choose among any more, but all marketing can be stopped."""
    site: Site = await serving(**removed)

    assert Forms(await shown(site, client)).forms == [{"stop": "marketing"}]
    status, _ = await post(site, client, stop="marketing")

    assert status == 200
    assert [(row.controller, row.fact.scope) for row in site.rows] == [("bakery", "marketing")]


@pytest.mark.parametrize("sent", [None, Sent("bakery", PERSON, "news", "consent", "")])
async def test_a_link_works_for_an_erased_person(serving, client, sent: Sent | None) -> None:
    """Off still works, without an address."""
    site: Site = await serving(sent=sent)

    await shown(site, client)
    status, _ = await post(site, client, stop="category:news")

    assert (status, site.scopes) == (200, ["category:news"])
    assert "address" not in site.rows[0].details


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_forgeries_cannot_be_told_apart(site: Site, client: aiohttp.ClientSession, method: str) -> None:
    """Every forged token gets the bytes that a dead link to the other page gets (C10)."""
    before = len(site.rows)
    async with client.get(f"{site.url}/u/x") as answer:
        dead = (answer.status, await answer.read())

    for forged in forgeries():
        async with client.request(method, f"{site.url}/p/{forged}", data={"stop": "marketing"}) as answer:
            assert (answer.status, await answer.read()) == dead
    assert len(site.rows) == before


async def test_both_pages_lead_to_the_choices(site: Site, client) -> None:
    """From the page of a link, and from the answer that it was recorded."""
    async with client.get(site.link()) as asked, client.post(site.link()) as done:
        for answer in (asked, done):
            links = [urljoin(site.link(), link) for link in Forms(await answer.text()).links]
            assert site.link(page="p") in links
