"""`log --doubts`: what an officer should look at, and nothing acts on."""

from __future__ import annotations

import csv
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from gateway.commands.terminal import Format, guarded, printable, tell, tell_json
from gateway.config import Config
from gateway.opening import Rooms, rooms
from gateway.store.doubts import DoubtfulPerson
from gateway.store.log import Filters


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A person's objection, and what was recorded after it; times are ISO 8601."""

    doubt: str
    controller: str
    address: str  # empty once erased
    objection: int  # id
    scope: str
    objected_at: str
    objection_recorded_at: str
    evidence: int  # id
    occurred_at: str
    recorded_at: str


async def tell_doubts(config: Config, filters: Filters, form: Format) -> None:
    """Print every doubt recorded in the period of the filters, controller by controller."""
    show = _printer(form)
    left = filters.limit
    async with rooms(config) as place:
        async for one in _doubts(config, place):
            if left == 0:
                return
            if _within(one.found.newer.recorded_at, filters):
                show(_line(one))
                left = left - 1 if left is not None else None


async def _doubts(config: Config, place: Rooms) -> AsyncIterator[DoubtfulPerson]:
    for controller in config.controllers:
        known = {
            name: category.id
            for category in config.categories.values()
            if category.controller == controller
            for name in (category.id, *category.formerly)
        }
        async for one in place.store.doubts.of(controller, known):
            yield one


def _within(moment: datetime, filters: Filters) -> bool:
    since, until = filters.since, filters.until
    return (since is None or since <= moment) and (until is None or moment < until)


def _line(one: DoubtfulPerson) -> _Line:
    objection, newer = one.found.objection, one.found.newer
    return _Line(
        doubt=one.found.doubt.value,
        controller=one.controller,
        address=one.address,
        objection=objection.id,
        scope=objection.scope,
        objected_at=objection.occurred_at.isoformat(),
        objection_recorded_at=objection.recorded_at.isoformat(),
        evidence=newer.id,
        occurred_at=newer.occurred_at.isoformat(),
        recorded_at=newer.recorded_at.isoformat(),
    )


def _printer(form: Format) -> Callable[[_Line], None]:
    if form is Format.JSON:
        return lambda line: tell_json(asdict(line))
    if form is Format.CSV:
        out = csv.writer(sys.stdout, lineterminator="\n")
        out.writerow(_Line.__dataclass_fields__)
        return lambda line: out.writerow([guarded(str(value)) for value in asdict(line).values()])
    tell(
        f"{'recorded':20} {'doubt':24} {'evidence':19} {'objection':19} {'objected':20} {'scope':20} address"
    )
    return lambda line: tell(
        printable(
            f"{line.recorded_at[:19] + 'Z':20} {line.doubt:24} {line.evidence:<19} {line.objection:<19} "
            f"{line.objected_at[:19] + 'Z':20} {line.scope:20} {line.address or '(erased)'}"
        )
    )
