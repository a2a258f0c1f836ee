"""A decision on record, made again from what was on record when it was made.

    the person's evidence up to the head that the row names  +  the configuration it names  +  its time
        -> the law decides -> the same, or not

No clock is compared: the row itself says which evidence was there. A decision that cannot be made again,
since something it rested on is gone, is said to be so, and is never called different.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from gateway.law.category import Controller
from gateway.law.decision import Decision, Send, decide
from gateway.law.evidence import Channel, Evidence
from gateway.law.reason import Reason
from gateway.law.record import Law
from gateway.law.standing import standing_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a decision says, as the journal records it."""

    decision: str  # send or withhold
    ground: str | None
    reason: str | None
    evidence: tuple[int, ...]
    customer: str | None
    pack: str
    pack_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A decision on record, and what it names."""

    id: int
    controller: str
    category: str | None
    channel: Channel
    decided_at: datetime
    head: int | None  # place of the person's newest row then; None: not kept
    local_part: str | None  # of the address mailed; None once erased
    relaxed: bool
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Placed:
    """A person's row of evidence, and its place among them, from 1."""

    place: int
    fact: Evidence


class Result(StrEnum):
    """How a decision came out when it was made again."""

    SAME = "same"
    DIFFERENT = "different"
    NOT_REPLAYABLE = "not replayable"


@dataclass(frozen=True, slots=True)
class Replayed:
    """The result, and in words what differs or what lacks."""

    result: Result
    why: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """A decision with every test on the way, or in words why these cannot be told."""

    decision: Decision | None
    why: str = ""


def explain(recorded: Recorded, law: Law | None, rows: Iterable[Placed]) -> Explained:
    """Every test passed on the way, found by making it again; see `replay`."""
    rows = list(rows)
    replayed = replay(recorded, law, rows)
    if replayed.result is not Result.SAME or law is None:
        return Explained(None, replayed.why)
    facts = [row.fact for row in rows if recorded.head is not None and row.place <= recorded.head]
    controller = law.controllers[recorded.controller]
    return Explained(_made(recorded, law, controller, facts, _local_parts(recorded, controller)[0]))


def replay(recorded: Recorded, law: Law | None, rows: Iterable[Placed]) -> Replayed:
    """Make it again: `law` is the configuration it names, if that is on record; `rows` are its person's."""
    then = [row for row in rows if recorded.head is not None and row.place <= recorded.head]
    if lack := _lack(recorded, law, then):
        return Replayed(Result.NOT_REPLAYABLE, lack)
    assert law is not None  # noqa: S101 - else that would lack
    controller = law.controllers[recorded.controller]
    facts = [row.fact for row in then]
    made = [
        outcome_of(_made(recorded, law, controller, facts, part), controller)
        for part in _local_parts(recorded, controller)
    ]
    return _compared(recorded, made)


def _lack(recorded: Recorded, law: Law | None, then: Sequence[Placed]) -> str:
    """What is needed and not there; empty when nothing is."""
    if recorded.head is None:
        return "which evidence was there is not on record"
    if len(then) != recorded.head or {row.place for row in then} != set(range(1, len(then) + 1)):
        return "evidence it rested on is gone"
    if law is None:
        return "its configuration is not on record"
    if recorded.controller not in law.controllers:
        return "its configuration does not know its controller"
    if recorded.category is not None and recorded.category not in law.categories:
        return "its configuration does not know its category"
    return ""


def _local_parts(recorded: Recorded, controller: Controller) -> list[str]:
    """Those it may have been: once the address is erased, one that is impersonal (L16) or one that is not."""
    if recorded.local_part is not None:
        return [recorded.local_part]
    return ["", *sorted(controller.pack.impersonal_local_parts)[:1]]


def _made(
    recorded: Recorded,
    law: Law,
    controller: Controller,
    facts: Sequence[Evidence],
    local_part: str,
) -> Decision:
    category = law.categories[recorded.category] if recorded.category is not None else None
    known = law.known_categories(controller.id)
    standing = standing_of(facts, local_part=local_part, known_categories=known)
    return decide(category, controller, recorded.channel, standing, recorded.decided_at)


def outcome_of(decision: Decision, controller: Controller) -> Outcome:
    """What is recorded of a decision."""
    send = isinstance(decision, Send)
    return Outcome(
        decision="send" if send else "withhold",
        ground=decision.ground.value if isinstance(decision, Send) else None,
        reason=None if isinstance(decision, Send) else decision.reason.value,
        evidence=decision.evidence,
        customer=decision.customer if isinstance(decision, Send) else None,
        pack=controller.pack.id,
        pack_version=controller.pack.version,
    )


def _compared(recorded: Recorded, made: Sequence[Outcome]) -> Replayed:
    if recorded.outcome not in made:
        return Replayed(Result.DIFFERENT, f"on record {_said(recorded.outcome)}, now {_said(made[0])}")
    if set(made) != {recorded.outcome}:
        return Replayed(Result.NOT_REPLAYABLE, "it rests on an address that was erased")
    if recorded.relaxed and not _relaxable(recorded.outcome):
        return Replayed(Result.DIFFERENT, "on record as relaxed, which the contract never allows for it")
    return Replayed(Result.SAME)


def _relaxable(outcome: Outcome) -> bool:
    """Whether report mode may relay it all the same (contract section 4)."""
    return outcome.reason is not None and Reason(outcome.reason).relaxable


def _said(outcome: Outcome) -> str:
    rests = " ".join(map(str, outcome.evidence))
    words = (outcome.decision, outcome.ground or outcome.reason, outcome.customer, rests)
    return f"{' '.join(filter(None, words))} (pack {outcome.pack} {outcome.pack_version})"
