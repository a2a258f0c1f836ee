"""The order in which rows take effect, and what came of them.

Rules of this file:

1. Refusals take effect before anything else in a file (contract section 6): it is read twice, and the first
   pass records refusals alone.
2. The same file twice changes nothing: a row already on record is not appended again. The one exception is
   the safe one: a refusal without a time of its own means "from now on", so one that a newer consent has
   lifted meanwhile is recorded anew.
3. Transactions are short, with a pause between, since a gateway may be at work on the same store
   (design section 6). Reading and checking the rows of the next one is that pause.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeAlias

from gateway.config import Config
from gateway.grants import known_categories
from gateway.intake.fields import RawRow
from gateway.intake.files import EvidenceFile, raw_row
from gateway.intake.kinds import REFUSALS
from gateway.intake.rows import Accepted, Desk, Rejected, kind_named
from gateway.keys import Keys
from gateway.law.case import is_for, is_proven
from gateway.law.category import Category
from gateway.law.evidence import Consent, kind_of
from gateway.ports import Appended, Clock, ErasedError, Ledger, NewEvidence

LEAST_BATCH, LARGEST_BATCH = 128, 512  # rows; fewer would be no shorter, for the disk takes its time anyway
SHORT = 0.020  # seconds a transaction may last (design section 6)
UNCONFIRMED = "unconfirmed: the category asks for confirmed_at (double opt-in)"
MOST_DROPPED = 1000  # column names that are kept to be told

Passes: TypeAlias = Callable[[], Iterable[RawRow]]
OnReject: TypeAlias = Callable[[RawRow, str], None]


class Rooms(Protocol):
    """What this story asks of the house."""

    @property
    def config(self) -> Config:
        """Whose categories there are."""
        ...

    @property
    def keys(self) -> Keys:
        """What hashes people."""
        ...

    @property
    def ledger(self) -> Ledger:
        """Where evidence goes."""
        ...

    @property
    def clock(self) -> Clock:
        """When it is recorded."""
        ...


@dataclass(slots=True)
class Imported:
    """What came of the rows.

    `unproven` counts the consents taken without proof, `unconfirmed` by category those that lack the
    confirmation it asks for: neither count (L2).
    """

    imported: int = 0
    unchanged: int = 0
    rejected: int = 0
    unproven: int = 0
    unconfirmed: Counter[str] = field(default_factory=Counter)
    dropped: dict[str, None] = field(default_factory=dict)

    @property
    def dropped_columns(self) -> tuple[str, ...]:
        """The names of fields that were not stored, in the order they were met."""
        return tuple(self.dropped)

    def count(self, appended: Appended) -> None:
        """One more row is on record."""
        self.imported += appended.new
        self.unchanged += not appended.new

    def drop(self, names: Iterable[str]) -> None:
        """Name fields that were not taken."""
        for name in names:
            if name not in self.dropped and len(self.dropped) < MOST_DROPPED:
                self.dropped[name] = None


def desk_of(config: Config, keys: Keys, controller: str) -> Desk:
    """The desk of one controller: its own categories alone (I8)."""
    return Desk(controller, known_categories(config, controller), keys)


async def import_file(
    rooms: Rooms,
    controller: str,
    file: EvidenceFile | Path,
    *,
    on_reject: OnReject = lambda _row, _reason: None,
) -> Imported:
    """Put a file's rows on record. `on_reject` hears of each row that is not, and why.

    Raises FileError or StoreUnavailableError; what was recorded by then stays, and is unchanged next time.
    """
    opened = EvidenceFile(file) if isinstance(file, Path) else file
    desk = desk_of(rooms.config, rooms.keys, controller)
    laws = rooms.config.categories
    return await _record(desk, laws, rooms.ledger, opened.rows, rooms.clock.now, on_reject)


async def record(
    rooms: Rooms, controller: str, rows: Sequence[Mapping[str, object]], now: datetime
) -> Imported:
    """Put rows on record, as an import would. Raises StoreUnavailableError."""
    raw = [raw_row(number, row) for number, row in enumerate(rows, 1)]
    desk = desk_of(rooms.config, rooms.keys, controller)
    laws = rooms.config.categories
    return await _record(desk, laws, rooms.ledger, lambda: raw, lambda: now, lambda _row, _reason: None)


async def _record(
    desk: Desk,
    categories: Mapping[str, Category],
    ledger: Ledger,
    passes: Passes,
    now: Callable[[], datetime],
    on_reject: OnReject,
) -> Imported:
    report = Imported()
    await _refusals(desk, ledger, passes(), now, report)
    async for accepted in _others(desk, ledger, passes(), now, on_reject, report):
        report.unproven += bool(accepted.note)
        if uncounted(accepted, categories) == UNCONFIRMED and isinstance(accepted.row.fact, Consent):
            report.unconfirmed[accepted.row.fact.category] += 1
    return report


def uncounted(accepted: Accepted, categories: Mapping[str, Category]) -> str:
    """Why a consent does not count (L2); empty where it does."""
    fact = accepted.row.fact
    if accepted.note or not isinstance(fact, Consent):
        return accepted.note
    own = (one for one in categories.values() if is_for(fact.category, one))
    proven = all(is_proven(fact, one, fact.recorded_at) for one in own)
    return "" if proven else UNCONFIRMED


async def _refusals(
    desk: Desk, ledger: Ledger, rows: Iterable[RawRow], now: Callable[[], datetime], report: Imported
) -> None:
    """The first pass (rule 1). A purchase's own objection is not counted: its row is, in the second."""
    found = ((raw, desk.refusal(raw, now())) for raw in rows)
    refusals = ((raw, accepted) for raw, accepted in found if accepted is not None)
    async for raw, accepted, appended in _appended(ledger, refusals):
        if not appended.new and not accepted.dated:
            appended = await _bound_anew(ledger, accepted, appended)
        if kind_named(raw) in REFUSALS:
            report.count(appended)
            report.drop(accepted.dropped)


async def _bound_anew(ledger: Ledger, accepted: Accepted, known: Appended) -> Appended:
    """Rule 2, the exception: the refusal again, if a consent that came after it may have lifted it."""
    row = accepted.row
    facts = await ledger.evidence(row.controller, row.person)
    refused_at = next((fact.occurred_at for fact in facts if fact.id == known.id), None)
    if refused_at is None or not any(
        isinstance(fact, Consent) and fact.occurred_at > refused_at for fact in facts
    ):
        return known
    (appended,) = await ledger.append([row], again=True)
    return appended


async def _others(
    desk: Desk,
    ledger: Ledger,
    rows: Iterable[RawRow],
    now: Callable[[], datetime],
    on_reject: OnReject,
    report: Imported,
) -> AsyncIterator[Accepted]:
    """The second pass: everything but refusals, each as it is on record; and every row that is rejected."""

    def reject(raw: RawRow, reason: str) -> None:
        report.rejected += 1
        report.drop(raw.dropped)
        on_reject(raw, reason)

    def sound() -> Iterator[tuple[RawRow, Accepted]]:
        for raw in rows:
            checked = desk.check(raw, now())
            if isinstance(checked, Rejected):
                reject(raw, checked.reason)
            elif kind_named(raw) not in REFUSALS:
                yield raw, checked

    async for _raw, accepted, appended in _appended(ledger, sound(), reject):
        report.count(appended)
        report.drop(accepted.dropped)
        yield accepted


async def _appended(
    ledger: Ledger, rows: Iterator[tuple[RawRow, Accepted]], reject: OnReject | None = None
) -> AsyncIterator[tuple[RawRow, Accepted, Appended]]:
    """Commit the rows in short transactions (rule 3), and give each back with what became of it."""
    clock = asyncio.get_running_loop()
    size = LEAST_BATCH
    while batch := list(islice(rows, size)):
        if reject is not None:
            batch = [
                (raw, accepted)
                for raw, accepted in batch
                if accepted.row.fact.corrects is None or await _may_correct(ledger, raw, accepted, reject)
            ]
        started = clock.time()
        appended = await _append(ledger, batch, reject)
        took = clock.time() - started
        size = max(LEAST_BATCH, size // 2) if took > SHORT else min(size * 2, LARGEST_BATCH)
        for (raw, accepted), done in zip(batch, appended, strict=True):
            yield raw, accepted, done


async def _append(
    ledger: Ledger, batch: list[tuple[RawRow, Accepted]], reject: OnReject | None
) -> list[Appended]:
    """Append the rows; those older than the erasure of their person are taken out, and rejected (L25)."""
    while True:
        try:
            return await ledger.append([accepted.row for _, accepted in batch])
        except ErasedError as error:
            for place in reversed(error.rows):
                raw, _ = batch.pop(place)
                if reject is not None:
                    reject(raw, str(error))


async def _may_correct(ledger: Ledger, raw: RawRow, accepted: Accepted, reject: OnReject) -> bool:
    """Whether the row is no correction, or one that may be made."""
    fault = await correction_fault(ledger, accepted.row)
    if fault:
        reject(raw, fault)
    return not fault


async def correction_fault(ledger: Ledger, row: NewEvidence) -> str:
    """What is wrong with a correction: it names an older row of the same person, controller and kind.

    That is law.md section 3. Empty when nothing is. Raises StoreUnavailableError.
    """
    if row.fact.corrects is None:
        return ""
    older = await ledger.find(row.controller, row.person, row.fact.corrects)
    if older is not None and kind_of(older) == kind_of(row.fact):
        return ""
    return f"corrects: no {kind_of(row.fact)} of this person has the id {row.fact.corrects}"
