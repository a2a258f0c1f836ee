"""The doubts of a ledger, found page by page along the index of people."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.store import doubts
from gateway.store.doubts import DoubtfulPerson
from gateway.store.opening import Store
from tests.store.given import START, consent, objection, person, purchase, row

HOUR = timedelta(hours=1)
KNOWN = {"news": "news"}


async def found(store: Store, controller: str = "shop") -> list[DoubtfulPerson]:
    return [one async for one in store.doubts.of(controller, KNOWN)]


async def test_a_doubt_says_whose_it_is(store: Store) -> None:
    """Address as recorded, the controller, and both rows; of people without a doubt nothing."""
    kim, leo = person(), person("leo")
    await store.ledger.append([row(objection(START), kim), row(objection(START), leo)])
    objected, _ = await store.ledger.append([row(objection(START), kim), row(purchase(START - HOUR), leo)])
    (consented,) = await store.ledger.append([row(consent(START + HOUR), kim)])

    (one,) = await found(store)

    assert (one.controller, one.address) == ("shop", "kim@example.org")
    assert (one.found.objection.id, one.found.newer.id) == (objected.id, consented.id)


async def test_nobody_elses_people_are_shown(store: Store) -> None:
    """The butcher's people are the butcher's alone (I8)."""
    kim = person()
    rows = [row(objection(START), kim, controller="butcher"), row(consent(START + HOUR), kim)]
    await store.ledger.append(rows)

    assert await found(store) == await found(store, "butcher") == []


@pytest.mark.parametrize("page", [1, 2, 3, 7, 2000])
async def test_every_page_is_looked_at_once(store: Store, monkeypatch: pytest.MonkeyPatch, page: int) -> None:
    """However small the pages, and however many rows a person has, each doubt is found once."""
    monkeypatch.setattr(doubts, "PAGE", page)
    names = [f"p{number}" for number in range(5)]
    for name in names:
        who = person(name)
        await store.ledger.append([row(objection(START), who), row(consent(START + HOUR), who)])
        await store.ledger.append([row(purchase(START + HOUR), who)])

    seen = sorted((one.address, one.found.doubt.value) for one in await found(store))

    kinds = ("consent-lifts-objection", "purchase-after-objection")
    assert seen == [(f"{name}@example.org", kind) for name in names for kind in kinds]


async def test_an_empty_ledger_has_none(store: Store) -> None:
    """Nothing on record, nothing in doubt."""
    assert await found(store) == []
