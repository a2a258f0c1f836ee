"""One withheld mail: the decision made again from what was on record, so that every test can be told.

Each read is of one row by its key, or of one person by the index of people.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress

from sqlalchemy import select

from gateway.law.packs import PACKS
from gateway.law.record import Law
from gateway.oversight import RestsOn, WithheldEntry, WithheldMail
from gateway.replay import Placed, Recorded, explain
from gateway.store.configurations import law_of
from gateway.store.evidence import COLUMNS, evidence_of
from gateway.store.reader import Reader
from gateway.store.tables import configurations, decision_details, decisions, ledger, ledger_details
from gateway.store.verifying.replaying import DECISIONS, UNREADABLE, recorded_of

_BESIDE = select(decisions.c.configuration, decisions.c.person, decision_details.c.detail).select_from(
    decisions.outerjoin(decision_details, decision_details.c.decision == decisions.c.id)
)


async def explained(reader: Reader, shown: WithheldEntry) -> WithheldMail:
    """All there is to say of it. Raises StoreUnavailableError."""
    (row,) = await reader.rows(DECISIONS.where(decisions.c.id == shown.id))
    ((digest, person, detail),) = await reader.rows(_BESIDE.where(decisions.c.id == shown.id))
    recorded = recorded_of(list(row)[1:])
    law = await _law(reader, digest)
    told = explain(recorded, law, await _placed(reader, recorded.controller, person))
    return WithheldMail(
        shown=shown,
        detail=detail or "",
        channel=recorded.channel,
        pack=recorded.outcome.pack,
        pack_version=recorded.outcome.pack_version,
        article=_article(recorded, law),
        rests_on=await _rests_on(reader, recorded, person),
        explained=told,
        erased=detail is None,
    )


async def _law(reader: Reader, digest: bytes | None) -> Law | None:
    """The configuration it was made under; None where it was not kept, or is another version's."""
    statement = select(configurations.c.content).where(configurations.c.digest == digest)
    for (content,) in await reader.rows(statement) if digest is not None else ():
        with suppress(*UNREADABLE):
            return law_of(content)
    return None


async def _placed(reader: Reader, controller: str, person: bytes) -> Sequence[Placed]:
    statement = select(ledger.c.place, *COLUMNS).where(
        ledger.c.controller == controller, ledger.c.person == person
    )
    return [Placed(place, evidence_of(*row)) for place, *row in await reader.rows(statement)]


async def _rests_on(reader: Reader, recorded: Recorded, person: bytes) -> Sequence[RestsOn]:
    """The rows it names, if they are this person's of this controller (I8), and their proof."""
    statement = (
        select(*COLUMNS, ledger_details.c.details)
        .select_from(ledger.outerjoin(ledger_details, ledger_details.c.evidence == ledger.c.id))
        .where(
            ledger.c.id.in_(recorded.outcome.evidence),
            ledger.c.controller == recorded.controller,
            ledger.c.person == person,
        )
    )
    return [RestsOn(evidence_of(*row), _details(text)) for *row, text in await reader.rows(statement)]


def _details(text: str | None) -> Mapping[str, object] | None:
    return json.loads(text) if text is not None else None


def _article(recorded: Recorded, law: Law | None) -> str | None:
    """Of the pack's version it was made under."""
    outcome = recorded.outcome
    packs = [PACKS[outcome.pack]] if outcome.pack in PACKS else []
    packs += [one.pack for one in law.controllers.values()] if law else []
    for pack in packs:
        if (pack.id, pack.version) == (outcome.pack, outcome.pack_version):
            return pack.articles.get(outcome.reason or "")
    return None
