"""Rows that are put on record together: all of them in one transaction, or none.

Rules of this file:

1. One row that is no evidence keeps out all, and every such row is named with every reason.
2. Refusals come last in the transaction. So one without a time of its own, which means "from now on", also
   binds against a consent that came with it.
3. The same rows twice change nothing but what rule 2 of recording.py says: a refusal is recorded anew once
   a consent came between.
4. A refusal that is recorded new and was made within the last day was said just now, and is confirmed where
   the law asks for that (L31; RD 4 April 2003 art. 2). An older one is loaded history.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from gateway.intake.files import raw_row
from gateway.intake.kinds import REFUSALS
from gateway.intake.recording import Rooms, correction_fault, desk_of, uncounted
from gateway.intake.rows import Accepted, Desk, Rejected, kind_named
from gateway.law.category import Category
from gateway.law.evidence import Objection, Withdrawal
from gateway.objecting import Recorded, refused
from gateway.ports import Appended, Clock, ErasedError, Ledger, NewEvidence

CHECKED_AT_ONCE = 50  # rows, some 2 ms, after which others have their turn
LIVE = timedelta(days=1)  # rule 4

OBJECTED = "optout_used: recorded as an objection to marketing too"


@dataclass(frozen=True, slots=True)
class Taken:
    """A row on record: `new` now, or before.

    A consent without its proof never `counts` (L2), and `note` says why. `dropped` names the fields that
    were not stored (L23).
    """

    id: int
    new: bool
    counts: bool
    note: str
    dropped: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RowFault:
    """Why a row is no evidence; rows are numbered from 0."""

    row: int
    reason: str


class RowsRejectedError(Exception):
    """Nothing was recorded, for at least one row is no evidence."""

    def __init__(self, faults: Sequence[RowFault]) -> None:
        super().__init__("; ".join(f"row {fault.row}: {fault.reason}" for fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class _Checked:
    """A row that is evidence, and the objection that a purchase's row may hold beside (L9)."""

    number: int
    row: Accepted
    is_refusal: bool
    objection: Accepted | None


async def record_together(
    rooms: Rooms,
    controller: str,
    rows: Sequence[Mapping[str, object]],
    confirm: Callable[[Recorded], object] = lambda _recorded: None,
) -> list[Taken]:
    """Put all rows on record, or none; what became of each, in order.

    `confirm` hears of each refusal that was said just now (rule 4); it returns at once and raises nothing.
    Raises RowsRejectedError or StoreUnavailableError: then nothing was recorded.
    """
    desk = desk_of(rooms.config, rooms.keys, controller)
    checked = await _checked(desk, rooms.ledger, rooms.clock, rows)
    ordered = sorted(checked, key=lambda one: one.is_refusal)  # rule 2
    objections = [one.objection.row for one in ordered if one.objection]
    together = [*(one.row.row for one in ordered), *objections]
    try:
        appended = await rooms.ledger.append(together, again=True)
    except ErasedError as error:  # L25
        faults = sorted(
            (RowFault(ordered[place].number, str(error)) for place in error.rows), key=lambda one: one.row
        )
        raise RowsRejectedError(faults) from None
    for row, done in zip(together, appended, strict=True):
        if done.new and (said := _said(row, done)):
            confirm(said)
    categories = rooms.config.categories
    taken = {one.number: _taken(one, done, categories) for one, done in zip(ordered, appended, strict=False)}
    return [taken[one.number] for one in checked]


async def check_together(rooms: Rooms, controller: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Whether `record_together` would take all rows, but for those older than an erasure; records nothing.

    Raises RowsRejectedError or StoreUnavailableError.
    """
    await _checked(desk_of(rooms.config, rooms.keys, controller), rooms.ledger, rooms.clock, rows)


async def _checked(
    desk: Desk, ledger: Ledger, clock: Clock, rows: Sequence[Mapping[str, object]]
) -> list[_Checked]:
    """Every row as evidence. Raises RowsRejectedError (rule 1)."""
    faults: list[RowFault] = []
    sound: list[_Checked] = []
    for number, row in enumerate(rows):
        if number % CHECKED_AT_ONCE == 0:
            await asyncio.sleep(0)
        raw, now = raw_row(number, row), clock.now()
        accepted = desk.check(raw, now)
        if isinstance(accepted, Rejected):
            faults.append(RowFault(number, accepted.reason))
        elif fault := await correction_fault(ledger, accepted.row):
            faults.append(RowFault(number, fault))
        else:
            is_refusal = kind_named(raw) in REFUSALS
            objection = None if is_refusal else desk.refusal(raw, now)
            sound.append(_Checked(number, accepted, is_refusal, objection))
    if faults:
        raise RowsRejectedError(faults)
    return sound


def _said(row: NewEvidence, appended: Appended) -> Recorded | None:
    """Rule 4; None for any other row."""
    fact = row.fact
    if not isinstance(fact, Objection | Withdrawal) or fact.recorded_at - fact.occurred_at > LIVE:
        return None
    return Recorded(
        id=appended.id,
        new=appended.new,
        controller=row.controller,
        scope=refused(fact),
        at=fact.recorded_at,
        address=str(row.details["address"]),
        person=row.person,
    )


def _taken(checked: _Checked, appended: Appended, categories: Mapping[str, Category]) -> Taken:
    lacks = uncounted(checked.row, categories)
    return Taken(
        id=appended.id,
        new=appended.new,
        counts=not lacks,
        note=lacks or (OBJECTED if checked.objection else ""),
        dropped=checked.row.dropped,
    )
