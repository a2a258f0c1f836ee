"""The doubts of a ledger: people who objected and of whom something newer was recorded (law/doubt.py).

Read in pages along the index of people, each a short read, so that a large ledger holds up no writer
(design section 6).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import literal_column, select

from gateway.law.doubt import Doubtful, doubtful
from gateway.store.ledger import Ledger
from gateway.store.reader import Reader
from gateway.store.tables import ledger, ledger_details

PAGE = 2000  # rows of the ledger looked at in one read
_LAST = b"\xff" * 16


@dataclass(frozen=True, slots=True)
class DoubtfulPerson:
    """One doubt, and whose it is: the address is empty once erased (I7)."""

    controller: str
    address: str
    found: Doubtful


class Doubts:
    """Reads the ledger."""

    def __init__(self, ledger: Ledger, reader: Reader) -> None:
        self._ledger = ledger
        self._reader = reader

    async def of(self, controller: str, known_categories: Mapping[str, str]) -> AsyncIterator[DoubtfulPerson]:
        """Every doubt about people of one controller (I8); `known_categories` as in law/doubt.py.

        Raises StoreUnavailableError.
        """
        first, last = b"", b""
        while last != _LAST:
            last = await self._end_of_page(controller, first)
            objectors = await self._objectors(controller, first, last)
            evidence = await self._ledger.evidence_of_many(controller, objectors)
            found = [one for rows in evidence.values() for one in doubtful(rows, known_categories)]
            addresses = await self._addresses(found)
            for one in found:
                address = addresses.get(one.newer.id) or addresses.get(one.objection.id) or ""
                yield DoubtfulPerson(controller, address, one)
            first = last

    async def _end_of_page(self, controller: str, first: bytes) -> bytes:
        """The person with whom a page that begins after `first` ends."""
        statement = select(ledger.c.person).where(ledger.c.controller == controller, ledger.c.person > first)
        found = await self._reader.rows(statement.order_by(ledger.c.person).limit(1).offset(PAGE - 1))
        return found[0][0] if found else _LAST

    async def _objectors(self, controller: str, first: bytes, last: bytes) -> Collection[bytes]:
        statement = select(ledger.c.person).where(
            ledger.c.controller == controller,
            ledger.c.person > first,
            ledger.c.person <= last,
            ledger.c.kind == literal_column("'objection'"),
        )
        return {person for (person,) in await self._reader.rows(statement)}

    async def _addresses(self, found: Sequence[Doubtful]) -> Mapping[int, str]:
        """The address that each row was recorded with, by the row's id."""
        ids = {number for one in found for number in (one.newer.id, one.objection.id)}
        statement = select(ledger_details.c.evidence, ledger_details.c.address)
        rows = await self._reader.rows(statement.where(ledger_details.c.evidence.in_(ids)))
        return {number: address for number, address in rows}  # noqa: C416 (a Row is no pair to mypy)
