"""One worker: serves its share until its supervisor wants no more of it, or is gone.

One whose supervisor is gone leaves its places at once, so that a successor can be started at once; what is
under way it finishes and puts on record beside that successor, as it would after a reload (I2, I5).
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import signal
from collections import deque
from collections.abc import Mapping
from contextlib import suppress

import structlog
import uvloop

from gateway.app import Prepared, Running, working
from gateway.listening import MAIL, Place, Sockets
from gateway.metrics import Figures, Metrics, dumped, loaded
from gateway.workers.generation import Part
from gateway.workers.line import Line, Word

SUM_SECONDS = 2.0  # to wait for the figures of all workers
COLLECT_AFTER = 10_000  # objects made; cycles are rare, and looking for them is not free
MAIL_YIELDS = 10  # niceness of who takes mail: it can wait where cores are short, people for a page cannot
KEPT_BYTES = 32 << 20  # of freed memory, which the C library would give back after each large message
_M_TRIM_THRESHOLD = -1  # mallopt(3)


def work(given: Prepared, part: Part, share: Mapping[Place, Sockets], line: Line) -> None:
    """Serve this part until told to retire or drain. Raises what app.working raises."""
    for number in (signal.SIGINT, signal.SIGHUP):  # a terminal sends them to all: the supervisor decides
        signal.signal(number, signal.SIG_IGN)
    structlog.contextvars.bind_contextvars(pid=os.getpid())
    if not MAIL.isdisjoint(part.services):
        with suppress(OSError):  # a sandbox may forbid it, and it is not needed to serve
            os.nice(MAIL_YIELDS)
            _keep_to_core(part)
    _settle_in()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(given, share, line))


def _keep_to_core(part: Part) -> None:
    """With one worker for each core there is, each stays where its caches are.

    With more cores than workers, or fewer, they go where the kernel sends them. Raises OSError.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []  # Linux's alone
    if len(cores) == part.among:
        os.sched_setaffinity(0, {cores[part.number]})


def _settle_in() -> None:
    """Spend no time on memory that stays: what was made at the start is not looked through for garbage."""
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):  # glibc's alone
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)


async def _work(given: Prepared, share: Mapping[Place, Sockets], line: Line) -> None:
    metrics = Metrics()
    orders = Orders(line, metrics)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, orders.drain.set)
    async with working(given, share, metrics) as gateway:
        metrics.total = orders.total
        line.say(Word.READY)
        await _until_told(orders, gateway)
        if orders.lost:
            await gateway.leave_places()
    line.say(Word.FIGURES, dumped(metrics.figures()))


async def _until_told(orders: Orders, gateway: Running) -> None:
    """Ends when there is to be drained, or when everybody has left after the word to retire."""
    drain = asyncio.create_task(orders.drain.wait())
    retired = asyncio.create_task(_retired(orders, gateway))
    await asyncio.wait({drain, retired}, return_when=asyncio.FIRST_COMPLETED)
    for task in (drain, retired):
        task.cancel()


async def _retired(orders: Orders, gateway: Running) -> None:
    await orders.retire.wait()
    await gateway.retire()


class Orders:
    """What the supervisor says, heeded by the running loop."""

    def __init__(self, line: Line, metrics: Metrics) -> None:
        self.retire = asyncio.Event()
        self.drain = asyncio.Event()
        self.lost = False  # the supervisor is gone
        self._line = line
        self._figures = metrics.figures
        self._sums: deque[asyncio.Future[Figures]] = deque()
        asyncio.get_running_loop().add_reader(line.fileno(), self._read)

    async def total(self) -> Figures:
        """The sum of all workers' figures. Raises TimeoutError when not all could be had."""
        waiter: asyncio.Future[Figures] = asyncio.get_running_loop().create_future()
        self._sums.append(waiter)
        self._line.say(Word.WANT_SUM)
        async with asyncio.timeout(SUM_SECONDS):
            return await waiter

    def _read(self) -> None:
        letter = self._line.heard()
        if letter is None:
            self.lost = True
            self._end()
            return
        word, figures = letter
        match word:
            case Word.DRAIN:
                self._end()
            case Word.RETIRE:
                self.retire.set()
            case Word.WANT_FIGURES:
                self._line.say(Word.FIGURES, dumped(self._figures()))
            case Word.SUM:
                self._tell(loaded(figures))

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._line.fileno())
        self.drain.set()

    def _tell(self, total: Figures) -> None:
        """Each question gets an answer, in order."""
        waiter = self._sums.popleft()
        if not waiter.done():
            waiter.set_result(total)
