"""Promise: every decision can be proven later, whatever has changed since."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.address import parse
from gateway.config import Config
from gateway.erasing import erase
from gateway.keys import load
from gateway.replay import Result
from gateway.store import database
from gateway.store.seals import public_key_of
from gateway.store.verifying.fault import Fault
from gateway.store.verifying.whole import Verified, faults, opened
from tests.house import ANNA, BRAM, CHRIS, House, link_of
from tests.service import Service


def verified(config: Config) -> tuple[list[Fault], Verified]:
    """What is wrong with a gateway's store, and what was looked at."""
    keys, so_far = load(config.gateway.keys_file), Verified()
    with opened(database.path_of(config.store.url), keys.check) as connection:
        wrong = faults(connection, public_key_of(keys.seed("seal")), so_far, replay=True)
        return [one for one in wrong if one], so_far


def rows(state: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(state)) as store:
        return store.execute(query).fetchall()


async def test_a_journal_is_whole_and_replays_after_the_configuration_changed(
    open_house: Callable[..., Any],
) -> None:
    """Mail sent, withheld and relaxed, an objection between, a restart by other rules: all is the same."""
    house: House = await open_house()
    await house.consent(ANNA, BRAM)
    await house.submit(ANNA, BRAM, CHRIS)
    await house.submit(CHRIS, login="trial")
    await house.submit(ANNA, CHRIS, category="invoice")
    await house.submit(CHRIS, login="nothing")
    assert await house.click(link_of(house.smarthost.messages[0])) == 200
    house.clock.move(timedelta(minutes=1))
    await house.submit(ANNA, BRAM)
    await house.close()
    other: House = await open_house(
        smtp="[[category]]\nid = 'more'\ncontroller = 'shop'\ntitle = 'More'\npurpose = 'marketing'\n"
    )
    await other.submit(BRAM)
    wrong, so_far = verified(other.config)  # beside the live gateway
    assert wrong == []
    assert so_far.replayed == Counter({Result.SAME: so_far.rows["decisions"]})
    assert so_far.rows["decisions"] == 10
    assert so_far.rows["in_force"] == 2
    assert (
        len(rows(database.path_of(other.config.store.url), "SELECT DISTINCT configuration FROM decisions"))
        == 2
    )


async def test_an_erasure_leaves_the_record_whole(open_house: Callable[..., Any]) -> None:
    """After a person was erased nothing lacks without a reason, and each decision is still made again."""
    house: House = await open_house()
    await house.consent(ANNA, BRAM)
    await house.submit(ANNA, BRAM, CHRIS)
    house.clock.move(timedelta(minutes=1))
    done = await erase(house.gateway.rooms, "shop", parse(ANNA), "Kim")
    house.clock.move(timedelta(minutes=1))
    await house.submit(ANNA, BRAM)
    wrong, so_far = verified(house.config)
    assert (done.evidence, done.mail) == (1, 1)
    assert wrong == []
    assert so_far.replayed == Counter({Result.SAME: 5})


@pytest.mark.asyncio(loop_scope="module")
async def test_each_worker_records_what_a_reload_put_in_force(service: Service) -> None:
    """Every start and reload is on record for each worker, and what it decides names what it has read."""
    state = service.path.parent / "state" / "sendright.db"
    before = rows(state, "SELECT DISTINCT configuration FROM in_force")
    service.edit('title = "Nieuwsbrief"', 'title = "Weekbrief"')
    await service.reload()
    after = rows(state, "SELECT configuration FROM in_force ORDER BY id DESC LIMIT 2")
    assert len(set(after)) == 1
    assert after[0] not in before
