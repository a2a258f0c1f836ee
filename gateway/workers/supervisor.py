"""The supervisor: starts the workers, watches them, replaces them, and ends when the last has drained.

Rules of this file:

1. It does no work but this: no thread, no loop of asyncio, nothing that a fork would break in its children.
2. Whatever can be wrong at the start is found before the first fork, and at a reload before anything changes.
3. On SIGHUP the next generation serves before the one before it retires; where it cannot, that one stays.
4. At the end whoever takes mail drains first: people can object as long as mail may go.
5. Workers that lose their supervisor leave their places and drain, beside a successor that may be started
   at once: they do not hold the state directory (app.alone), and each claim knows whose it is (I5).
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from time import monotonic
from typing import NoReturn

import structlog

from gateway.app import alone, prepared
from gateway.config import Config, ConfigError
from gateway.listening import Listeners
from gateway.logs import configure_logs
from gateway.metrics import loaded
from gateway.opening import check
from gateway.workers.generation import LONGEST_PAUSE, Generation, Worker, served
from gateway.workers.line import Word, pair
from gateway.workers.summing import Summing
from gateway.workers.worker import work

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
PATIENCE = 5.0  # seconds until workers of a killed supervisor have left their places (rule 5)
FAILED = 3  # contract section 2: a part is down

log = structlog.get_logger()


class ReloadError(Exception):
    """What was read cannot replace what is in force; the message says why."""


def serve(config: Config, again: Callable[[], Config]) -> int:
    """Serve until SIGTERM or SIGINT, then drain; on SIGHUP go on with what `again` reads. The exit status.

    Raises AlreadyServingError, what opening.check raises, and OSError where it cannot listen.
    """
    configure_logs(sys.stderr)
    with alone(config):
        return Supervisor(again).run(_generation(config, None))


def _generation(config: Config, before: Generation | None) -> Generation:
    """A generation that could serve, with the sockets of the one before it where these are the same.

    Raises ReloadError and what `serve` raises.
    """
    if before and _home(config) != _home(before.given.config):
        raise ReloadError("state_dir and store.url take a restart")
    if before and not config.gateway.keys_file.exists():  # at a start alone would it be made
        raise ReloadError(f"{config.gateway.keys_file} is not there")
    check(config)
    given = prepared(config)
    listeners = before.listeners if before else Listeners()
    patience = 0.0 if before else PATIENCE
    return Generation(given, listeners.moved_to(served(config), patience))


def _home(config: Config) -> tuple[str, str]:
    return str(config.gateway.state_dir), config.store.url


class Supervisor:
    """One process, which lives as long as the gateway does."""

    def __init__(self, again: Callable[[], Config]) -> None:
        self._again = again
        self._current: Generation | None = None
        self._next: Generation | None = None  # until all of it serves
        self._workers: dict[int, Worker] = {}  # by process id; those that retire too
        self._summing = Summing()
        self._selector = selectors.DefaultSelector()
        self._told: set[int] = set()  # signals not yet heeded
        self._stopping = False
        self._status = 0

    def run(self, first: Generation) -> int:
        """The exit status, once everything has ended."""
        with self._signals():
            self._start(first)
            while self._workers or not self._stopping:
                self._wait()
                self._heed_signals()
                self._reap()
                self._start_again()
        log.info("stopped")
        return self._status

    # --- what comes in

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Signals end the wait, and are heeded after it."""
        awake, bell = socket.socketpair()
        with awake, bell:
            awake.setblocking(False)
            bell.setblocking(False)
            self._bells = (awake, bell)
            self._selector.register(awake, selectors.EVENT_READ, self._awoken)
            signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
            for number in SIGNALS:
                signal.signal(number, lambda number, _frame: self._told.add(number))
            yield
            signal.set_wakeup_fd(-1)
            self._selector.close()

    def _awoken(self) -> None:
        self._bells[0].recv(4096)

    def _wait(self) -> None:
        pause = self._current.pause(monotonic()) if self._current and not self._stopping else None
        for key, _ in self._selector.select(pause):
            key.data()

    def _heed_signals(self) -> None:
        if self._told & {signal.SIGTERM, signal.SIGINT}:
            self._stop()
        elif signal.SIGHUP in self._told and self._current and not self._next and not self._stopping:
            self._told.discard(signal.SIGHUP)  # one that comes in the midst of a reload waits for its end
            self._reload(self._current)
        self._told.discard(signal.SIGCHLD)

    def _listen(self, worker: Worker) -> None:
        """Heed what a worker says."""
        while True:
            try:
                letter = worker.line.heard()
            except BlockingIOError:
                return
            if letter is None:
                self._selector.unregister(worker.line)
                return
            self._heed(worker, *letter)

    def _heed(self, worker: Worker, word: Word, figures: bytes) -> None:
        match word:
            case Word.READY:
                worker.ready = True
                self._summing.joined(worker.line)
                self._take_turns()
            case Word.FIGURES:
                self._summing.said(worker.line, loaded(figures))
            case Word.WANT_SUM:
                self._summing.wanted(worker.line)

    # --- generations

    def _start(self, generation: Generation) -> None:
        self._next = generation
        for number in range(len(generation.parts)):
            self._fork(generation, number)

    def _reload(self, current: Generation) -> None:
        try:
            self._start(_generation(self._again(), current))
        except Exception as error:  # whatever it is, what is in force stays in force
            for fault in error.faults if isinstance(error, ConfigError) else [repr(error)]:
                log.error("reload refused", fault=str(fault))  # noqa: TRY400 - no trace mends a file
            if self._next:  # not every worker could be forked
                self._abandon(self._next)

    def _take_turns(self) -> None:
        """Once the next generation serves, the one before it retires."""
        if self._next is None or not self._next.is_ready:
            return
        before, self._current, self._next = self._current, self._next, None
        if before:
            before.listeners.close(but=self._current.listeners.sockets)
            for worker in before.workers:
                worker.line.say(Word.RETIRE)
        config = self._current.given.config
        log.info(
            "reloaded" if before else "serving",
            workers=config.gateway.workers,
            smtp=self._current.listeners.addresses("smtp") + self._current.listeners.addresses("smtps"),
            http=self._current.listeners.addresses("http"),
        )

    def _abandon(self, failed: Generation) -> None:
        """The next generation cannot serve: the present one goes on; where there is none, nothing does."""
        self._next = None
        if self._current:
            log.error("reload refused", fault="a new worker could not start")
            failed.listeners.close(but=self._current.listeners.sockets)
            for worker in failed.workers:
                worker.line.say(Word.RETIRE)
        else:
            self._status = FAILED
            failed.listeners.close()
            self._stop()

    def _stop(self) -> None:
        """Let every worker drain."""
        if self._stopping:
            return
        log.info("draining")
        self._stopping = True
        for generation in (self._current, self._next):
            if generation:
                generation.listeners.close()
        self._let_drain()

    def _let_drain(self) -> None:
        """Those who take mail and, once they have ended, the others (rule 4)."""
        workers = self._workers.values()
        for worker in [worker for worker in workers if worker.takes_mail] or workers:
            worker.line.finish()

    # --- processes

    def _start_again(self) -> None:
        if self._current and not self._stopping:
            for number in self._current.take_due(monotonic()):
                try:
                    log.info("worker started again", pid=self._fork(self._current, number))
                except OSError as error:  # no process to be had, or no file
                    log.error("worker not started", fault=str(error))  # noqa: TRY400 - as above
                    self._current.due[number] = monotonic() + LONGEST_PAUSE

    def _fork(self, generation: Generation, number: int) -> int:
        ours, theirs = pair()
        try:
            pid = os.fork()
        except OSError:
            ours.close()
            theirs.close()
            raise
        if pid == 0:
            ours.close()
            self._be_worker(generation, number, partial(work, line=theirs))
        theirs.close()
        worker = Worker(pid, number, generation, ours, monotonic())
        self._workers[pid] = worker
        generation.workers.add(worker)
        self._selector.register(ours, selectors.EVENT_READ, partial(self._listen, worker))
        return pid

    def _be_worker(self, generation: Generation, number: int, task: Callable[..., None]) -> NoReturn:
        """From here on this process is another: it lets go of what is the supervisor's, works and ends."""
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            for told in SIGNALS:
                signal.signal(told, signal.SIG_DFL)
            self._selector.close()  # closed and not unregistered: that would undo it in the supervisor too
            for worker in self._workers.values():
                worker.line.close()  # or its worker would not hear that the supervisor is gone
            share = generation.share(number)
            own = {one for sockets in share.values() for one in sockets}
            for each in (self._current, self._next):
                if each:
                    each.listeners.close(but=own)
            task(generation.given, generation.parts[number], share)
            status = 0
        except BaseException:
            log.critical("worker failed", pid=os.getpid(), exc_info=True)
        finally:
            os._exit(status)  # nothing of the supervisor's own end is the worker's

    def _reap(self) -> None:
        for worker in list(self._workers.values()):
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if pid:
                self._bury(worker, os.waitstatus_to_exitcode(status))

    def _bury(self, worker: Worker, status: int) -> None:
        """A process has ended: hear its last words, and see to it that what it left undone is done."""
        del self._workers[worker.pid]
        worker.generation.workers.discard(worker)
        if worker.line in self._selector.get_map():
            self._listen(worker)
        worker.line.close()
        self._summing.left(worker.line)
        missed = worker.generation is self._current and not self._stopping
        if status or missed:
            log.warning("worker died", pid=worker.pid, status=status)
        if missed:
            worker.generation.lost(worker, monotonic())
        elif worker.generation is self._next and not self._stopping:
            self._abandon(worker.generation)
        if self._stopping:
            self._let_drain()
