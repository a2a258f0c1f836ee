"""The way back from an objection, as a browser without script walks it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from urllib.parse import urljoin

import pytest

from gateway.keys import Keys
from gateway.law.evidence import Consent
from gateway.tokens import seal
from tests.web.conftest import KEYS, NEWS, ON_CONSENT, TO_CUSTOMER, Site
from tests.web.test_unsubscribe import Forms

ENGLISH = {"Accept-Language": "en"}
BY_PAGE = "choice=category&via=page"


async def undo_of(site: Site, client, body: str = BY_PAGE, token=ON_CONSENT) -> str:
    """Where the undo of the page after an objection posts to."""
    async with client.post(site.link(token), data=body, headers=ENGLISH) as answer:
        shown = Forms(await answer.text())
    (action,) = shown.elsewhere
    return urljoin(site.link(token), action)


def consents(site: Site) -> list[Consent]:
    """Those on record."""
    return [row.fact for row in site.rows if isinstance(row.fact, Consent)]


async def test_the_page_s_button_can_be_undone(site: Site, client) -> None:
    """The words stand beside the button, and again on the answer, with the time and both ways on."""
    async with client.post(site.link(), data=BY_PAGE, headers=ENGLISH) as answer:
        page = await answer.text()
    assert "[en] Yes, send me Broodnieuws." in page
    assert "18:32 UTC" in page  # 15 minutes after the record
    site.clock.advance(minutes=3)

    undo = urljoin(site.link(), *Forms(page).elsewhere)
    async with client.post(undo, headers=ENGLISH | {"Sec-Fetch-Site": "same-origin"}) as answer:
        assert answer.status == 200
        page = await answer.text()

    assert [consent.category for consent in consents(site)] == ["news"]
    assert site.rows[-1].details["wording"] == "[en] Yes, send me Broodnieuws."
    assert "2026-11-21 18:20" in page
    assert "[en] Yes, send me Broodnieuws." in page
    ways = [urljoin(undo, way) for way in Forms(page).links]
    assert {f"{site.link()}?choice=category", site.link(page="p")} <= set(ways)


async def test_one_click_offers_no_undo(site: Site, client) -> None:
    """Whatever posts there by itself is offered nothing to post next (RFC 8058)."""
    for body in ("List-Unsubscribe=One-Click", "", f"{BY_PAGE}&List-Unsubscribe=One-Click"):
        async with client.post(site.link(), data=body) as answer:
            assert Forms(await answer.text()).elsewhere == []


async def test_stopping_everything_says_what_the_undo_is_for(site: Site, client) -> None:
    """The undo of all marketing names the one category it is a consent to."""
    async with client.post(
        site.link(TO_CUSTOMER), data="choice=marketing&via=page", headers=ENGLISH
    ) as answer:
        text = await answer.text()
    assert "a new consent, to Broodnieuws alone" in text


async def test_fifty_undos_at_once_are_one_consent(site: Site, client) -> None:
    """All are told 200; one row is recorded."""
    undo = await undo_of(site, client)
    site.clock.advance(minutes=1)

    async def press() -> int:
        async with client.post(undo) as answer:
            await answer.read()
            return answer.status

    assert await asyncio.gather(*(press() for _ in range(50))) == [200] * 50
    assert len(consents(site)) == 1


async def test_after_its_time_the_page_says_so(site: Site, client) -> None:
    """Nothing is recorded, and the choices are one link away."""
    undo = await undo_of(site, client)
    site.clock.advance(minutes=15)

    async with client.post(undo, headers=ENGLISH) as answer:
        text = await answer.text()

    assert "Too late to undo" in text
    assert [urljoin(undo, way) for way in Forms(text).links][:1] == [site.link(page="p")]
    assert consents(site) == []


async def test_with_double_opt_in_the_undo_is_a_mail(serving, client) -> None:
    """The page names the address with most of it hidden, and says that nothing has changed yet."""
    site: Site = await serving(categories={"news": replace(NEWS, double_opt_in=True)})
    undo = await undo_of(site, client)

    async with client.post(undo, headers=ENGLISH) as answer:
        text = await answer.text()

    assert "k••@example.org" in text
    assert "kim@example.org" not in text
    assert [asked.categories for asked in site.confirming.asked] == [("news",)]
    assert consents(site) == []


async def test_an_undo_that_can_send_no_mail_now_says_so(serving, client) -> None:
    """Nobody is told that it is too late while it is not; the objection stands, and no mail goes."""
    site: Site = await serving(categories={"news": replace(NEWS, double_opt_in=True)})
    undo = await undo_of(site, client)
    site.confirming.full = True

    async with client.post(undo, headers=ENGLISH) as answer:
        text = await answer.text()

    assert "<h1>No mail can be sent now</h1>" in text
    assert "Your objection stands" in text
    assert "Too late" not in text
    assert consents(site) == []


async def test_a_store_that_is_down_undoes_nothing(site: Site, client) -> None:
    """503, and the same button works once it is back."""
    undo = await undo_of(site, client)
    site.clock.advance(minutes=1)
    site.ledger.down = True

    async with client.post(undo) as answer:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
    site.ledger.down = False
    async with client.post(undo) as answer:
        assert answer.status == 200
    assert len(consents(site)) == 1


@pytest.mark.parametrize("site_said", ["cross-site", "same-site"])
async def test_no_page_of_another_site_undoes(site: Site, client, site_said: str) -> None:
    """What a browser calls cross-site is refused, whatever it knows."""
    undo = await undo_of(site, client)
    site.clock.advance(minutes=1)

    async with client.post(undo, headers={"Sec-Fetch-Site": site_said}) as answer:
        assert answer.status == 403
    assert consents(site) == []


async def test_looking_at_an_undo_changes_nothing(site: Site, client) -> None:
    """No method but POST is for it."""
    undo = await undo_of(site, client)

    for method in ("GET", "HEAD", "OPTIONS", "PUT"):
        async with client.request(method, undo) as answer:
            assert answer.status == 405
    assert consents(site) == []


async def test_forged_undos_cannot_be_told_apart_from_dead_links(site: Site, client) -> None:
    """The same page as for any link that is not ours."""
    undo = await undo_of(site, client)
    other = seal(ON_CONSENT, Keys(KEYS.person, {1: bytes(64)}))
    async with client.post(f"{site.url}/u/{other}") as answer:
        dead = (answer.status, await answer.text())

    token = undo.rpartition("/")[2]
    for forged in (token[:-1], token + "A", token.swapcase(), seal(ON_CONSENT, KEYS), "x"):
        async with client.post(f"{site.url}/undo/{forged}") as answer:
            assert (answer.status, await answer.text()) == dead
    assert consents(site) == []


async def test_a_removed_category_has_no_undo(serving, client) -> None:
    """Where nothing can be consented to, nothing is offered."""
    site: Site = await serving(categories={})

    async with client.post(site.link(), data=BY_PAGE) as answer:
        assert answer.status == 200
        assert Forms(await answer.text()).elsewhere == []
