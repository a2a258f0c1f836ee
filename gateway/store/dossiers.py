"""All that is held on one person, row by row as stored, with what it takes to check each (GDPR 15, L25).

Rules of this file:

1. Decisions are read before the evidence they rest on, so that none rests on a row that is not in it.
2. Of the journal each read is a bounded part, found by its index: no long read holds up the writer.
3. Beside each row stands the link of its writer's row before it, whoever that is about: links tell nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Table,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
)

from gateway.dossier.records import (
    ActRecord,
    DecisionRecord,
    EvidenceRecord,
    FateRecord,
    OnRecord,
    SealRecord,
    Stored,
)
from gateway.ids import first_at
from gateway.law.packs import PACKS, Pack
from gateway.store.chain import BEGINNING
from gateway.store.configurations import law_of
from gateway.store.evidence import evidence_of
from gateway.store.reader import Reader
from gateway.store.spelling import moment
from gateway.store.tables import (
    act_details,
    acts,
    configurations,
    decision_details,
    decisions,
    fate_details,
    fates,
    ledger,
    ledger_details,
    seals,
)

PAGE = 1000  # decisions of one read
DAYS = 400  # of the journal looked at in one read
AT_ONCE = 500  # rows whose seals are looked for in one read
ROUNDS = 10  # of looking for a row's seal

_NAMES = {table: [one.name for one in table.c][:-1] for table in (ledger, decisions, fates, acts)}


def _before(table: Table) -> ColumnElement[Any]:
    """The link of the row before this one, of the same writer: ids rise within a writer."""
    prior = table.alias()
    link = select(prior.c.link).where(prior.c.writer == table.c.writer)
    if table is fates:  # which have no ids of their own, but an index
        link = link.where(prior.c.n == table.c.n - literal_column("1"))
    else:
        link = link.where(prior.c.id < table.c.id).order_by(prior.c.id.desc())
    return case((table.c.n > literal_column("1"), link.limit(literal_column("1")).scalar_subquery()))


_EVIDENCE = select(
    *ledger.c, _before(ledger), ledger_details.c.salt, ledger_details.c.address, ledger_details.c.details
).select_from(ledger.outerjoin(ledger_details, ledger_details.c.evidence == ledger.c.id))
_ACTS = select(*acts.c, _before(acts), act_details.c.salt, act_details.c.details).select_from(
    acts.outerjoin(act_details, act_details.c.act == acts.c.id)
)
_DECIDED = (*decisions.c, _before(decisions), *list(decision_details.c)[1:])
_CAME = (*fates.c, _before(fates), *list(fate_details.c)[1:])
_DECISIONS = select(*_DECIDED, *_CAME).select_from(
    decisions.outerjoin(decision_details, decision_details.c.decision == decisions.c.id)
    .outerjoin(fates, fates.c.decision == decisions.c.id)
    .outerjoin(fate_details, fate_details.c.decision == decisions.c.id)
)


class Dossiers:
    """Reads the ledger, the journal, the acts and the seals, as dossier.Records asks."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def of(self, controller: str, person: bytes) -> OnRecord:
        """Everything on record for a person of one controller. Raises StoreUnavailableError."""
        decided = await self._decisions(controller, person)
        evidence = [
            _evidence(row)
            for row in await self._reader.rows(
                _EVIDENCE.where(ledger.c.controller == controller, ledger.c.person == person).order_by(
                    ledger.c.place
                )
            )
        ]
        done = [
            _act(row)
            for row in await self._reader.rows(
                _ACTS.where(acts.c.controller == controller, acts.c.person == person).order_by(acts.c.id)
            )
        ]
        sealed = await self._seals(_chained(evidence, decided, done))
        return OnRecord(evidence, decided, done, sealed, await self._old_packs(decided))

    async def _decisions(self, controller: str, person: bytes) -> list[DecisionRecord]:
        """Rule 2: day by day, since the journal's index begins with controller and day."""
        day, last = await self._days(controller)
        found: list[DecisionRecord] = []
        after = 0
        while day <= last:
            end = min(day + DAYS - 1, last)
            page = await self._reader.rows(_of_days(controller, person, range(day, end + 1), after))
            found += map(_decision, page)
            day, after = (page[-1].day, page[-1].id) if len(page) == PAGE else (end + 1, 0)
        return found

    async def _days(self, controller: str) -> tuple[int, int]:
        """The first and the last day of this controller's journal: two index look-ups."""
        days = []
        for edge in (func.min, func.max):
            statement = select(edge(decisions.c.day)).where(decisions.c.controller == controller)
            ((found,),) = await self._reader.rows(statement)
            days.append(found)
        first, last = days
        return (0, -1) if first is None else (first, last)

    async def _old_packs(self, decided: Sequence[DecisionRecord]) -> dict[tuple[str, str], Pack]:
        """The packs that decisions were made under and that this version no longer has, as put on record."""
        under = {
            one.stored.row["configuration"] for one in decided if not _is_ours(one.pack, one.pack_version)
        }
        if not under:
            return {}
        statement = select(configurations.c.content).where(configurations.c.digest.in_(under))
        laws = [law_of(content) for (content,) in await self._reader.rows(statement)]
        packs = [controller.pack for law in laws for controller in law.controllers.values()]
        return {(pack.id, pack.version): pack for pack in packs}

    async def _seals(self, rows: Sequence[tuple[Stored, str, int]]) -> list[SealRecord]:
        """The first seal over each row: of those made after the row, the first that has reached its place."""
        found: dict[int, SealRecord] = {}
        waiting = rows
        for _ in range(ROUNDS):
            following = await self._next_seals({after for _, _, after in waiting})
            next_waiting = []
            reach = {seal.id: _reach(seal) for seal in following.values()}
            for row, stream, after in waiting:
                seal = following.get(after)
                if seal and reach[seal.id].get((row.row["writer"], stream), 0) >= row.row["n"]:
                    found[seal.id] = seal
                elif seal:
                    next_waiting.append((row, stream, seal.id))
            waiting = next_waiting
        return [found[number] for number in sorted(found)]

    async def _next_seals(self, after: set[int]) -> dict[int, SealRecord]:
        """For each of these ids the seal that comes next, if there is one."""
        found = {}
        bounds = sorted(after)
        for start in range(0, len(bounds), AT_ONCE):
            some = json.dumps(bounds[start : start + AT_ONCE])
            for row in await self._reader.rows(_FOLLOWING.params(after=some)):
                bound, *seal = list(row)
                found[bound] = SealRecord(*seal)
        return found


def _of_days(controller: str, person: bytes, within: range, after: int) -> Select[Any]:
    """A page of the decisions of these days that come after that one, with their fates."""
    return (
        _DECISIONS.where(
            decisions.c.controller == controller,
            decisions.c.day.in_(within),
            decisions.c.person == person,
            or_(decisions.c.day > within[0], decisions.c.id > after),
        )
        .order_by(decisions.c.day, decisions.c.id)
        .limit(PAGE)
    )


def _following() -> Select[Any]:
    """For each id of a JSON list the first seal of a greater one."""
    after = func.json_each(bindparam("after")).table_valued("value")
    next_ = seals.alias()
    first = (
        select(next_.c.id)
        .where(next_.c.id > after.c.value)
        .order_by(next_.c.id)
        .limit(literal_column("1"))
        .scalar_subquery()
    )
    return select(after.c.value, *seals.c).select_from(after.join(seals, seals.c.id == first))


_FOLLOWING = _following()


def _is_ours(pack: str, version: str) -> bool:
    return pack in PACKS and PACKS[pack].version == version


def _reach(seal: SealRecord) -> dict[tuple[object, str], Any]:
    """How far it covers each chain: the place of the head, by writer and stream."""
    return {(writer, stream): n for writer, stream, n, _ in json.loads(seal.heads)}


def _chained(
    evidence: Sequence[EvidenceRecord], decided: Sequence[DecisionRecord], done: Sequence[ActRecord]
) -> list[tuple[Stored, str, int]]:
    """Every row, its stream, and an id below which no seal over it can be."""
    own = chain(
        ((one.stored, "ledger", one.fact.id) for one in evidence),
        ((one.stored, "decisions", one.id) for one in decided),
        ((one.stored, "acts", one.id) for one in done),
    )
    came = ((one.fate.stored, "fates", first_at(one.fate.at)) for one in decided if one.fate)
    return [*own, *came]


def _stored(table: Table, found: Sequence[Any], details: Mapping[str, object] | None) -> Stored:
    """The row in `found`, which goes on with its link, the link before and its salt."""
    names = _NAMES[table]
    link, before, salt = found[len(names) : len(names) + 3]
    row = dict(zip(names, found, strict=False))
    return Stored(row, BEGINNING if before is None else before, link, salt, details if salt else None)


def _evidence(found: Row[*tuple[Any, ...]]) -> EvidenceRecord:
    address, text = found[-2:]
    details = json.loads(text) if text is not None else {}
    if address:
        details["address"] = address
    stored = _stored(ledger, found, details)
    row = found._mapping
    fact = evidence_of(row["id"], row["kind"], row["occurred_at"], row["recorded_at"], row["facts"])
    return EvidenceRecord(row["kind"], fact, row["place"], stored)


def _act(found: Row[*tuple[Any, ...]]) -> ActRecord:
    text = found[-1]
    stored = _stored(acts, found, json.loads(text) if text is not None else None)
    return ActRecord(found.id, moment(found.at), found.act, stored)


def _decision(found: Row[*tuple[Any, ...]]) -> DecisionRecord:
    ours, fate = found[: len(_DECIDED)], found[len(_DECIDED) :]
    beside = dict(zip([one.name for one in decision_details.c][2:], ours[-4:], strict=True))
    stored = _stored(decisions, ours, beside)
    row: Mapping[str, Any] = stored.row
    return DecisionRecord(
        id=row["id"],
        submission=row["submission"],
        at=moment(row["decided_at"]),
        login=row["login"],
        category=row["category"],
        category_asked=row["category_asked"],
        channel=row["channel"],
        decision=row["decision"],
        relaxed=bool(row["relaxed"]),
        ground=row["ground"],
        reason=row["reason"],
        evidence=json.loads(row["evidence"]),
        customer=row["customer"],
        pack=row["pack"],
        pack_version=row["pack_version"],
        fate=_fate(fate) if fate[0] is not None else None,
        stored=stored,
    )


def _fate(found: Sequence[Any]) -> FateRecord:
    text = found[-1]
    stored = _stored(fates, found, {"text": text})
    row: Mapping[str, Any] = stored.row
    return FateRecord(
        row["fate"], moment(row["at"]), row["code"], row["enhanced"], row["stage"], text, stored
    )
