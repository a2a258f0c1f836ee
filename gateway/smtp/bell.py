"""What one task waits for: that it rings, or that the time is up.

Of a thousand waits all but a few end long before their time. So a timer of the loop is not set for each: the
one that was set goes on until it goes off, and is set anew only if somebody waits then.
"""

from __future__ import annotations

import asyncio


class Bell:
    """For one task at a time; times are of the loop's clock, in seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiter: asyncio.Future[None] | None = None
        self._until = 0.0  # the end of the wait
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0  # when the timer goes off: not after the end of the wait

    def ring(self) -> None:
        """End the wait, if there is one."""
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, until: float) -> None:
        """End when it rings. Raises TimeoutError when that time comes first."""
        self._until = until
        if self._timer is None or until < self._due:
            self._set_timer()
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def take_down(self) -> None:
        """Nobody will wait any more."""
        if self._timer:
            self._timer.cancel()

    def _set_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._due = self._until
        self._timer = self._loop.call_at(self._due, self._go_off)

    def _go_off(self) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if self._loop.time() < self._until:
            self._set_timer()
        else:
            self._waiter.set_exception(TimeoutError())
