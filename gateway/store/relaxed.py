"""What logins in report mode would have had withheld, from the tallies: no decision is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import func, select

from gateway.store.reader import Reader
from gateway.store.spelling import hour, micros
from gateway.store.tables import tallies


class Relaxed:
    """Counts on the reader's connections."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def by_login(
        self, controllers: Collection[str], since: datetime
    ) -> Mapping[str, Mapping[str, int]]:
        """How many copies each login relayed though withheld, by reason, most first; from that hour on.

        Raises StoreUnavailableError.
        """
        statement = (
            select(tallies.c.login, tallies.c.outcome, func.sum(tallies.c.count))
            .where(
                tallies.c.controller.in_(controllers),  # its key begins with controller and hour
                tallies.c.hour >= hour(micros(since)),
                tallies.c.relaxed == 1,
            )
            .group_by(tallies.c.login, tallies.c.outcome)
            .order_by(tallies.c.login, func.sum(tallies.c.count).desc(), tallies.c.outcome)
        )
        found: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for login, reason, count in await self._reader.rows(statement):
            found[login][reason] = count
        return dict(found)
