"""The decision log: everything the filters ask for, oldest first, in short reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy.dialects import sqlite

from gateway.ids import from_ref, ref
from gateway.ports import Decided
from gateway.store import log
from gateway.store.log import Filters, LogEntry
from gateway.store.opening import Store
from tests.store.given import (
    INVOICE,
    PATIENCE,
    REFUSED,
    START,
    Open,
    SetClock,
    consent,
    fate,
    objection,
    person,
    row,
    wave,
)

KIM, NOA = person("kim"), person("noa")
DAY = timedelta(days=1)


@pytest.fixture
async def told(open_store: Open, clock: SetClock) -> AsyncIterator[Store]:
    """Four days of mail: Kim consents and later objects, Noa is unknown; the fourth day brings invoices."""
    async with open_store(serving=True) as store:
        await store.ledger.append([row(consent(START - DAY), KIM)])
        for number in range(3):
            (kim, _) = await store.journal.decide(
                wave(KIM, NOA, submission=number, message="", campaign=f"c{number}"), clock.now(), PATIENCE
            )
            if number == 0:
                assert isinstance(kim, Decided)
                await store.journal.settle([fate(kim.id, REFUSED)], clock.now())
            clock.forward(days=1)
            if number == 1:
                await store.ledger.append([row(objection(clock.now()), KIM)])
        await store.journal.decide(
            wave(KIM, submission=3, message="", category=INVOICE, login="till", campaign=""),
            clock.now(),
            PATIENCE,
        )
        yield store


async def entries(store: Store, **filters: object) -> list[LogEntry]:
    return [entry async for entry in store.log.entries(Filters(**filters))]  # type: ignore[arg-type]


async def test_an_entry_says_what_the_contract_says(told: Store) -> None:
    """All fields of contract section 2, with the reference that the client was told."""
    (entry,) = await entries(told, limit=1)
    assert entry == LogEntry(
        time=START,
        ref=ref(0),
        login="tool",
        controller="shop",
        category="news",
        campaign="c0",
        message_id="<1@shop.example>",
        address="kim@example.org",
        decision="send",
        ground="consent",
        reason=None,
        fate="refused",
    )


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, "kim0 noa0 kim1 noa1 kim2 noa2 kim3"),
        ({"withheld": True}, "noa0 noa1 kim2 noa2"),
        ({"since": START + DAY}, "kim1 noa1 kim2 noa2 kim3"),
        ({"until": START + DAY}, "kim0 noa0"),
        ({"since": START + DAY, "until": START + 2 * DAY}, "kim1 noa1"),
        ({"reason": "objected"}, "kim2"),
        ({"category": "invoice"}, "kim3"),
        ({"campaign": "c1"}, "kim1 noa1"),
        ({"login": "till"}, "kim3"),
        ({"controller": "butcher"}, ""),
        ({"people": (("shop", KIM.hash),)}, "kim0 kim1 kim2 kim3"),
        ({"people": (("shop", NOA.hash), ("butcher", KIM.hash))}, "noa0 noa1 noa2"),
        ({"people": (("shop", KIM.hash),), "since": START + DAY, "withheld": True}, "kim2"),
        ({"people": ()}, ""),
        ({"limit": 3}, "kim0 noa0 kim1"),
        ({"limit": 0}, ""),
        ({"limit": 2, "withheld": True}, "noa0 noa1"),
    ],
)
@pytest.mark.parametrize("page", [1, 2, 1000])
async def test_filters(
    told: Store, monkeypatch: pytest.MonkeyPatch, filters: dict[str, object], expected: str, page: int
) -> None:
    """Each filter, alone and together, gives the same decisions whatever the size of a page."""
    monkeypatch.setattr(log, "PAGE", page)
    monkeypatch.setattr(log, "DAYS", page)
    found = [f"{entry.address[:3]}{from_ref(entry.ref)}" for entry in await entries(told, **filters)]
    assert " ".join(found) == expected


async def test_fates(told: Store) -> None:
    """A withheld mail has no fate; a send whose fate is not on record is unknown (I2)."""
    fates = [entry.fate for entry in await entries(told)]
    assert fates == ["refused", None, "unknown", None, None, None, "unknown"]


async def test_a_clock_set_back_hides_nothing(store: Store, clock: SetClock) -> None:
    """Decisions made after the clock was set back an hour are found by their own time."""
    for at in (START, START - timedelta(hours=1)):
        clock.at = at
        await store.journal.decide(wave(message=""), clock.now(), PATIENCE)
    found = [entry.time for entry in await entries(store, until=START)]
    assert found == [START - timedelta(hours=1)]
    assert len(await entries(store, since=START - timedelta(hours=2))) == 2


async def test_the_log_of_an_empty_store_is_empty(store: Store) -> None:
    """No decisions, no entries, with or without filters."""
    assert await entries(store) == []
    assert (
        await entries(store, people=(("shop", KIM.hash),), since=datetime.min.replace(tzinfo=START.tzinfo))
        == []
    )


async def test_no_page_leads_past_the_end(told: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the newest part there is no cursor, however few pass: it would skip what is to come."""
    monkeypatch.setattr(log, "READS", 1)

    page = await told.log.page(Filters(reason="nothing"), 0, 10)

    assert (page.entries, page.next) == ((), None)


async def test_a_person_is_found_by_the_index(told: Store) -> None:
    """Looking up a person's decisions seeks controller, day and person, never walks the journal."""
    statement = log.ENTRY.where(log.of_people((("shop", KIM.hash), ("other", KIM.hash)), range(20000, 20090)))
    compiled = statement.compile(
        dialect=sqlite.dialect(paramstyle="named"), compile_kwargs={"render_postcompile": True}
    )
    plan = await told.writer.run(
        lambda database: [
            step[3] for step in database.execute(f"EXPLAIN QUERY PLAN {compiled}", compiled.params)
        ],
        PATIENCE,
    )
    assert any("decisions_person (controller=? AND day=? AND person=?)" in step for step in plan)
    assert not any(step.startswith("SCAN decisions") for step in plan)
