"""A store in use, what is found wrong with it, and what nobody should do to it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from gateway.store.acts import Acting
from gateway.store.chain import Chain
from gateway.store.opening import Store, opened
from gateway.store.seals import public_key_of
from gateway.store.spelling import micros
from gateway.store.tables import acts, decisions, fates, in_force, ledger
from gateway.store.verifying.fault import Fault
from gateway.store.verifying.pages import connect
from gateway.store.verifying.whole import Verified, faults
from tests.store.campaigns import Campaigns, laws
from tests.store.given import KEYS_CHECK, PATIENCE, SEAL_KEY, SetClock, person

KEY = public_key_of(SEAL_KEY)
EVIDENCE = (ledger, decisions, fates, acts, in_force)


async def act(
    store: Store,
    now: datetime,
    name: str = "look",
    whose: tuple[str, bytes | None] = ("", None),
    **details: object,
) -> None:
    """An operator did something."""
    acting = Acting(store.writer.chain, store.ids.next, store.writer.entropy)

    def work(connection: sqlite3.Connection) -> None:
        acting.record(connection, name, micros(now), *whose, {"operator": "Kim"} | details)

    await store.writer.run(work, PATIENCE)


async def some_days(url: str, clock: SetClock) -> None:
    """Two writers one after another, under two configurations, with everything that is ever recorded."""
    campaigns = Campaigns(clock)
    for law in laws()[:2]:
        async with opened(url, KEYS_CHECK, SEAL_KEY, clock.now, serving=True) as store:
            store.journal.rests_on(await store.configurations.put_in_force(law, clock.now()))
            for _ in range(6):
                await campaigns.evidence(store, law)
                await campaigns.mail(store, law, people=5)
                await act(store, clock.now(), whose=("shop", person().hash))
                clock.forward(seconds=7)


def found(path: Path, verified: Verified | None = None, **options: Any) -> list[Fault]:
    """What is wrong with the store."""
    with closing(connect(path)) as connection:
        return [one for one in faults(connection, KEY, verified or Verified(), **options) if one]


def named(path: Path, **options: Any) -> set[tuple[str, str]]:
    """Which rows are."""
    return {(one.table, one.id) for one in found(path, **options)}


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as store:
        store.text_factory = bytes
        return store.execute(query).fetchall()


def rewritten(path: Path, table: Any) -> None:
    """Every link of a table, and its heads, as if its rows had always been as they are now."""
    chains: dict[int, Chain] = {}
    with closing(sqlite3.connect(path)) as store:
        key = table.c.keys()[0]
        for *values, writer, _n, _link in store.execute(
            f"SELECT * FROM {table.name} ORDER BY writer, n"
        ).fetchall():
            chain = chains.setdefault(writer, Chain(writer))
            link = chain.linked(table, tuple(values))[-1]
            store.execute(f"UPDATE {table.name} SET link = ? WHERE {key} = ?", (link, values[0]))
            store.execute(
                "UPDATE heads SET link = ? WHERE writer = ? AND stream = ?", (link, writer, table.name)
            )
        store.commit()
