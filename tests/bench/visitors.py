"""Visitors: requests over some kept connections, each sent when the one before it was answered."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator, Sequence
from typing import cast

import uvloop

CONNECTIONS = 16
_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)\r\n", re.IGNORECASE)


class Visitor(asyncio.Protocol):
    """One connection; `over` is told once there is nothing left to ask, or of an answer that is not 200."""

    def __init__(self, requests: Iterator[bytes], over: asyncio.Future[None]) -> None:
        self._requests = requests
        self._over = over
        self._heard = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        self._heard += data
        head, apart, body = self._heard.partition(b"\r\n\r\n")
        found = _LENGTH.search(head + b"\r\n")
        if not apart or (found and len(body) < int(found[1])):
            return
        if not found or not head.startswith(b"HTTP/1.1 200 "):
            self._end(RuntimeError(f"answered with {head[:60]!r}"))
        else:
            self._ask()

    def connection_lost(self, _: Exception | None) -> None:
        self._end(RuntimeError("the server hung up"))

    def _ask(self) -> None:
        self._heard = b""
        request = next(self._requests, None)
        if request is None:
            self._end(None)
        else:
            self._transport.write(request)

    def _end(self, fault: Exception | None) -> None:
        if not self._over.done():
            self._over.set_exception(fault) if fault else self._over.set_result(None)
        self._transport.close()


def rate(port: int, requests: Sequence[bytes]) -> float:
    """Answers a second to these requests, all of them 200. Raises RuntimeError for any other answer."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_rate(port, requests))


async def _rate(port: int, requests: Sequence[bytes]) -> float:
    loop = asyncio.get_running_loop()
    waiting = iter(requests)
    ends = [loop.create_future() for _ in range(CONNECTIONS)]
    started = time.perf_counter()
    for over in ends:
        await loop.create_connection(lambda over=over: Visitor(waiting, over), "127.0.0.1", port)  # type: ignore[misc]
    await asyncio.gather(*ends)
    return len(requests) / (time.perf_counter() - started)
