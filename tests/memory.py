"""A ledger in memory that keeps the promises of ports.Ledger, and a clock that stands until it is set."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from gateway.law.evidence import Consent, Evidence
from gateway.ports import Appended, NewEvidence, Proof, StoreUnavailableError


@dataclass(slots=True)
class StandingClock:
    """The time, as the test says it is."""

    present: datetime = datetime(2026, 11, 21, 18, 17, tzinfo=UTC)

    def now(self) -> datetime:
        """The moment it was set to."""
        return self.present

    def advance(self, **delta: float) -> None:
        """Let time pass."""
        self.present += timedelta(**delta)


@dataclass
class MemoryLedger:
    """Append-only evidence; with `down` it is a store that fails."""

    rows: list[tuple[int, NewEvidence]] = field(default_factory=list)
    down: bool = False

    async def append(self, rows: Sequence[NewEvidence], *, again: bool = False) -> list[Appended]:
        """As ports.Ledger.append."""
        self._check()
        return [self._append(row, again) for row in rows]

    async def evidence(
        self, controller: str, person: bytes, recorded_by: datetime | None = None
    ) -> list[Evidence]:
        """As ports.Ledger.evidence."""
        self._check()
        return [
            replace(row.fact, id=number)
            for number, row in self.rows
            if (row.controller, row.person) == (controller, person)
            and (recorded_by is None or row.fact.recorded_at <= recorded_by)
        ]

    async def find(self, controller: str, person: bytes, number: int) -> Evidence | None:
        """As ports.Ledger.find."""
        return next((one for one in await self.evidence(controller, person) if one.id == number), None)

    async def proofs(self, controller: str, person: bytes, numbers: Collection[int]) -> list[Proof]:
        """As ports.ProvenLedger.proofs."""
        sources = {number: row.details.get("source") for number, row in self.rows}
        return [
            Proof(fact, sources[fact.id])
            for fact in await self.evidence(controller, person)
            if fact.id in numbers
        ]

    def _append(self, row: NewEvidence, again: bool) -> Appended:
        equal = [number for number, known in self.rows if known.content == row.content]
        if equal and not (again and self._consented_since(row, equal[-1])):
            return Appended(equal[-1], new=False)
        self.rows.append((len(self.rows) + 1, row))
        return Appended(len(self.rows), new=True)

    def _consented_since(self, row: NewEvidence, number: int) -> bool:
        return any(
            isinstance(known.fact, Consent) and known.person == row.person
            for later, known in self.rows
            if later > number
        )

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailableError("the disk is full")
