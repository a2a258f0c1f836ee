"""Before a campaign: what would be decided on everybody of a list, recording nothing.

    addresses -> mailboxes -> evidence of many people, in one read -> Decision each

The answer holds for the moment it is given: just before each copy the gateway decides anew (I3).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Protocol

from gateway.address import AddressError, Mailbox, parse
from gateway.intake.fields import RawRow, is_blank
from gateway.keys import Keys
from gateway.law.category import Category, Controller
from gateway.law.decision import Decision, decide
from gateway.law.evidence import Channel, Evidence
from gateway.law.standing import standing_of

PEOPLE = 500  # read in one statement: some 20 ms of work, in parts between which others have their turn


class Records(Protocol):
    """Where the evidence of many people is read at once."""

    async def evidence_of_many(
        self, controller: str, people: Collection[bytes]
    ) -> Mapping[bytes, Sequence[Evidence]]:
        """The facts on record for each of these people, oldest first; who has none is left out."""
        ...


@dataclass(frozen=True, slots=True)
class Mail:
    """The mail in question, the same for everybody; `known_categories` as in ports.Wave."""

    controller: Controller
    category: Category | None
    channel: Channel
    known_categories: frozenset[str]


@dataclass(frozen=True, slots=True)
class Checked:
    """One line of a list: the decision, or the fault for which there is none."""

    line: int
    address: str  # as it was written
    decision: Decision | None
    fault: str = ""


async def decisions_for(
    records: Records, keys: Keys, mail: Mail, mailboxes: Sequence[Mailbox], now: datetime
) -> list[Decision]:
    """One decision per mailbox, in order, on what is on record now. Raises StoreUnavailableError."""
    decisions: list[Decision] = []
    for start in range(0, len(mailboxes), PEOPLE):
        decisions += await _decisions(records, keys, mail, mailboxes[start : start + PEOPLE], now)
    return decisions


async def _decisions(
    records: Records, keys: Keys, mail: Mail, mailboxes: Sequence[Mailbox], now: datetime
) -> list[Decision]:
    controller = mail.controller.id
    people = [keys.hash(controller, mailbox.comparable) for mailbox in mailboxes]
    evidence = await records.evidence_of_many(controller, set(people))  # I8
    return [
        decide(
            mail.category,
            mail.controller,
            mail.channel,
            standing_of(
                evidence.get(person, ()),
                local_part=mailbox.local_part,
                known_categories=mail.known_categories,
            ),
            now,
        )
        for person, mailbox in zip(people, mailboxes, strict=True)
    ]


async def precheck(
    records: Records, keys: Keys, mail: Mail, rows: Iterable[RawRow], now: datetime
) -> AsyncIterator[Checked]:
    """Every row of a list in order, whatever its length in the same memory. Raises StoreUnavailableError."""
    waiting = iter(rows)
    while batch := [(raw, _mailbox(raw)) for raw in islice(waiting, PEOPLE)]:
        mailboxes = [mailbox for _, mailbox in batch if isinstance(mailbox, Mailbox)]
        decisions = iter(await _decisions(records, keys, mail, mailboxes, now))
        for checked in _checked(batch, decisions):
            yield checked


def _checked(batch: list[tuple[RawRow, Mailbox | str]], decisions: Iterator[Decision]) -> Iterator[Checked]:
    for raw, mailbox in batch:
        if isinstance(mailbox, Mailbox):
            yield Checked(raw.line, mailbox.wire, next(decisions))
        else:
            yield Checked(raw.line, str(raw.fields.get("email") or ""), None, mailbox)


def _mailbox(raw: RawRow) -> Mailbox | str:
    """The mailbox of a row, or what is wrong with it."""
    text = raw.fields.get("email")
    if raw.fault:
        return raw.fault
    if not isinstance(text, str) or is_blank(text):
        return "email is missing"
    try:
        return parse(text.strip())
    except AddressError as error:
        return str(error)
