"""Campaigns: against a plain count of everything, each page once, and bounded whatever there is."""

from __future__ import annotations

import random
import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.ids import ref
from gateway.keys import Keys
from gateway.oversight import FIRST, Campaign, CampaignKey
from gateway.ports import Decided
from gateway.store import campaigns, mailed_last
from gateway.store.opening import Store
from tests.store.given import (
    DEFERRED,
    NEWS,
    PATIENCE,
    REFUSED,
    RELAYED,
    SHOP,
    START,
    SetClock,
    by_hand,
    consent,
    fate,
    objection,
    person,
    row,
    wave,
)
from tests.store.statements import statements

KEYS = Keys(b"k" * 32, {1: b"t" * 64})
RIVAL = replace(SHOP, id="rival")
NAMES = ["spring", "autumn", "<b>", "welcome"]
Counts = dict[tuple[str, str], Counter[str]]


async def mailed(store: Store, clock: SetClock, waves: int) -> tuple[Counts, list[CampaignKey]]:
    """So many waves at random: what each campaign came to, and the campaigns in the order last mailed."""
    chance = random.Random(4)
    people = [f"p{number}" for number in range(8)]
    for controller in ("shop", "rival"):
        known = [row(consent(START), person(name, controller), controller=controller) for name in people[:5]]
        await store.ledger.append(known)
    counts: Counts = {}
    order: list[tuple[str, str]] = []
    for number in range(waves):
        clock.forward(minutes=chance.choice([1, 20, 60, 600]))
        controller = chance.choice([SHOP, SHOP, RIVAL])
        name = chance.choice(["", *NAMES, f"once {number}"])
        who = [person(one, controller.id) for one in chance.sample(people, 4)]
        asked = wave(
            *who,
            submission=number,
            message="",
            controller=controller,
            category=replace(NEWS, controller=controller.id),
            campaign=name,
            campaign_mark=KEYS.campaign_mark(name),
            report=chance.random() < 0.2,
        )
        found = counts.setdefault((controller.id, name), Counter())
        order = [*(one for one in order if one != (controller.id, name)), (controller.id, name)]
        for one, verdict in zip(who, await store.journal.decide(asked, clock.now(), PATIENCE), strict=True):
            assert isinstance(verdict, Decided)
            found["relay" if verdict.relay else "stop"] += 1
            if not verdict.relay:
                continue
            answer = chance.choice([RELAYED, RELAYED, REFUSED, DEFERRED])
            await store.journal.settle([fate(verdict.id, answer)], clock.now())
            found[str(answer.code)] += 1
            if chance.random() < 0.1:
                by_link = {"controller": controller.id, "message_reference": ref(verdict.id)}
                await store.ledger.append([row(objection(clock.now()), one, **by_link)])
                found["objected"] += 1
    keys = [CampaignKey(controller, KEYS.campaign_mark(name)) for controller, name in order[::-1] if name]
    return counts, keys


def told(one: Campaign) -> Counter[str]:
    """The same of what the store says."""
    sent, withheld = sum(one.sent.values()), sum(one.withheld.values())
    return Counter(
        {
            "relay": sent + one.relaxed,
            "stop": withheld - one.relaxed,
            "250": sent + one.relaxed - sum(one.not_relayed.values()),
            "550": one.not_relayed.get("refused", 0),
            "451": one.not_relayed.get("deferred", 0),
            "objected": one.objections,
        }
    )


async def every(store: Store, controllers: list[str], most: int) -> list[Campaign]:
    """Page after page."""
    found, before = [], FIRST
    while True:
        page = await store.campaigns.page(controllers, before, most)
        found += page.campaigns
        if page.next is None:
            return found
        assert page.next < before
        before = page.next


@pytest.mark.parametrize(("most", "looked", "at_once"), [(1000, 5000, 500), (3, 40, 2), (1, 7, 1)])
async def test_what_each_came_to(
    store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch, most: int, looked: int, at_once: int
) -> None:
    """Each campaign of each controller once, the last mailed first, counted as a plain count has it (I8)."""
    monkeypatch.setattr(mailed_last, "LOOKED", looked)
    monkeypatch.setattr(mailed_last, "AT_ONCE", at_once)
    monkeypatch.setattr(campaigns, "AT_ONCE", at_once)
    expected, order = await mailed(store, clock, 120)
    found = await every(store, ["shop", "rival"], most)
    assert [one.key for one in found] == order
    for one in found:
        assert one.name is not None
        assert +told(one) == +expected[one.key.controller, one.name]
        assert one.is_whole
    assert {one.key.controller for one in await every(store, ["rival"], most)} == {"rival"}
    assert sum(one.objections for one in found) > 5


async def test_pages_stand_still_while_mail_goes_on(store: Store, clock: SetClock) -> None:
    """Whoever reads on sees no campaign twice, though one is mailed again meanwhile."""
    _, order = await mailed(store, clock, 60)
    page = await store.campaigns.page(["shop", "rival"], FIRST, 5)
    again = wave(message="", campaign="spring", campaign_mark=KEYS.campaign_mark("spring"))
    await store.journal.decide(again, clock.forward(hours=2), PATIENCE)
    rest = []
    while page.next:
        page = await store.campaigns.page(["shop", "rival"], page.next, 5)
        rest += [one.key for one in page.campaigns]
    assert rest == [key for key in order[5:] if key != CampaignKey("shop", again.campaign_mark)]


async def test_a_campaign_whose_people_were_erased(store: Store, clock: SetClock, path: Path) -> None:
    """Its counts stay, its name does not."""
    mark = KEYS.campaign_mark("spring")
    await store.journal.decide(wave(message="", campaign_mark=mark), clock.now(), PATIENCE)
    by_hand(path, "DELETE FROM decision_details")
    (found,) = await store.campaigns.of([CampaignKey("shop", mark)])
    assert found.name is None
    assert dict(found.withheld) == {"unknown-person": 1}


async def test_none(store: Store) -> None:
    """No campaigns, and none of a mark that nobody has."""
    assert await every(store, ["shop"], 5) == []
    assert await store.campaigns.of([CampaignKey("shop", b"12345678")]) == []


async def test_what_is_too_much_is_cut_and_said(
    store: Store, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A campaign of more hours than are looked at counts its newest, and says so."""
    monkeypatch.setattr(campaigns, "TALLIES", 3)
    mark = KEYS.campaign_mark("spring")
    for number in range(5):
        asked = wave(submission=number, message="", campaign_mark=mark)
        await store.journal.decide(asked, clock.forward(hours=1), PATIENCE)
    (found,) = await store.campaigns.of([CampaignKey("shop", mark)])
    assert (found.is_whole, sum(found.withheld.values())) == (False, 3)
    assert found.last - found.first == timedelta(hours=2)


async def test_no_statement_walks_a_table(store: Store, clock: SetClock, path: Path) -> None:
    """Tallies by their key or the index of campaigns; fates and refusals by the indexes of what is rare."""
    await mailed(store, clock, 20)
    with statements(store) as run:
        await store.campaigns.page(["shop", "rival"], FIRST, 10)
    steps = {step for plan in run.plans(path).values() for step in plan}
    read = {step for step in steps if step.startswith(("SCAN", "SEARCH"))}
    assert {
        re.sub(r"\d+ CONSTANT", "CONSTANT", step) for step in read if "PRIMARY KEY (rowid=?)" not in step
    } == {
        "SCAN CONSTANT ROWS",
        "SCAN asked",
        "SCAN ranges VIRTUAL TABLE INDEX 1:",
        "SEARCH tallies USING PRIMARY KEY (controller=? AND hour<?)",
        "SEARCH tallies USING COVERING INDEX tallies_campaign (campaign=?)",
        "SEARCH tallies USING INDEX tallies_campaign (campaign=?)",
        "SEARCH fates USING INDEX fates_not_relayed (decision>? AND decision<?)",
        "SEARCH ledger USING INDEX ledger_refusals (controller=? AND recorded_at>? AND recorded_at<?)",
    }
    assert not any("TEMP B-TREE" in step for step in steps)
