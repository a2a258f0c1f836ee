"""One piece of work for the writer, and telling those who wait for it in their own loop."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result", covariant=True)


@dataclass(frozen=True, slots=True, eq=False)
class Kind(Generic[Item, Result]):
    """Works that a round does together: `do` takes their items, and gives a result for each, in order.

    Kinds with the lowest `rank` come first, whatever the order in which their works came in.
    """

    do: Callable[[sqlite3.Connection, Sequence[Item]], Sequence[Result]]
    rank: int


def _one_by_one(
    connection: sqlite3.Connection, works: Sequence[Callable[[sqlite3.Connection], Any]]
) -> list[Any]:
    return [work(connection) for work in works]


PLAIN: Kind[Callable[[sqlite3.Connection], Any], Any] = Kind(_one_by_one, rank=0)


@dataclass(slots=True, eq=False)
class Job:
    """Work to do inside a round's transaction, and who waits for it."""

    kind: Kind[Any, Any]
    item: Any
    waiter: asyncio.Future[Any] | None
    deadline: float  # time.monotonic(), until when to try for a lock
    kept: bool = False  # held through an outage, wanted or not

    @property
    def is_wanted(self) -> bool:
        """Whether to do it at all: a wait that timed out or was cancelled is not served later."""
        return self.kept or (self.waiter is not None and not self.waiter.done())


def do(connection: sqlite3.Connection, jobs: Sequence[Job]) -> list[Any]:
    """The result of each job, in the order of the jobs; done kind by kind."""
    results: dict[Job, Any] = {}
    for kind in sorted({job.kind for job in jobs}, key=lambda kind: kind.rank):
        those = [job for job in jobs if job.kind is kind]
        results.update(zip(those, kind.do(connection, [job.item for job in those]), strict=True))
    return [results[job] for job in jobs]


Told = tuple["asyncio.Future[Any] | None", object, Exception | None]


def tell(results: Iterable[Told]) -> None:
    """Wake the waiters: once a round for each loop, not once for each waiter."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Told]] = {}
    for told in results:
        if told[0] is not None:
            by_loop.setdefault(told[0].get_loop(), []).append(told)
    for loop, group in by_loop.items():
        try:
            loop.call_soon_threadsafe(_wake, group)
        except RuntimeError:  # the loop is closed: nobody waits there any more
            continue


def _wake(group: list[Told]) -> None:
    for waiter, result, error in group:
        if waiter is None or waiter.done():
            continue
        if error is None:
            waiter.set_result(result)
        else:
            waiter.set_exception(error)


def heard(waiter: asyncio.Future[Any]) -> None:
    """Take note of the outcome, so that a future nobody awaits does not complain."""
    if not waiter.cancelled():
        waiter.exception()
