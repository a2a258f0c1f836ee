"""Whose claims are whose: a process that serves holds its own until it ends, in whatever way (I5)."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from gateway.ports import Busy, Decided
from gateway.store.living import Living
from gateway.store.opening import Store
from tests.store.given import PATIENCE, SetClock, wave

_CLAIMING = """
import asyncio, sys
from tests.store.given import *
from gateway.store.opening import opened

async def main(url):
    clock = SetClock()
    async with opened(url, KEYS_CHECK, SEAL_KEY, clock.now, serving=True) as store:
        await store.journal.decide(wave(submission=1, category=INVOICE), clock.now(), PATIENCE)
        print("claimed", flush=True)
        await asyncio.Event().wait()

asyncio.run(main(sys.argv[1]))
"""


async def test_a_process_that_serves_keeps_its_claims_until_it_is_killed(
    store: Store, clock: SetClock, url: str
) -> None:
    """While it lives its claims are left alone; once it is killed, the same message is a retry."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CLAIMING, url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    await process.stdout.readline()
    retry = wave(submission=2)

    (while_it_lives,) = await store.journal.decide(retry, clock.now(), PATIENCE)
    process.kill()
    await process.wait()
    (afterwards,) = await store.journal.decide(retry, clock.now(), PATIENCE)

    assert while_it_lives == Busy()
    assert isinstance(afterwards, Decided)


def test_a_process_knows_itself_and_no_number_that_nobody_has(path: Path) -> None:
    """Its own number lives, asked again too; numbers that nobody holds are of the dead."""
    living = Living(path, 7)

    assert [living.has(number) for number in (7, 7, 1, 5000)] == [True, True, False, False]
    living.close()
