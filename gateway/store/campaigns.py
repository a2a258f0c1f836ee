"""Campaigns: what came of each, the last mailed first.

Rules of this file:

1. What was decided is read from the tallies alone, in which a campaign is its mark; its name is read from the
   details of its mails, unless these were erased.
2. What became of copies, and who objected by its links, is looked for where it can be: among the fates that
   are not "relayed" in its ranges of ids, and among the refusals recorded since its first mail. Both count
   where the mail's details say the campaign's name.
3. Each read is bounded; a campaign for which a bound was met says that it is not whole.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeAlias

from sqlalchemy import Row, Text, and_, column, func, select, text

from gateway.ids import from_ref, time_of
from gateway.oversight import FIRST, Campaign, CampaignKey, CampaignPage
from gateway.store.compiling import unindexed
from gateway.store.mailed_last import Place, mailed_last
from gateway.store.reader import Reader
from gateway.store.spelling import micros
from gateway.store.tables import decision_details, decisions, ledger, ledger_details, tallies

TALLIES = 5000  # of one campaign
NAMED = 50  # mails of one campaign of which one must still have its details
MOST = 5000  # copies of one campaign that were not relayed
REFUSED = 10_000  # refusals of one controller
AT_ONCE = 500  # ids of one read
OBJECTING = timedelta(days=30)  # after its last mail: until then an objection by its links is looked for

_REFUSAL = text("kind IN ('objection', 'withdrawal')")  # as the index ledger_refusals has it

_TALLIES = select(
    tallies.c.hour,
    tallies.c.decision,
    tallies.c.outcome,
    tallies.c.relaxed,
    tallies.c.count.label("number"),
    tallies.c.first,
    tallies.c.last,
)

# Rule 2; SQLite is told in which order to look, since it would walk all of a controller's mail.
_COPIES = text(
    """
    SELECT fates.fate FROM json_each(:ranges) AS ranges
    CROSS JOIN fates INDEXED BY fates_not_relayed
      ON fates.fate <> 'relayed' AND fates.decision
        BETWEEN json_extract(ranges.value, '$[0]') AND json_extract(ranges.value, '$[1]')
    CROSS JOIN decision_details ON decision_details.decision = fates.decision
    CROSS JOIN decisions ON decisions.id = fates.decision
    WHERE decision_details.campaign = :name AND decisions.controller = :controller
    LIMIT :most
    """
)
NOT_RELAYED = select(_COPIES.columns(column("fate", Text)).subquery())

Rows: TypeAlias = Sequence[Row[*tuple[Any, ...]]]


class Campaigns:
    """Reads tallies, journal and ledger, as oversight.Campaigns asks."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def page(self, controllers: Collection[str], before: Place = FIRST, most: int = 25) -> CampaignPage:
        """See oversight.Campaigns.page. Raises StoreUnavailableError."""
        keys, following = await mailed_last(self._reader, controllers, before, most)
        return CampaignPage(await self.of(keys), following)

    async def of(self, keys: Sequence[CampaignKey]) -> list[Campaign]:
        """See oversight.Campaigns.of. Raises StoreUnavailableError."""
        decided = [one for key in keys if (one := await self._decided(key))]
        return await self._with_objections(decided)

    async def _decided(self, key: CampaignKey) -> Campaign | None:
        """All but the objections; None where there is no such campaign."""
        of_it = and_(tallies.c.campaign == key.mark, unindexed(tallies.c.controller) == key.controller)
        rows = await self._reader.rows(_TALLIES.where(of_it).order_by(tallies.c.hour.desc()).limit(TALLIES))
        if not rows:
            return None
        name = await self._name(rows)
        copies = [(row.first, row.last) for row in rows if row.decision == "send" or row.relaxed]
        found = await self._not_relayed(key, name, _joined(copies)) if name is not None else []
        return Campaign(
            key=key,
            name=name,
            first=time_of(min(row.first for row in rows)),
            last=time_of(max(row.last for row in rows)),
            sent=_counted(rows, "send"),
            withheld=_counted(rows, "withhold"),
            relaxed=sum(row.number for row in rows if row.relaxed),
            not_relayed=Counter(found),
            objections=0,
            is_whole=len(rows) < TALLIES and len(found) < MOST,
        )

    async def _name(self, rows: Rows) -> str | None:
        """As one of the first and last mails says it."""
        ids = [number for row in rows[:NAMED] for number in (row.last, row.first)]
        statement = select(decision_details.c.campaign).where(decision_details.c.decision.in_(ids)).limit(1)
        found = await self._reader.rows(statement)
        return found[0][0] if found else None

    async def _not_relayed(self, key: CampaignKey, name: str, ranges: Sequence[tuple[int, int]]) -> list[str]:
        """The fates of its copies but for those that were relayed."""
        wanted = json.dumps(ranges)
        statement = NOT_RELAYED.params(ranges=wanted, name=name, controller=key.controller, most=MOST)
        return [fate for (fate,) in await self._reader.rows(statement)]

    async def _with_objections(self, campaigns: Sequence[Campaign]) -> list[Campaign]:
        """With how many objected by their links, found by one look at the refusals of each controller."""
        counts: Counter[tuple[str, str | None]] = Counter()
        cut: set[str] = set()
        for controller in {one.key.controller for one in campaigns}:
            own = [one for one in campaigns if one.key.controller == controller]
            refused = await self._refused(controller, own)
            counts.update(
                {
                    (controller, name): number
                    for name, number in (await self._named(controller, refused)).items()
                }
            )
            cut |= {controller} if len(refused) == REFUSED else set()
        return [
            replace(
                one,
                objections=counts[one.key.controller, one.name],
                is_whole=one.is_whole and one.key.controller not in cut,
            )
            for one in campaigns
        ]

    async def _refused(self, controller: str, campaigns: Sequence[Campaign]) -> list[str]:
        """Which mails the refusals recorded from the first of these campaigns on say they came by."""
        reference = func.json_extract(ledger_details.c.details, "$.message_reference")
        statement = (
            select(reference)
            .select_from(ledger.outerjoin(ledger_details, ledger_details.c.evidence == ledger.c.id))
            .where(
                _REFUSAL,
                ledger.c.controller == controller,
                ledger.c.recorded_at >= micros(min(one.first for one in campaigns)),
                ledger.c.recorded_at < micros(max(one.last for one in campaigns) + OBJECTING),
            )
            .order_by(ledger.c.recorded_at.desc())
            .limit(REFUSED)
        )
        return [str(said or "") for (said,) in await self._reader.rows(statement)]

    async def _named(self, controller: str, references: Iterable[str]) -> Mapping[str, int]:
        """How many of these mails of one controller each campaign's name is on."""
        found: Counter[str] = Counter()
        ids = Counter(_ids(references))
        for some in _in_parts(list(ids), AT_ONCE):
            statement = select(decision_details.c.decision, decision_details.c.campaign).join(
                decisions,
                and_(
                    decisions.c.id == decision_details.c.decision,
                    unindexed(decisions.c.controller) == controller,  # I8
                ),
            )
            for number, name in await self._reader.rows(
                statement.where(decision_details.c.decision.in_(some))
            ):
                found[name] += ids[number]
        return found


def _counted(rows: Rows, decision: str) -> Mapping[str, int]:
    """How many by ground or reason, most first."""
    found: Counter[str] = Counter()
    for row in rows:
        if row.decision == decision:
            found[row.outcome] += row.number
    return dict(found.most_common())


def _joined(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same ids in ranges that do not overlap."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1]:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return found


def _ids(references: Iterable[str]) -> Iterator[int]:
    """The ids that these references name; whoever types one by hand may be mistaken."""
    for one in references:
        with suppress(ValueError):
            yield from_ref(one)


def _in_parts(items: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), most):
        yield items[start : start + most]
