"""What the store holds on one person for one controller, each row also as it is stored, to be checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gateway.law.evidence import Evidence
from gateway.law.packs import Pack


@dataclass(frozen=True, slots=True)
class Stored:
    """A row as it is stored, and what its link and its digest are made from."""

    row: Mapping[str, object]  # every column before `link`, in their order
    before: bytes  # the link of the row before it in its writer's chain
    link: bytes
    salt: bytes | None  # None: details and salt were erased (I7)
    details: Mapping[str, object] | None  # what `digest` is of, with the salt


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """A fact of the ledger."""

    kind: str
    fact: Evidence
    place: int  # among this person's, from 1
    stored: Stored


@dataclass(frozen=True, slots=True)
class FateRecord:
    """What became of a copy; `text` is the smarthost's, None once erased."""

    fate: str
    at: datetime
    code: int
    enhanced: str
    stage: str
    text: str | None
    stored: Stored


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord:
    """A decision of the journal, and the fate of its copy."""

    id: int
    submission: int
    at: datetime
    login: str
    category: str | None
    category_asked: str | None
    channel: str
    decision: str  # send or withhold
    relaxed: bool  # withheld, yet relayed by report mode
    ground: str | None
    reason: str | None
    evidence: Sequence[int]
    customer: str | None
    pack: str
    pack_version: str
    fate: FateRecord | None
    stored: Stored


@dataclass(frozen=True, slots=True)
class ActRecord:
    """What an operator did that was about this person."""

    id: int
    at: datetime
    act: str
    stored: Stored


@dataclass(frozen=True, slots=True)
class SealRecord:
    """A signature over heads of chains, as stored; `at` in microseconds."""

    id: int
    at: int
    writer: int
    heads: str
    key: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class OnRecord:
    """All that is held on a person for one controller, oldest first."""

    evidence: Sequence[EvidenceRecord] = ()
    decisions: Sequence[DecisionRecord] = ()
    acts: Sequence[ActRecord] = ()
    seals: Sequence[SealRecord] = ()  # those that cover the rows above
    old_packs: Mapping[tuple[str, str], Pack] = field(
        default_factory=dict
    )  # by id and version: no longer ours


class Records(Protocol):
    """Where it is read."""

    async def of(self, controller: str, person: bytes) -> OnRecord:
        """Everything on record for a person of one controller (I8). Raises StoreUnavailableError."""
        ...
