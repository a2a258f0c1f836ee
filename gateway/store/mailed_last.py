"""Which campaigns were mailed last: found by reading the tallies back from now, hour by hour.

A campaign stands where its newest hour is, and in that hour at its last decision. So pages stand still while
mail goes on, and none is shown twice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

from sqlalchemy import LargeBinary, Select, Text, column, literal_column, select, values

from gateway.oversight import CampaignKey
from gateway.store.reader import Reader
from gateway.store.tables import tallies

LOOKED = 5000  # tallies of one controller looked at in one read
READS = 10  # for a page
AT_ONCE = 500  # campaigns of one read

Place: TypeAlias = tuple[int, int]  # an hour since 1970, and the id of a decision in it


async def mailed_last(
    reader: Reader, controllers: Collection[str], before: Place, most: int
) -> tuple[list[CampaignKey], Place | None]:
    """At most so many, newest first, and the place before which there are more; None: there are no more.

    Where too much had to be looked at there are fewer. Raises StoreUnavailableError.
    """
    found: dict[CampaignKey, Place] = {}
    end: Place | None = before
    for _ in range(READS):
        assert end is not None  # noqa: S101 - else there was nothing left to read
        some, left = await _places(reader, controllers, end)
        found |= await _those_newest_there(reader, some)
        in_order = sorted(found, key=lambda key: found[key], reverse=True)
        if len(in_order) > most:
            return in_order[:most], found[in_order[most - 1]]
        end = left
        if end is None:
            break
    return in_order, end


async def _places(
    reader: Reader, controllers: Collection[str], before: Place
) -> tuple[dict[CampaignKey, Place], Place | None]:
    """The newest place before that one of each campaign met, as far back as every controller was read."""
    found: dict[CampaignKey, Place] = {}
    latest = before[0] if before[1] else before[0] - 1
    full = -1  # hours after this one were read whole
    for controller in controllers:
        statement = (
            select(tallies.c.hour, tallies.c.campaign, tallies.c.last)
            .where(tallies.c.controller == controller, tallies.c.hour <= latest)
            .order_by(tallies.c.hour.desc())
            .limit(LOOKED)
        )
        rows = await reader.rows(statement)
        for hour, mark, last in rows:
            key, place = CampaignKey(controller, mark), (hour, last)
            if mark and found.get(key, place)[0] == hour:
                found[key] = max(found.get(key, place), place)
        if len(rows) == LOOKED:
            full = max(full, min(rows[-1].hour, latest - 1))  # each read gets on
    some = {key: place for key, place in found.items() if full < place[0] and place < before}
    return some, (full + 1, 0) if full >= 0 else None


async def _those_newest_there(reader: Reader, found: dict[CampaignKey, Place]) -> dict[CampaignKey, Place]:
    """Without those that were mailed in a later hour: they stand there."""
    newest: dict[CampaignKey, Place] = {}
    keys = list(found)
    for start in range(0, len(keys), AT_ONCE):
        for row in await reader.rows(_newest_hours(keys[start : start + AT_ONCE])):
            key = CampaignKey(row.controller, row.mark)
            if row.hour == found[key][0]:
                newest[key] = found[key]
    return newest


def _newest_hours(keys: Sequence[CampaignKey]) -> Select[Any]:
    """The newest hour of each, by one look-up in the index of campaigns."""
    asked = (
        values(column("controller", Text), column("mark", LargeBinary), name="asked")
        .data([(key.controller, key.mark) for key in keys])
        .cte("asked")
    )
    newest = (
        select(tallies.c.hour)
        .where(tallies.c.campaign == asked.c.mark, tallies.c.controller == asked.c.controller)
        .order_by(tallies.c.hour.desc())
        .limit(literal_column("1"))
        .scalar_subquery()
    )
    return select(asked.c.controller, asked.c.mark, newest.label("hour"))
