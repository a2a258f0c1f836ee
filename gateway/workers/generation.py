"""A configuration with the sockets for it, its workers, and which of them are to be started again when."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.app import Prepared, places
from gateway.config import Config
from gateway.listening import MAIL, PAGES, Listeners, Place, Sockets
from gateway.workers.line import Line

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds before a dead worker is started again
SOUND_SECONDS = 60.0  # a worker that lived so long does not count as failing again and again


class Part(NamedTuple):
    """What one worker serves: these services, as the `number`th of so many who do, counted from 0."""

    services: frozenset[str]
    number: int
    among: int


def parts(config: Config) -> list[Part]:
    """The workers there are to be: beside those who take mail one for the pages, which wait for no mail."""
    workers = config.gateway.workers
    return [*(Part(MAIL, number, workers) for number in range(workers)), Part(PAGES, 0, 1)]


def served(config: Config) -> dict[Place, int]:
    """Where it listens, and how many workers serve each place."""
    return {place: sum(place.service in part.services for part in parts(config)) for place in places(config)}


@dataclass(slots=True, eq=False)
class Worker:
    """A process, as its supervisor sees it."""

    pid: int
    number: int  # its place among the workers of its generation
    generation: Generation
    line: Line  # our end
    started: float  # of time.monotonic()
    ready: bool = False

    @property
    def takes_mail(self) -> bool:
        """Whether clients may have mail under way with it."""
        return not self.generation.parts[self.number].services.isdisjoint(MAIL)


@dataclass(slots=True, eq=False)
class Generation:
    """Workers of one configuration."""

    given: Prepared
    listeners: Listeners
    workers: set[Worker] = field(default_factory=set)
    due: dict[int, float] = field(default_factory=dict)  # when to start whom again, of time.monotonic()
    _deaths: dict[int, int] = field(default_factory=dict)  # in a row, by number

    @property
    def parts(self) -> list[Part]:
        """The workers there are to be, by number."""
        return parts(self.given.config)

    @property
    def is_ready(self) -> bool:
        """Whether every worker serves."""
        return sum(worker.ready for worker in self.workers) == len(self.parts)

    def share(self, number: int) -> dict[Place, Sockets]:
        """The sockets of the worker of that number."""
        return self.listeners.share(*self.parts[number])

    def lost(self, worker: Worker, now: float) -> None:
        """A worker ended unasked: start another, later each time in a row."""
        deaths = 0 if now - worker.started >= SOUND_SECONDS else self._deaths.get(worker.number, 0)
        self._deaths[worker.number] = deaths + 1
        self.due[worker.number] = now + min(FIRST_PAUSE * 2**deaths, LONGEST_PAUSE)

    def take_due(self, now: float) -> list[int]:
        """Whom to start again now."""
        numbers = [number for number, moment in self.due.items() if moment <= now]
        for number in numbers:
            del self.due[number]
        return numbers

    def pause(self, now: float) -> float | None:
        """Seconds until somebody is to be started again; None when nobody is."""
        return max(min(self.due.values()) - now, 0) if self.due else None
