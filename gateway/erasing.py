"""The story of an erasure: a person asks to be forgotten (GDPR 17, L25).

    mailbox -> keyed hash -> what is held -> act on record -> details gone -> files purged -> Erased

Rules of this file (I7):

1. The act comes first: from its commit on, older evidence is not taken any more, and details that lack are
   accounted for. Whoever finds details older than it sees an erasure that was cut off; a second one ends it.
2. Rows stay, as keyed hashes and digests; so does every refusal, with its own time.
3. What is gone proves nothing any more (L2): a consent or purchase without its details must not let mail
   through, nor a word of the register that somebody is not on it a call (L28). So a withdrawal of everything
   goes on record with the act, unless one closes all that is there.
4. A legal term keeps what it needs and no more: named details of rows of its class, never the address, and
   nothing that spells it. They move from the row to an act that says why, and until when.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote, unquote

from gateway.address import Mailbox
from gateway.config import Config
from gateway.keys import Keys
from gateway.law.evidence import ALL, Consent, Evidence, Objection, Purchase, Register, Withdrawal, kind_of
from gateway.law.terms import begins, stopped
from gateway.ports import Clock, NewEvidence, StoreUnavailableError

PASSES = 5  # over what is held; each finds only what came in during the one before
PAUSE = 0.2  # seconds between looks at mail under way
PATIENCE = 30.0  # seconds, for readers to leave and for mail under way

# What a legal term on a class needs of its rows: where the record is, and what was agreed to. No more.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "consent": ("source", "wording", "wording_version"),
    "purchase": ("source", "reference"),
    "notice": ("source", "wording"),
    "contact": ("source",),
    "register": ("source",),
}


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A row of evidence; `details` stand beside it, None once they are gone."""

    fact: Evidence
    details: Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What a legal term keeps of an erased row: without address, `until` then, for that `reason`."""

    evidence: int
    kind: str
    until: datetime
    reason: str
    details: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Held:
    """What is held on a person of one controller."""

    rows: Sequence[HeldRow]
    rested: Mapping[int, datetime]  # the last decision that rests on a row, by the row's id
    mail: Sequence[int]  # decisions with details beside them or their fate
    acts: Sequence[int]  # with details that are not kept for a legal term
    kept: Sequence[Kept]  # by earlier erasures
    under_way: bool  # a copy is being relayed now

    @property
    def evidence(self) -> list[HeldRow]:
        """The rows that have details."""
        return [row for row in self.rows if row.details is not None]

    @property
    def has_details(self) -> bool:
        """Whether there is something to erase."""
        return bool(self.evidence or self.mail or self.acts)

    @property
    def is_bare(self) -> bool:
        """Whether nothing is left to erase, nor can come."""
        return not (self.has_details or self.under_way)


class Erasure(Protocol):
    """What this story asks of the store. Everything raises StoreUnavailableError."""

    async def held(self, controller: str, person: bytes, now: datetime) -> Held:
        """What is held on a person."""
        ...

    async def begin(
        self,
        controller: str,
        person: bytes,
        at: datetime,
        details: Mapping[str, object],
        closing: NewEvidence | None,
    ) -> None:
        """Record the act, and with it the row that closes what would permit mail; forget kept answers."""
        ...

    async def erase(
        self, controller: str, person: bytes, at: datetime, held: Held, kept: Sequence[Kept]
    ) -> None:
        """Delete the details that are held, with their salts, and record what is kept of them."""
        ...

    async def purge(self, patience: float) -> bool:
        """Whether nothing that was deleted is left in any file, within so many seconds."""
        ...


class Rooms(Protocol):
    """What this story asks of the house."""

    @property
    def config(self) -> Config: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def erasure(self) -> Erasure: ...


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased of a person by one controller, and what stays and why.

    The counts are of rows that lost their details; `refusals` of those that bind on, as a keyed hash.
    `complete` is false when an open reader or mail under way kept it from being ended: run it again.
    """

    controller: str
    at: datetime
    evidence: int
    mail: int
    acts: int
    refusals: int
    kept: tuple[Kept, ...]
    complete: bool


async def erase(
    rooms: Rooms, controller: str, mailbox: Mailbox, operator: str, patience: float = PATIENCE
) -> Erased:
    """Erase the person at this mailbox as this controller knows them. Raises StoreUnavailableError.

    Mail under way is waited for, and then readers, for `patience` seconds each.
    """
    person = rooms.keys.hash(controller, mailbox.comparable)
    at = rooms.clock.now()
    counts = {"evidence": 0, "mail": 0, "acts": 0}
    kept: list[Kept] = []
    held = await rooms.erasure.held(controller, person, at)
    refusals = _refusals(held)
    earlier = tuple(held.kept)
    until = asyncio.get_running_loop().time() + patience
    for _ in range(PASSES):
        now = rooms.clock.now()
        # In a thread: a person may have rows by the thousand, and others object meanwhile.
        keeping = await asyncio.to_thread(list, _kept(rooms.config, controller, mailbox, held, now))
        details = {"operator": operator, "evidence": len(held.evidence), "mail": len(held.mail)}
        closing = _closing(rooms.keys, controller, person, held, now)
        await rooms.erasure.begin(controller, person, now, details | _reasons(keeping), closing)
        await rooms.erasure.erase(controller, person, now, held, keeping)
        kept += keeping
        for name, found in (("evidence", held.evidence), ("mail", held.mail), ("acts", held.acts)):
            counts[name] += len(found)
        held = await _left(rooms, controller, person, until)
        if not held.has_details:
            break
    purged = await rooms.erasure.purge(patience)
    return Erased(
        controller, at, **counts, refusals=refusals, kept=(*earlier, *kept), complete=purged and held.is_bare
    )


async def foreseen(rooms: Rooms, controller: str, mailbox: Mailbox) -> Erased:
    """What erasing would do now, and what would stay and why; changes nothing.

    Not `complete` while mail is under way. Raises StoreUnavailableError.
    """
    now = rooms.clock.now()
    held = await rooms.erasure.held(controller, rooms.keys.hash(controller, mailbox.comparable), now)
    return Erased(
        controller,
        now,
        evidence=len(held.evidence),
        mail=len(held.mail),
        acts=len(held.acts),
        refusals=_refusals(held),
        kept=(*held.kept, *_kept(rooms.config, controller, mailbox, held, now)),
        complete=not held.under_way,
    )


async def _left(rooms: Rooms, controller: str, person: bytes, until: float) -> Held:
    """What is held still, once the fate of mail under way is on record, or the loop's time is `until`."""
    clock = asyncio.get_running_loop()
    while True:
        held = await rooms.erasure.held(controller, person, rooms.clock.now())
        if not held.under_way or clock.time() > until:
            return held
        await asyncio.sleep(PAUSE)


def _refusals(held: Held) -> int:
    """How many rows bind on, whatever is erased (I7)."""
    return sum(isinstance(row.fact, Objection | Withdrawal) for row in held.rows)


def _kept(config: Config, controller: str, mailbox: Mailbox, held: Held, now: datetime) -> Iterator[Kept]:
    """Rule 4."""
    facts = [row.fact for row in held.rows]
    ended = stopped(facts, present_ids(config, controller), now)
    for row in held.evidence:
        kind = kind_of(row.fact)
        term = config.retention.get(kind)
        if term is None or kind not in NEEDED or row.details is None:
            continue
        start = begins(row.fact, ended.get(row.fact.id), held.rested.get(row.fact.id))
        until = start + timedelta(days=term.keep_at_least_days)
        if until > now:
            needed = {name: str(row.details[name]) for name in NEEDED[kind] if name in row.details}
            told = {name: text for name, text in needed.items() if not spells(text, mailbox)}
            yield Kept(row.fact.id, kind, until, term.reason, told)


def _reasons(kept: Collection[Kept]) -> dict[str, object]:
    return {"kept": len(kept), "reasons": sorted({one.reason for one in kept})} if kept else {}


def _closing(keys: Keys, controller: str, person: bytes, held: Held, now: datetime) -> NewEvidence | None:
    """Rule 3: a withdrawal of everything, if there is anything that no such withdrawal closes yet."""
    closed = max(
        (
            row.fact.occurred_at
            for row in held.rows
            if isinstance(row.fact, Withdrawal) and row.fact.category == ALL
        ),
        default=None,
    )
    if not any(
        _may_permit(row.fact) and (closed is None or row.fact.occurred_at > closed) for row in held.rows
    ):
        return None
    fact = Withdrawal(id=0, occurred_at=now, recorded_at=now)
    content = keys.digest("erasure", f"{controller}\0{person.hex()}\0{now.isoformat()}".encode())
    return NewEvidence(controller, person, fact, content)


def _may_permit(fact: Evidence) -> bool:
    return isinstance(fact, Consent | Purchase) or (isinstance(fact, Register) and not fact.listed)


def spells(text: str, mailbox: Mailbox) -> bool:
    """Whether a text spells the address, as it was typed or compared, plainly or as in a URL."""
    spellings = {mailbox.wire.casefold(), mailbox.comparable, mailbox.local_part}
    spellings |= {quote(one, safe="").casefold() for one in spellings}
    plain = text.casefold()
    return any(one in version for one in spellings for version in (plain, unquote(plain)))


def present_ids(config: Config, controller: str) -> dict[str, str]:
    """The id of each of a controller's categories, by it and by every former one."""
    return {
        name: category.id
        for category in config.categories.values()
        if category.controller == controller
        for name in (category.id, *category.formerly)
    }


def as_plain(one: Erased) -> dict[str, object]:
    """The same as JSON can carry it; times are ISO 8601."""
    return {
        "controller": one.controller,
        "at": one.at.isoformat(),
        "erased": {"evidence": one.evidence, "mail": one.mail, "acts": one.acts},
        "refusals": one.refusals,
        "kept": [
            {
                "evidence": row.evidence,
                "kind": row.kind,
                "until": row.until.isoformat(),
                "reason": row.reason,
                "details": dict(row.details),
            }
            for row in one.kept
        ],
        "complete": one.complete,
    }


@dataclass(frozen=True, slots=True)
class ErasingAsJson:
    """The same for programs, as web/api asks."""

    rooms: Rooms
    patience: float = 10.0  # seconds

    async def erase(self, controller: str, mailbox: Mailbox, operator: str) -> Mapping[str, Any]:
        """What was erased, and what stays and why; also of a person nobody knew: older evidence may come yet.

        Raises StoreUnavailableError, also when it has to be asked again to be ended.
        """
        done = await erase(self.rooms, controller, mailbox, operator, self.patience)
        if not done.complete:
            raise StoreUnavailableError("erased, but not from every file yet: ask again")
        return as_plain(done)
