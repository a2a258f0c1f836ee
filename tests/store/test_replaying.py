"""Every decision on record is made again from what was on record then, and comes out the same."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from gateway.replay import Result
from gateway.store.opening import opened
from gateway.store.verifying import pages
from gateway.store.verifying.replaying import replays
from tests.store.campaigns import Campaigns, laws
from tests.store.given import KEYS_CHECK, SEAL_KEY, Open, SetClock, by_hand

MANY = 10_000  # decisions


async def journal(open_store: Open, clock: SetClock, many: int) -> None:
    """A journal of that many decisions, the configuration changing on the way."""
    campaigns = Campaigns(clock)
    for law in laws():
        async with open_store(serving=True) as store:
            store.journal.rests_on(await store.configurations.put_in_force(law, clock.now()))
            done = len(laws())
            for _ in range(many // (15 * done) + 1):
                await campaigns.evidence(store, law)
                await campaigns.mail(store, law)
                clock.forward(hours=5)


@pytest.fixture(scope="session")
def thousand(tmp_path_factory: pytest.TempPathFactory, template: bytes) -> bytes:
    """The file of a store with a thousand decisions."""
    path, clock = tmp_path_factory.mktemp("thousand") / "store.db", SetClock()
    path.write_bytes(template)
    store = partial(opened, f"sqlite+aiosqlite:///{path}", KEYS_CHECK, SEAL_KEY, clock.now)
    asyncio.run(journal(store, clock, 1000))
    return path.read_bytes()


@pytest.fixture
def decided(path: Path, thousand: bytes) -> Path:
    """A store with a thousand decisions."""
    path.write_bytes(thousand)
    return path


def replayed(path: Path) -> dict[int, Result]:
    """How each decision came out, by its id."""
    connection = pages.connect(path)
    found = {number: one.result for number, one in replays(connection, pages.LEAST)}
    connection.close()
    return found


def counted(path: Path, what: str) -> Counter[str]:
    database = sqlite3.connect(path)
    found = Counter(str(value) for (value,) in database.execute(f"SELECT {what} FROM decisions"))
    database.close()
    return found


async def test_ten_thousand_decisions_come_out_the_same(
    open_store: Open, clock: SetClock, path: Path
) -> None:
    """A journal of all grounds and reasons, channels and packs, under changing rules, replays to the last."""
    await journal(open_store, clock, MANY)
    found = replayed(path)
    assert len(found) >= MANY
    assert Counter(found.values()) == {Result.SAME: len(found)}
    assert len(counted(path, "hex(configuration)")) == len(laws()) - 1  # the last is the first again
    assert len(counted(path, "ground")) >= 7
    assert len(counted(path, "reason")) >= 18
    assert len(counted(path, "channel")) == 5
    assert counted(path, "relaxed")["1"] > 100


ALTERED = [
    ("decision", "'withhold'", "decision = 'send'"),
    ("ground", "'consent'", "ground = 'soft-opt-in'"),
    ("reason", "'unknown-person'", "reason = 'objected'"),
    ("evidence", "'[]'", "evidence <> '[]'"),
    ("customer", "'recurring'", "customer = 'one-off'"),
    ("pack", "'eu'", "pack = 'nl'"),
    ("pack_version", "'0'", "1"),
    ("relaxed", "1", "reason = 'objected'"),
    ("decided_at", "decided_at - 400 * 86400000000", "ground = 'soft-opt-in' AND category LIKE '%news'"),
]


@pytest.mark.parametrize(("column", "value", "where"), ALTERED, ids=[it[0] for it in ALTERED])
def test_an_altered_decision_is_found_different(decided: Path, column: str, value: str, where: str) -> None:
    """Whatever of its outcome is altered, that decision is different, and only that one."""
    database = sqlite3.connect(decided)
    (number,) = database.execute(f"SELECT id FROM decisions WHERE {where} ORDER BY id DESC").fetchone()
    database.close()
    by_hand(decided, f"UPDATE decisions SET {column} = {value} WHERE id = ?", number)
    found = replayed(decided)
    assert [one for one, result in found.items() if result is not Result.SAME] == [number]
    assert found[number] is Result.DIFFERENT


GONE = {
    "head": "UPDATE decisions SET head = NULL",
    "configuration": "UPDATE decisions SET configuration = NULL",
    "configurations": "DELETE FROM configurations",
    "content": "UPDATE configurations SET content = '{}'",
    "evidence": "DELETE FROM ledger WHERE place = 1",
    "facts": "UPDATE ledger SET facts = 'no JSON'",
}


@pytest.mark.parametrize("deed", GONE.values(), ids=GONE)
def test_a_decision_whose_basis_is_gone_is_not_called_different(decided: Path, deed: str) -> None:
    """What cannot be made again is said to be so; what rests on none of what is gone is still the same."""
    by_hand(decided, deed)
    results = Counter(replayed(decided).values())
    assert results[Result.DIFFERENT] == 0
    assert results[Result.NOT_REPLAYABLE] > 0


def test_only_a_decision_that_rests_on_the_address_needs_it(decided: Path) -> None:
    """After an erasure facts stay; only whether an address is impersonal cannot be told any more."""
    by_hand(decided, "DELETE FROM decision_details")
    database = sqlite3.connect(decided)
    impersonal = {
        number
        for (number,) in database.execute("SELECT id FROM decisions WHERE ground = 'impersonal-address'")
    }
    belgian = {number for (number,) in database.execute("SELECT id FROM decisions WHERE pack = 'be'")}
    database.close()
    found = replayed(decided)
    lost = {number for number, result in found.items() if result is Result.NOT_REPLAYABLE}
    assert impersonal
    assert impersonal <= lost < belgian
    assert {found[number] for number in found.keys() - lost} == {Result.SAME}
