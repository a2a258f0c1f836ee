"""Promise: the objection form tells nobody who is known, and what was typed binds once confirmed (L11)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from time import perf_counter
from typing import Any

import aiohttp
import pytest

from gateway.intake import record
from gateway.law.evidence import Objection
from tests.salon import Page, Visitor, visiting

ANNA = "anna@example.org"
CONSENT: dict[str, object] = {
    "email": ANNA,
    "kind": "consent",
    "category": "events",
    "occurred_at": "2026-11-01T12:00:00+01:00",
    "source": "form",
    "wording": "Ja",
    "wording_version": "1",
}


@pytest.fixture
async def visitor(open_house: Callable[..., Any]) -> AsyncIterator[Visitor]:
    """Somebody at a browser."""
    async with aiohttp.ClientSession() as session:
        yield await visiting(open_house, session)


async def known(visitor: Visitor, address: str = ANNA, controller: str = "salon") -> None:
    """Put a consent on record."""
    category = "events" if controller == "salon" else "newsletter"
    row = CONSENT | {"email": address, "category": category}
    await record(visitor.house.gateway.rooms, controller, [row], visitor.house.clock.now())


async def objects(visitor: Visitor, address: str, controller: str = "salon") -> Page:
    """Type an address and send the form."""
    return await visitor.post(f"/objection/{controller}", ("address", address))


async def mailed(visitor: Visitor, address: str = ANNA) -> bool:
    """Whether the salon's mail reaches somebody now."""
    _, text = await visitor.house.submit(address, login="salontool", category="events")
    return "relayed=1" in text


async def test_it_binds_once_confirmed(visitor: Visitor) -> None:
    """Not by typing, which anybody can, nor by looking at the link; by the button, for the very next mail."""
    await known(visitor)
    assert (await objects(visitor, ANNA)).status == 200
    link = await visitor.letter()
    assert (await visitor.get(link)).form.buttons == 1
    assert await mailed(visitor)

    visitor.house.clock.move(timedelta(hours=1))
    done = await visitor.post(link)

    assert done.status == 200
    assert not await mailed(visitor)
    (_, objection) = await visitor.facts()
    assert isinstance(objection, Objection)
    assert (objection.scope, objection.occurred_at) == ("marketing", visitor.house.clock.now())


async def test_whoever_was_only_mailed_is_known_too(visitor: Visitor) -> None:
    """A decision in the journal is enough, also one to withhold."""
    assert not await mailed(visitor)

    await objects(visitor, ANNA)
    link = await visitor.letter()
    assert (await visitor.post(link)).status == 200

    assert [type(one) for one in await visitor.facts()] == [Objection]


async def test_the_answer_tells_nobody_who_is_known(visitor: Visitor) -> None:
    """Status, headers and octets are the same; only who is on record of this controller gets a letter."""
    await known(visitor)
    await known(visitor, "bram@example.org", "shop")
    addresses = ["nobody@example.org", ANNA, "bram@example.org", "chris@example.org"]

    answers = [await objects(visitor, address) for address in addresses]
    await visitor.house.smarthost.arrived(1)
    await visitor.house.close()

    told = {
        (one.status, one.text, *((name, value) for name, value in one.headers.items() if name != "Date"))
        for one in answers
    }
    assert len(told) == 1
    assert visitor.house.smarthost.delivered == [ANNA]


@pytest.mark.parametrize("controller", ["salon", "shop"])
async def test_nor_does_the_time_it_takes(visitor: Visitor, controller: str) -> None:
    """Whether it is mailed or recorded at once: known and unknown take the same, but for chance."""
    clock = visitor.house.clock
    for number in range(8):
        await known(visitor, f"known{number}@example.org", controller)
        await objects(visitor, f"known{number}@example.org", controller)
    clock.move(timedelta(hours=1))

    took: dict[str, list[float]] = {"known": [], "stranger": []}
    for number in range(8):
        for name, times in took.items():
            begun = perf_counter()
            assert (await objects(visitor, f"{name}{number}@example.org", controller)).status == 200
            times.append(perf_counter() - begun)

    assert abs(min(took["known"]) - min(took["stranger"])) < 0.02  # what others do here only adds to it


async def test_without_a_mailbox_to_write_from_it_is_recorded_as_typed(visitor: Visitor) -> None:
    """Nothing can be confirmed there, and an objection has no required form: it binds at once."""
    await visitor.house.consent(ANNA)

    known_one = await objects(visitor, ANNA, "shop")
    again = await objects(visitor, ANNA, "shop")
    stranger = await objects(visitor, "nobody@example.org", "shop")

    assert {one.status for one in (known_one, again, stranger)} == {200}
    assert known_one.text == again.text == stranger.text
    assert "withheld=1" in (await visitor.house.submit(ANNA))[1]
    assert [type(one) for one in await visitor.facts("nobody@example.org", "shop")] == [Objection]
    assert visitor.house.smarthost.messages == []


async def test_an_objection_that_cannot_be_recorded_is_not_acknowledged(visitor: Visitor) -> None:
    """503 while the store is away, and the form says so."""
    file = visitor.house.config.gateway.state_dir / "sendright.db"
    away = file.rename(file.with_name("away.db"))

    failed = await objects(visitor, ANNA, "shop")
    away.rename(file)

    assert failed.status == 503
    assert "not been recorded" in failed.text
    assert await visitor.facts(controller="shop") == []


async def test_nobody_is_flooded_by_the_form(visitor: Visitor) -> None:
    """Three letters an hour; then the form says how else to object, whether the address is known or not."""
    await known(visitor)
    answers = {
        address: [(await objects(visitor, address)) for _ in range(5)] for address in (ANNA, "x@example.org")
    }
    await visitor.house.close()

    assert [one.status for one in answers[ANNA]] == [200, 200, 200, 429, 429]
    assert [one.text for one in answers[ANNA]] == [one.text for one in answers["x@example.org"]]
    assert "mailto:hallo@shop.example" in answers[ANNA][-1].text
    assert answers[ANNA][-1].headers["Retry-After"] == "3600"
    assert visitor.house.smarthost.delivered == [ANNA] * 3


async def test_a_receipt_is_not_sent_where_the_law_asks_for_none(visitor: Visitor) -> None:
    """A Dutch controller confirms on the page alone: one letter in all."""
    await known(visitor)
    await objects(visitor, ANNA)
    await visitor.post(await visitor.letter())
    await visitor.house.close()

    assert len(visitor.house.smarthost.messages) == 1


async def test_concurrent_clicks_object_once(visitor: Visitor) -> None:
    """Ten at once: 200 each, one row."""
    await known(visitor)
    await objects(visitor, ANNA)
    link = await visitor.letter()
    visitor.house.clock.move(timedelta(minutes=1))

    answers = await asyncio.gather(*(visitor.post(link) for _ in range(10)))

    assert {one.status for one in answers} == {200}
    assert [type(one) for one in await visitor.facts()].count(Objection) == 1
