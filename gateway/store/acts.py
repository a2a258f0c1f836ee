"""Acts: rows that say what was done to what is on record, each a link in its writer's chain (I7).

erase       controller and person: what was recorded of them by then may lack its details
keep        controller and person; what a legal term keeps of erased rows: {"class", "rows": [{"evidence",
            "until", "reason", "details"}]}
retention   {"class", and one of "ledger": [ids], "acts": [ids], "before": id of a decision}: what lacks
            its details since; the last means every decision and fate before that one. These details
            are never erased: they name nobody, and prove why others are gone.
operator    what somebody did on the admin pages: {"operator": name, "what", ...}; controller and person
            where it was about one, and then it goes with what else is held on them
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.store.chain import Chain
from gateway.store.compiling import Inserting
from gateway.store.spelling import SALT, canonical, digest
from gateway.store.tables import act_details, acts

ERASE, KEEP, RETENTION, OPERATOR = "erase", "keep", "retention", "operator"

_ACT = Inserting(acts)
_ACT_DETAILS = Inserting(act_details)


@dataclass(frozen=True, slots=True)
class Acting:
    """Records acts for one writer."""

    chain: Chain
    number: Callable[[], int]  # makes ids
    entropy: Callable[[int], bytes]

    def record(
        self,
        connection: sqlite3.Connection,
        act: str,
        at: int,
        controller: str,
        person: bytes | None,
        details: Mapping[str, object],
    ) -> int:
        """Record an act inside the transaction under way; its id. `at` is in microseconds."""
        identity, salt = self.number(), self.entropy(SALT)
        row = (identity, at, act, controller, person, digest(salt, details))
        _ACT(connection, [self.chain.linked(acts, row)])
        _ACT_DETAILS(connection, [(identity, salt, canonical(details))])
        return identity
