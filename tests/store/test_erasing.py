"""Details are gone from every file, whatever SQLite leaves behind, and nobody is held up by it (I7, L25)."""

from __future__ import annotations

import asyncio
import random
import re
import sqlite3
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gateway.erasing import Erased, erase
from gateway.keys import Keys
from gateway.ports import Decided
from gateway.store import batches, database
from gateway.store.opening import Store
from gateway.store.purging import purge
from tests.store.given import (
    PATIENCE,
    REFUSED,
    SetClock,
    consent,
    fate,
    objection,
    person,
    row,
    wave,
)
from tests.store.proofs import found

KIM = person("kim")


@dataclass
class Rooms:
    """The house, as far as an erasure asks."""

    store: Store
    clock: SetClock
    keys: Keys = field(default_factory=lambda: Keys(b"k" * 32, {1: b"t" * 64}))
    config: Any = field(default_factory=lambda: SimpleNamespace(retention={}, categories={}))

    @property
    def erasure(self) -> Any:
        """The store's erasure."""
        return self.store.erasure


async def forget(store: Store, clock: SetClock, patience: float = 30.0) -> Erased:
    """Erase Kim."""
    return await erase(Rooms(store, clock), "shop", KIM.mailbox, "olga", patience)


def marked(number: int) -> bytes:
    return b"MARK%08dEND" % number


def fill(path: Path, order: list[int]) -> None:
    """Fates' details in the order in which a busy day's smarthost answers: nearly that of their ids."""
    filling = database.connect(path)
    filling.execute("BEGIN")
    for number in order:
        words = marked(number).decode() + "x" * (number * 37 % 190) + marked(number).decode()
        filling.execute("INSERT INTO fate_details VALUES (?, ?, ?)", (number, bytes(16), words))
    filling.execute("COMMIT")
    filling.close()


def left(path: Path, numbers: set[int]) -> set[int]:
    """Which of these the database file spells still; nothing is connected to it."""
    return numbers & {int(one) for one in re.findall(rb"MARK(\d{8})END", path.read_bytes())}


def test_what_sqlite_leaves_in_unused_parts_is_overwritten(path: Path) -> None:
    """SQLite copies rows about and leaves copies behind, secure_delete or not; a purge leaves none, and what
    was not deleted is as it was."""
    chance = random.Random(3)
    order = sorted(range(0, 80_000, 10), key=lambda number: number + chance.randint(0, 400))
    fill(path, order)
    deleted = set(chance.sample(order, 4000))
    connection = database.connect(path)
    connection.execute("BEGIN")
    connection.executemany("DELETE FROM fate_details WHERE decision = ?", [(one,) for one in deleted])
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = connection.execute("SELECT * FROM fate_details ORDER BY decision").fetchall()
    connection.close()
    assert left(path, deleted)  # or this test shows nothing

    assert purge(path, 30)
    assert left(path, deleted) == set()
    connection = database.connect(path)
    assert connection.execute("SELECT * FROM fate_details ORDER BY decision").fetchall() == before
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()


async def test_a_long_reader_is_told_of_and_not_waited_for_without_end(
    store: Store, clock: SetClock, path: Path
) -> None:
    """While somebody reads on and on, the erasure is not called complete; a second one ends it."""
    await store.ledger.append([row(consent(clock.at), KIM, wording="yes")])
    reader = sqlite3.connect(path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM ledger").fetchone()
    done = await forget(store, clock, patience=0.05)
    assert not done.complete
    assert (await store.erasure.held("shop", KIM.hash, clock.at)).is_bare
    reader.close()
    assert (await forget(store, clock)).complete


async def test_what_the_smarthost_says_later_goes_too(store: Store, clock: SetClock, path: Path) -> None:
    """A copy under way when the person is erased: its fate is waited for, and the words that came with it,
    which may quote the address, go as well."""
    await store.ledger.append([row(consent(clock.at), KIM)])
    (sent,) = await store.journal.decide(wave(KIM), clock.forward(minutes=1), PATIENCE)
    assert isinstance(sent, Decided)
    erasing = asyncio.create_task(forget(store, clock))
    while (await store.erasure.held("shop", KIM.hash, clock.at)).mail:  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(0)
    for _ in range(20):
        await store.erasure.held("shop", KIM.hash, clock.at)
    await store.journal.settle([fate(sent.id, REFUSED)], clock.at)
    done = await erasing
    assert done.complete
    count = "SELECT count(*) FROM acts WHERE act = 'erase'"
    acts = await store.writer.run(lambda connection: connection.execute(count).fetchone(), PATIENCE)
    assert acts == (2,)  # for what there was, and for what came later
    assert (await store.erasure.held("shop", KIM.hash, clock.at)).is_bare


async def test_mail_whose_fate_does_not_come_is_waited_for_once(store: Store, clock: SetClock) -> None:
    """A worker may have died with the copy: one wait, one act on record, and it is not called complete."""
    await store.ledger.append([row(consent(clock.at), KIM)])
    await store.journal.decide(wave(KIM), clock.forward(minutes=1), PATIENCE)
    started = time.monotonic()
    done = await forget(store, clock, patience=1)
    assert time.monotonic() - started < 4  # and the files are looked through
    assert not done.complete
    count = "SELECT count(*) FROM acts WHERE act = 'erase'"
    acts = await store.writer.run(lambda connection: connection.execute(count).fetchone(), PATIENCE)
    assert acts == (1,)


async def test_many_mails_go_in_short_transactions(store: Store, clock: SetClock, monkeypatch: Any) -> None:
    """However many mails a person had, no transaction takes more than a batch; each is found, on any day."""
    monkeypatch.setattr(batches, "LARGEST_BATCH", 60)
    await store.ledger.append([row(consent(clock.at), KIM)])
    for number in range(300):
        clock.forward(days=1)
        await store.journal.decide(wave(KIM, submission=number, message=str(number)), clock.at, PATIENCE)
    clock.forward(days=1)
    deleted: list[int] = []

    def count(statement: str) -> None:
        if statement.startswith("BEGIN"):
            deleted.append(0)
        elif statement.startswith("DELETE FROM decision_details"):
            deleted[-1] += 1

    await store.writer.run(lambda connection: connection.set_trace_callback(count), PATIENCE)
    done = await forget(store, clock)
    assert done.mail == 300
    assert sum(deleted) == 300
    assert max(deleted) <= 60


async def test_a_cut_off_erasure_is_seen_and_ended(store: Store, clock: SetClock) -> None:
    """The act comes first: an erasure that ended there left details older than its act; a second one ends it,
    and whatever came between, older evidence was not taken."""
    await store.ledger.append([row(consent(clock.at), KIM, wording="yes"), row(objection(clock.at), KIM)])
    clock.forward(hours=1)
    await store.erasure.begin("shop", KIM.hash, clock.at, {"operator": "olga"}, None)
    held = await store.erasure.held("shop", KIM.hash, clock.at)
    assert len(held.evidence) == 2
    done = await forget(store, clock)
    assert (done.evidence, done.refusals, done.complete) == (2, 1, True)


async def test_rows_stay_and_the_record_is_whole(store: Store, clock: SetClock, path: Path) -> None:
    """After an erasure every row of ledger and journal is there, and verify finds the record whole."""
    await store.ledger.append(
        [row(consent(clock.at), KIM, wording="yes"), row(consent(clock.at), person("noa"))]
    )
    (sent, _) = await store.journal.decide(wave(KIM, person("noa")), clock.forward(minutes=1), PATIENCE)
    assert isinstance(sent, Decided)
    await store.journal.settle([fate(sent.id)], clock.at)
    await forget(store, clock)
    assert len(await store.ledger.evidence("shop", KIM.hash)) == 2  # the consent, and what closes it
    assert len(await store.ledger.evidence("shop", person("noa").hash)) == 1
    assert found(path) == []
