"""Two processes on one file: neither is told "locked", and each sees what the other committed (I3, B11)."""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from gateway.law.decision import Withhold
from gateway.law.reason import Reason
from gateway.ports import Decided
from gateway.store.log import Filters
from gateway.store.opening import Store
from gateway.web.api.log import SETTLED, settled
from tests.store.given import (
    INVOICE,
    PATIENCE,
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

_OBJECTING = """
import asyncio, sys
from tests.store.given import *
from gateway.store.opening import opened

async def main(url):
    async with opened(url, KEYS_CHECK, SEAL_KEY, SetClock().now) as store:
        await store.ledger.append([row(objection(START))])

asyncio.run(main(sys.argv[1]))
"""


async def test_an_objection_in_another_process_binds_the_next_decision(
    store: Store, clock: SetClock, url: str
) -> None:
    """What another process was told is recorded, the server's next decision obeys."""
    await store.ledger.append([row(consent(START - timedelta(days=1)))])
    (before,) = await store.journal.decide(wave(message=""), clock.now(), PATIENCE)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _OBJECTING, url)
    assert await process.wait() == 0
    (after,) = await store.journal.decide(wave(message=""), clock.now(), PATIENCE)
    assert isinstance(before, Decided)
    assert isinstance(after, Decided)
    assert before.relay
    assert isinstance(after.decision, Withhold)
    assert after.decision.reason is Reason.OBJECTED


async def test_a_page_of_the_log_passes_over_nothing_that_comes_a_moment_later(
    open_store: Open, clock: SetClock
) -> None:
    """Of one millisecond the writer of lower ids commits last: a cursor given before still leads to it."""
    async with open_store(serving=True) as lower, open_store(serving=True) as higher:

        async def decided(store: Store, *names: str) -> None:
            people = [person(name) for name in names]
            await store.journal.decide(wave(*people, message=""), clock.now(), PATIENCE)

        async def late(seconds: float) -> None:
            assert 0 < seconds <= SETTLED
            await decided(lower, "late")

        await decided(higher, "ada", "bea")
        first = await settled(higher.log, Filters(), 0, 1, clock.now(), late)
        assert first.next is not None
        second = await settled(higher.log, Filters(), first.next, 10, clock.now())

        told = [one.address for page in (first, second) for one in page.entries]
        assert told == [person(name).mailbox.wire for name in ("late", "ada", "bea")]


async def test_two_writers_do_not_lock_each_other_out(open_store: Open, clock: SetClock) -> None:
    """Two writers, twenty tasks each, and readers beside them: every one of them is served."""

    async def session(store: Store, number: int) -> None:
        for turn in range(5):
            who = person(f"p{number}-{turn}")
            asked = wave(who, submission=store.ids.next(), category=INVOICE, message=f"{number}-{turn}")
            (decided,) = await store.journal.decide(asked, clock.now(), PATIENCE)
            assert isinstance(decided, Decided)
            await store.journal.settle([fate(decided.id)], clock.now())
            store.journal.release(asked.submission)

    async def reading(store: Store) -> None:
        for _ in range(5):
            await store.ledger.evidence("shop", person().hash)

    async with open_store() as one, open_store() as other:
        await asyncio.gather(
            *(
                session(store, number + 20 * place)
                for place, store in enumerate([one, other])
                for number in range(20)
            ),
            *(reading(store) for store in (one, other) for _ in range(2)),
        )
        found = [entry async for entry in one.log.entries(Filters())]
    assert len(found) == 200
    assert {entry.fate for entry in found} == {"relayed"}
    assert one.writer.number != other.writer.number


async def test_a_server_decides_while_another_process_imports(open_store: Open, clock: SetClock) -> None:
    """During a long import by another writer each decision is made within its patience."""
    rows = [row(consent(START), person(f"p{number}")) for number in range(3000)]

    async def importing(store: Store) -> int:
        return sum([len(batch) async for batch in store.ledger.append_in_batches(rows)])

    async with open_store(serving=True) as server, open_store() as importer:
        task = asyncio.create_task(importing(importer))
        decided = 0
        while not task.done():
            await server.journal.decide(wave(message=""), clock.now(), PATIENCE)
            decided += 1
        assert await task == 3000
        assert decided > 3
        await server.ledger.append([row(objection(START))])
