"""Waiting for news without a timer for each wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway.smtp.bell import Bell

FAR = 1000.0  # seconds


@pytest.fixture
async def timers(monkeypatch: pytest.MonkeyPatch) -> list[asyncio.TimerHandle]:
    """Every timer that is set in the loop."""
    loop = asyncio.get_running_loop()
    handles: list[asyncio.TimerHandle] = []
    call_at: Callable[..., asyncio.TimerHandle] = loop.call_at

    def noted(*arguments: Any, **context: Any) -> asyncio.TimerHandle:
        handles.append(call_at(*arguments, **context))
        return handles[-1]

    monkeypatch.setattr(loop, "call_at", noted)
    return handles


async def rung(bell: Bell, until: float) -> None:
    """Wait, and be rung at once."""
    asyncio.get_running_loop().call_soon(bell.ring)
    await bell.wait(until)


async def test_a_ring_ends_the_wait_and_time_does_else() -> None:
    """A wait ends when it rings; when nobody does, at its time and not before."""
    loop = asyncio.get_running_loop()
    bell = Bell(loop)
    bell.ring()  # nobody waits: it is not kept for later
    until = loop.time() + 0.02

    with pytest.raises(TimeoutError):
        await bell.wait(until)

    assert loop.time() >= until
    await rung(bell, loop.time() + FAR)
    bell.take_down()


async def test_many_waits_take_one_timer(timers: list[asyncio.TimerHandle]) -> None:
    """Waits that end in good time, each with a later end than the one before, set one timer in all."""
    loop = asyncio.get_running_loop()
    bell = Bell(loop)

    for turn in range(100):
        await rung(bell, loop.time() + FAR + turn)

    assert len(timers) == 1
    bell.take_down()
    assert timers[0].cancelled()


async def test_a_timer_left_over_ends_no_later_wait() -> None:
    """The time of a wait that is over means nothing to the next one, be that longer or shorter."""
    loop = asyncio.get_running_loop()
    for first, second in ((0.02, 0.06), (FAR, 0.02)):
        bell = Bell(loop)
        await rung(bell, loop.time() + first)
        until = loop.time() + second

        with pytest.raises(TimeoutError):
            await bell.wait(until)

        assert loop.time() >= until


async def test_a_timer_that_finds_nobody_is_not_set_again(timers: list[asyncio.TimerHandle]) -> None:
    """While nobody waits the loop has nothing to wake up for."""
    loop = asyncio.get_running_loop()
    bell = Bell(loop)
    await rung(bell, loop.time() + 0.01)
    passed = asyncio.Event()
    loop.call_later(0.05, passed.set)
    timers.clear()

    await passed.wait()

    assert timers == []
    await rung(bell, loop.time() + FAR)
    assert len(timers) == 1
    bell.take_down()


async def test_a_wait_may_be_cancelled() -> None:
    """Cancelling the task that waits leaves the bell as it was."""
    loop = asyncio.get_running_loop()
    bell = Bell(loop)
    task = asyncio.create_task(bell.wait(loop.time() + FAR))
    await asyncio.sleep(0)
    task.cancel()
    bell.ring()  # in the same moment

    with pytest.raises(asyncio.CancelledError):
        await task

    await rung(bell, loop.time() + FAR)
    bell.take_down()
