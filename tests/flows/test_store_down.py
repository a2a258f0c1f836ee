"""Promise: while the store is down the client hears 451, nothing is sent, and service resumes by itself."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import aiohttp

from tests.house import ANNA, House, link_of


def database(house: House) -> Path:
    """The file the store lives in."""
    return house.config.gateway.state_dir / "sendright.db"


async def test_a_missing_database_is_451_and_nothing_is_sent(house: House) -> None:
    """With the database moved away the client hears 451 4.3.0; once it is back, the retry goes (I4)."""
    await house.consent(ANNA)
    away = database(house).with_name("away.db")
    database(house).rename(away)

    down = await house.submit(ANNA)
    sent_while_down = len(house.smarthost.messages)
    away.rename(database(house))
    up = await house.submit(ANNA)

    assert (down[0], down[1].split()[0], sent_while_down) == (451, "4.3.0", 0)
    assert up[0] == 250
    assert [message.recipients for message in house.smarthost.messages] == [(ANNA,)]


async def test_a_locked_database_is_451_and_nothing_is_sent(open_house) -> None:  # type: ignore[no-untyped-def]
    """While another process holds the write lock: 451 4.3.0; afterwards the retry is relayed."""
    house: House = await open_house(answer_within=2)
    await house.consent(ANNA)
    with sqlite3.connect(database(house), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        down = await house.submit(ANNA)
        sent_while_down = len(house.smarthost.messages)
        other.execute("ROLLBACK")
    other.close()

    up = await house.submit(ANNA)

    assert (down[0], down[1].split()[0], sent_while_down) == (451, "4.3.0", 0)
    assert (up[0], len(house.smarthost.messages)) == (250, 1)


async def test_an_objection_that_cannot_be_recorded_is_not_acknowledged(house: House) -> None:
    """With the store down a click hears 503, never 200; once it is back, the same click counts."""
    await house.consent(ANNA)
    await house.submit(ANNA)
    link = link_of(house.smarthost.messages[0])
    away = database(house).with_name("away.db")
    database(house).rename(away)

    down = await house.click(link)
    away.rename(database(house))
    up = await house.click(link)
    await house.submit(ANNA)

    assert (down, up, len(house.smarthost.messages)) == (503, 200, 1)


async def test_readiness_tells_what_is_down(house: House) -> None:
    """/readyz answers 503 and names the store while it is missing; /healthz says the process lives."""
    away = database(house).with_name("away.db")
    database(house).rename(away)

    async with aiohttp.ClientSession() as session:
        async with session.get(f"{house.url}/readyz") as ready:
            body, status = await ready.text(), ready.status
        async with session.get(f"{house.url}/healthz") as health:
            alive = health.status
    away.rename(database(house))

    assert (status, alive) == (503, 200)
    assert "store" in body
