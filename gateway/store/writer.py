"""The one thread that writes, on one connection, in rounds (design section 6).

Rules of this file:

1. A round takes whatever waits when its turn comes: no timer, and no wake-up while nothing waits. What is
   asked for in one turn of the loop comes together: many small rounds would take the interpreter from it.
   Nobody hears of a result before the round's COMMIT returned (I2, I3).
2. An outage (locked, full, read-only, moved away) fails everybody in the round, for now (I4); what must
   not be lost is held and written in a later round, before anything newer.
3. One work's own fault fails that work alone: the round is rolled back and its works are done one by one.
4. A file that is missing is never made anew; one that came back is checked before it is used.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import random
import sqlite3
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import structlog

from gateway.ids import Ids
from gateway.ports import StoreUnavailableError
from gateway.store import database
from gateway.store.chain import Chain
from gateway.store.job import PLAIN, Item, Job, Kind, Result, do, heard, tell
from gateway.store.seals import Sealer
from gateway.store.spelling import micros
from gateway.store.turn import Turn

T = TypeVar("T")

PATIENCE = 10.0  # seconds to wait for the store where nothing presses
MOST_WORKS = 256  # of one round: bounds how long its transaction lasts
LOCKED_PAUSE = (0.0002, 0.0008)  # seconds, at random: SQLite's own handler starves one of two writers
HELD_PATIENCE = 0.05  # seconds to wait for a lock when nobody waits for us
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0  # seconds between tries to write what is held
SEAL_PATIENCE = 1.0  # seconds to wait for the last seal
CLOSING_TRIES = 8  # to write what is held, before giving up at the end

_OWN_FAULTS = (  # of the statement or its values; any other sqlite3 error is the store's
    sqlite3.IntegrityError,
    sqlite3.DataError,
    sqlite3.ProgrammingError,
    sqlite3.NotSupportedError,
)
_LEAVES_CONNECTION_WHOLE = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL)

log = structlog.get_logger()


class Writer:
    """Writes for every room of one process; `open` it in the loop that will wait for it."""

    def __init__(
        self,
        path: Path,
        keys_check: str,
        seal_key: bytes,
        now: Callable[[], datetime],
        entropy: Callable[[int], bytes] = os.urandom,
        *,
        goes_first: bool = False,
    ) -> None:
        """`goes_first`: before other processes that wait for their turn (turn.py)."""
        self.entropy = entropy
        self._path = path
        self._keys_check = keys_check
        self._seal_key = seal_key
        self._now = now
        self._gathered: list[Job] = []  # asked for since the loop's last turn
        self._queue: queue.SimpleQueue[list[Job] | None] = queue.SimpleQueue()
        self._held: list[Job] = []
        self._closing = False
        self._failures = 0  # rounds that failed in a row
        self._database: sqlite3.Connection | None = None
        self._files: tuple[int, ...] = ()  # which files the connection has open
        self.chain = Chain(0)  # until it has a number
        self._sealer: Sealer | None = None
        self._turn = Turn(path, goes_first=goes_first)
        self._thread = threading.Thread(target=self._serve, name="store-writer", daemon=True)

    async def open(self, patience: float = PATIENCE) -> None:
        """Check the file, start the thread and take a writer number.

        Raises SchemaError, KeysMismatchError or StoreUnavailableError.
        """
        try:
            self._connect()
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailableError(f"{self._path}: {error}") from error
        finally:
            self._disconnect()  # the thread opens its own
        self._thread.start()
        try:
            self.number = await self.run(self._take_number, patience)
        except BaseException:
            await self.close()
            raise
        self.ids = Ids(self.number, self._now)
        self.chain = Chain(self.number)
        self._sealer = Sealer(self._seal_key, self._now, self.ids.next)

    async def close(self) -> None:
        """Do what waits, write what is held if that can be done, seal, and end the thread."""
        if self._closing or not self._thread.is_alive():
            return
        if self._sealer:
            with contextlib.suppress(StoreUnavailableError):
                await self.run(partial(self._sealer.seal, writer=self.number), SEAL_PATIENCE)
        self._closing = True
        self._hand_over()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    async def run(self, work: Callable[[sqlite3.Connection], T], patience: float) -> T:
        """What `work` returned, once committed. Raises StoreUnavailableError, also after `patience` seconds.

        Work whose wait has ended is skipped, unless its round is already under way.
        """
        result: T = await self.run_with(PLAIN, work, patience)
        return result

    async def run_with(self, kind: Kind[Item, Result], item: Item, patience: float) -> Result:
        """The same for work that a round does together with others of its kind."""
        waiter = self._submit(Job(kind, item, self._waiter(), time.monotonic() + patience))
        timer = waiter.get_loop().call_later(patience, _give_up, waiter)
        try:
            result: Result = await waiter
            return result
        finally:
            timer.cancel()

    def keep(
        self, work: Callable[[sqlite3.Connection], object], patience: float = 0.0
    ) -> asyncio.Future[None]:
        """Do this work now or, if that fails, once the store is back; never lost while the process lives.

        The future ends with the commit. It raises StoreUnavailableError when the work is held instead.
        """
        return self.keep_with(PLAIN, work, patience)

    def keep_with(self, kind: Kind[Item, object], item: Item, patience: float = 0.0) -> asyncio.Future[None]:
        """The same for work that a round does together with others of its kind."""
        waiter = self._submit(Job(kind, item, self._waiter(), time.monotonic() + patience, kept=True))
        waiter.add_done_callback(heard)  # waiting for it is the caller's choice
        return waiter

    def _waiter(self) -> asyncio.Future[Any]:
        return asyncio.get_running_loop().create_future()

    def _submit(self, job: Job) -> asyncio.Future[Any]:
        assert job.waiter is not None  # noqa: S101 - every caller gives one
        if self._closing:
            job.waiter.set_exception(StoreUnavailableError("the store is closed"))
        else:
            if not self._gathered:
                job.waiter.get_loop().call_soon(self._hand_over)
            self._gathered.append(job)
        return job.waiter

    def _hand_over(self) -> None:
        """What was asked for in one turn of the loop goes to the thread at once (rule 1)."""
        if self._gathered:
            self._queue.put(self._gathered)
            self._gathered = []

    # --- from here on everything runs on the writer's thread ---

    def _serve(self) -> None:
        stopping = False
        tries = CLOSING_TRIES
        while not stopping or (self._held and tries):
            taken = self._await_work()
            with self._our_turn():
                taken += self._take()
                stopping = stopping or None in taken
                tries -= stopping
                self._round([job for jobs in taken if jobs is not None for job in jobs])
        if self._held:
            log.error("store.closed-with-works-held", works=len(self._held))
        self._turn.close()
        self._disconnect()

    def _await_work(self) -> list[list[Job] | None]:
        """What is held, or the first that comes; blocks while there is neither."""
        held: list[list[Job] | None] = [self._held] if self._held else []
        pause = min(FIRST_PAUSE * 2 ** max(self._failures - 1, 0), LONGEST_PAUSE) if held else None
        self._held = []
        with contextlib.suppress(queue.Empty):
            held.append(self._queue.get(timeout=pause))
        return held

    def _take(self) -> list[list[Job] | None]:
        """Whatever else came until now."""
        taken: list[list[Job] | None] = []
        with contextlib.suppress(queue.Empty):
            while sum(len(jobs) for jobs in taken if jobs) < MOST_WORKS:
                taken.append(self._queue.get_nowait())
        return taken

    @contextlib.contextmanager
    def _our_turn(self) -> Iterator[None]:
        """While others that share the database wait; without, where the queue's file is out of reach."""
        with contextlib.suppress(OSError):
            self._turn.take()
        try:
            yield
        finally:
            self._turn.give_up()

    def _round(self, jobs: list[Job]) -> None:
        jobs = [job for job in jobs if job.is_wanted]
        if not jobs:
            return
        try:
            results = self._commit(jobs)
        except Exception as error:  # told to whoever waits
            self._roll_back(error)
            if _is_outage(error):
                self._postpone(jobs, error)
            elif len(jobs) > 1:
                for job in jobs:
                    self._round([job])
            else:
                self._fail(jobs[0], error)
        else:
            self._recovered()
            tell((job.waiter, result, None) for job, result in zip(jobs, results, strict=True))

    def _commit(self, jobs: list[Job]) -> list[object]:
        connection = self._connected()
        self._begin(connection, jobs)
        results = do(connection, jobs)
        if self._sealer and self.chain.moved:
            self._sealer.note(connection, self.chain)
        connection.execute("COMMIT")
        self.chain.keep()
        return results

    def _begin(self, connection: sqlite3.Connection, jobs: list[Job]) -> None:
        """Take the write lock; another process's transaction is waited out while anybody still waits."""
        patience = max(time.monotonic() + HELD_PATIENCE, *(job.deadline for job in jobs))
        while True:
            try:
                connection.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if _primary(error) != sqlite3.SQLITE_BUSY or time.monotonic() > patience:
                    raise
                if not any(job.is_wanted for job in jobs):
                    raise
            time.sleep(random.uniform(*LOCKED_PAUSE))  # noqa: S311 - parts contenders, keeps no secret

    def _roll_back(self, error: Exception) -> None:
        self.chain.forget()
        connection = self._database
        if connection is None:
            return
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            self._disconnect()
        if _is_outage(error) and _primary(error) not in _LEAVES_CONNECTION_WHOLE:
            self._disconnect()

    def _postpone(self, jobs: list[Job], error: Exception) -> None:
        if not self._failures:
            log.warning("store.unavailable", fault=str(error))
        self._failures += 1
        tell([(job.waiter, None, StoreUnavailableError(str(error))) for job in jobs])
        for job in jobs:
            if job.kept:
                job.waiter = None
                self._held.append(job)

    def _fail(self, job: Job, error: Exception) -> None:
        """A work's own fault: the trace without the message, which may quote a person's data."""
        trace = "".join(traceback.format_tb(error.__traceback__))
        log.error("store.work-failed", fault=type(error).__name__, kept=job.kept, trace=trace)
        refusal = StoreUnavailableError(f"could not be put on record ({type(error).__name__})")
        refusal.__cause__ = error
        tell([(job.waiter, None, refusal)])

    def _recovered(self) -> None:
        if self._failures:
            log.warning("store.available-again", failed_rounds=self._failures)
            self._failures = 0

    def _connected(self) -> sqlite3.Connection:
        """The connection, if the files it has open are still the ones at the path; else a new one."""
        if self._database is not None and self._has_moved():
            self._save(self._database)
            self._disconnect()
        return self._database or self._connect()

    def _has_moved(self) -> bool:
        try:
            return self._files != database.files_at(self._path)
        except FileNotFoundError:
            return True

    def _connect(self) -> sqlite3.Connection:
        """Raises sqlite3.Error, OSError, SchemaError, KeysMismatchError."""
        connection = database.connect(self._path)
        try:
            database.verify(connection, self._keys_check)
            self.chain.resume(connection)
            self._files = database.files_at(self._path)
        except BaseException:
            connection.close()
            raise
        self._database = connection
        return connection

    def _save(self, connection: sqlite3.Connection) -> None:
        """Move every commit from the log into the file it belongs to, wherever that was moved to.

        SQLite does not do so when it closes a file that was moved, and would play the log left behind
        into whatever file comes to lie at the path.
        """
        with contextlib.suppress(sqlite3.Error):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _disconnect(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def _take_number(self, connection: sqlite3.Connection) -> int:
        cursor = connection.execute("INSERT INTO writers (started_at) VALUES (?)", (micros(self._now()),))
        assert cursor.lastrowid is not None  # noqa: S101 - after an INSERT
        return cursor.lastrowid


def _give_up(waiter: asyncio.Future[Any]) -> None:
    if not waiter.done():
        waiter.set_exception(StoreUnavailableError("the store did not answer in time"))


def _primary(error: BaseException) -> int:
    """SQLite's primary result code, 0 for any other error."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _is_outage(error: Exception) -> bool:
    if isinstance(error, sqlite3.Error):
        return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, _OWN_FAULTS)
    return isinstance(error, OSError | database.SchemaError | database.KeysMismatchError)
