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
    async with opened(url, KEYS_CHECK, clock.now, serving=True) as store:
        await store.journal.decide(wave(submission=1, category=INVOICE), clock.now(), PATIENCE)
        print(store.writer.number, flush=True)
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
    number = int(await process.stdout.readline())
    assert store.living is not None
    retry = wave(submission=2)

    lived = number in store.living
    await store.take_over()
    (while_it_lives,) = await store.journal.decide(retry, clock.now(), PATIENCE)
    process.kill()
    await process.wait()
    await store.take_over()
    (afterwards,) = await store.journal.decide(retry, clock.now(), PATIENCE)

    assert (lived, number in store.living) == (True, False)
    assert while_it_lives == Busy()
    assert isinstance(afterwards, Decided)


def test_a_number_never_given_lives_not(path: Path) -> None:
    """Numbers that nobody holds are of the dead."""
    living = Living(path)

    assert [number in living for number in (1, 5000, "1")] == [False, False, False]
    living.close()
