"""Waves of decisions inside the writer's transaction: claims, evidence, law, record (I2, I3, I5).

Rules of this file:

1. The evidence is read in the very transaction that records the decision: no cache stands between (I3).
2. Claims are met first. Anybody's message being worked on elsewhere puts off the whole wave, unrecorded.
3. The journal row holds hashes and codes; the address and free text stand beside it (I7).
4. Waves of one round are read for together and written together, and decided one after another: what one
   claims, the next one meets.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from gateway.law.decision import Decision, Send, decide
from gateway.law.evidence import Evidence
from gateway.law.standing import standing_of
from gateway.ports import Busy, Decided, Person, Verdict, Wave
from gateway.store import claims, evidence
from gateway.store.chain import Chain
from gateway.store.claims import Claim
from gateway.store.compiling import Inserting
from gateway.store.spelling import SALT, canonical, day, digest, hour, micros, storable
from gateway.store.tables import decision_details, decisions
from gateway.store.tallying import Campaigns, Tallies, Tally

_RECORD = Inserting(decisions)
_RECORD_DETAILS = Inserting(decision_details)

NOT_RECORDED = 0  # the id of a decision made at RCPT that is made again, and recorded, after DATA

Asked: TypeAlias = tuple[Wave, datetime]  # a wave, and when it was asked about


@dataclass(slots=True)
class _Round:
    """What one round has read, and what it will write."""

    met: dict[claims.Key, Claim]
    evidence: Mapping[tuple[str, bytes], Sequence[Evidence]]
    decided: list[tuple[object, ...]] = field(default_factory=list)
    details: list[tuple[object, ...]] = field(default_factory=list)
    tallies: Tallies = field(default_factory=Tallies)
    claimed: dict[claims.Key, claims.Row] = field(default_factory=dict)
    dropped: list[claims.Key] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Deciding:
    """Decides waves for one writer."""

    chain: Chain
    configuration: Callable[[], bytes | None]  # digest of what is in force (recorded at the start of serving)
    number: Callable[[], int]  # makes ids
    entropy: Callable[[int], bytes]
    lives: Callable[[int], bool]  # whether a writer may still work on what it claimed
    campaigns: Campaigns = field(default_factory=Campaigns)

    def verdicts(self, connection: sqlite3.Connection, asked: Sequence[Asked]) -> list[list[Verdict]]:
        """For each wave a verdict per person, in order; Busy for all when any is, and nothing recorded."""
        now = micros(max(at for _, at in asked))
        claiming = [(wave.fingerprint, who.hash) for wave, _ in asked if _claims(wave) for who in wave.people]
        people = [(wave.controller.id, who.hash) for wave, _ in asked for who in wave.people]
        round_ = _Round(claims.met(connection, claiming, now), evidence.read(connection, people))
        verdicts = [self._of_wave(round_, wave, at) for wave, at in asked]
        _RECORD(connection, round_.decided)
        _RECORD_DETAILS(connection, round_.details)
        round_.tallies.record(connection)
        if claiming:
            claims.drop(connection, round_.dropped)
            claims.take(connection, list(round_.claimed.values()))
            claims.drop_expired(connection, now)
        return verdicts

    def _of_wave(self, round_: _Round, wave: Wave, now: datetime) -> list[Verdict]:
        met: dict[bytes, Claim] = {}
        if _claims(wave):
            keys = ((wave.fingerprint, person.hash) for person in wave.people)
            met = {key[1]: round_.met[key] for key in keys if key in round_.met}
        if any(claim.writer is not None and self.lives(claim.writer) for claim in met.values()):
            return [Busy()] * len(wave.people)
        verdicts: dict[bytes, Verdict] = {}
        for person in wave.people:
            claim = met.get(person.hash)
            if claim and claim.settled:
                verdicts[person.hash] = claim.settled
                self._claim(round_, wave, person, claim.decision, now)
            elif person.hash not in verdicts:
                verdicts[person.hash] = self._decided(
                    round_, wave, person, now, was_claimed=claim is not None
                )
        return [verdicts[person.hash] for person in wave.people]

    def _decided(
        self, round_: _Round, wave: Wave, person: Person, now: datetime, *, was_claimed: bool
    ) -> Decided:
        """The law's answer on what is on record now; recorded, and claimed if a copy is to go."""
        rows = round_.evidence[wave.controller.id, person.hash]
        standing = standing_of(
            rows,
            local_part=person.mailbox.local_part,
            known_categories=wave.known_categories,
        )
        decision = decide(wave.category, wave.controller, wave.channel, standing, now)
        relay = isinstance(decision, Send) or (wave.report and decision.reason.relaxable)
        if wave.only_withheld and relay:
            return Decided(NOT_RECORDED, decision, relay)
        decided = Decided(self.number(), decision, relay)
        self._record(round_, wave, person, decided, len(rows), micros(now))
        if _claims(wave) and relay:
            self._claim(round_, wave, person, decided.id, now)
        elif was_claimed:
            round_.dropped.append((wave.fingerprint, person.hash))
        return decided

    def _claim(self, round_: _Round, wave: Wave, person: Person, decision: int, now: datetime) -> None:
        """Claim the person; the next wave of this round with the same message meets it."""
        key = wave.fingerprint, person.hash
        round_.claimed[key] = claims.claim(wave, person.hash, decision, self.chain.writer, micros(now))
        round_.met[key] = Claim(self.chain.writer)

    def _record(
        self, round_: _Round, wave: Wave, person: Person, decided: Decided, head: int, at: int
    ) -> None:
        beside = _details(wave, person, decided.decision)
        salt = self.entropy(SALT)
        row = (*_row(wave, person, decided, at), head, self.configuration(), digest(salt, beside))
        round_.decided.append(self.chain.linked(decisions, row))
        round_.details.append(
            (decided.id, salt, beside["address"], beside["campaign"], beside["message_id"], beside["detail"])
        )
        campaign = self.campaigns.counted(wave.campaign_mark, hour(at))
        round_.tallies.note(_tally(wave, decided, campaign, at), decided.id)


def _claims(wave: Wave) -> bool:
    """Whether copies of it are claimed (I5)."""
    return bool(wave.fingerprint) and not wave.only_withheld


def _row(wave: Wave, person: Person, decided: Decided, at: int) -> tuple[object, ...]:
    """The row of `decisions` up to `pack_version`, in the order of its columns."""
    decision = decided.decision
    send = isinstance(decision, Send)
    return (
        decided.id,
        wave.submission,
        wave.controller.id,
        day(at),
        at,
        person.hash,
        wave.login,
        wave.category.id if wave.category else None,
        wave.category_asked or None,
        wave.channel,
        "send" if send else "withhold",
        int(decided.relay and not send),
        decision.ground.value if isinstance(decision, Send) else None,
        None if isinstance(decision, Send) else decision.reason.value,
        canonical(decision.evidence),
        decision.customer if isinstance(decision, Send) else None,
        wave.controller.pack.id,
        wave.controller.pack.version,
    )


def _tally(wave: Wave, decided: Decided, campaign: bytes, at: int) -> Tally:
    decision = decided.decision
    send = isinstance(decision, Send)
    return Tally(
        wave.controller.id,
        hour(at),
        wave.login,
        wave.category.id if wave.category else "",
        campaign,
        "send" if send else "withhold",
        (decision.ground if isinstance(decision, Send) else decision.reason).value,
        int(decided.relay and not send),
    )


def _details(wave: Wave, person: Person, decision: Decision) -> dict[str, object]:
    return {
        "address": person.mailbox.wire,
        "campaign": storable(wave.campaign),
        "message_id": storable(wave.message_id),
        "detail": "" if isinstance(decision, Send) else storable(decision.detail),
    }
