"""A wave of decisions inside the writer's transaction: claims, evidence, law, record (I2, I3, I5).

Rules of this file:

1. The evidence is read in the very transaction that records the decision: no cache stands between (I3).
2. Claims are met first. Anybody's message being worked on elsewhere puts off the whole wave, unrecorded.
3. The journal row holds hashes and codes; the address and free text stand beside it (I7).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert

from gateway.law.decision import Decision, Send, decide
from gateway.law.standing import standing_of
from gateway.ports import Busy, Decided, Person, Verdict, Wave
from gateway.store import claims, evidence
from gateway.store.compiling import text_of
from gateway.store.spelling import SALT, canonical, day, digest, micros, storable
from gateway.store.tables import decision_details, decisions

_RECORD = text_of(insert(decisions))
_RECORD_DETAILS = text_of(insert(decision_details))

NOT_RECORDED = 0  # the id of a decision made at RCPT that is made again, and recorded, after DATA


@dataclass(frozen=True, slots=True)
class Deciding:
    """Decides waves for one writer."""

    writer: int
    number: Callable[[], int]  # makes ids
    entropy: Callable[[int], bytes]

    def verdicts(self, connection: sqlite3.Connection, wave: Wave, now: datetime) -> list[Verdict]:
        """One verdict per person, in order; Busy for all when any is, and then nothing is recorded."""
        at = micros(now)
        met = claims.claims_on(connection, wave, at)
        if any(claim.working for claim in met.values()):
            return [Busy()] * len(wave.people)
        verdicts: dict[bytes, Verdict] = {
            person: claim.settled for person, claim in met.items() if claim.settled
        }
        settled = list(verdicts)
        fresh = {person.hash: person for person in wave.people if person.hash not in verdicts}
        decided = {person.hash: self._decided(connection, wave, person, now) for person in fresh.values()}
        self._record(connection, wave, [(fresh[who], one) for who, one in decided.items()], at)
        if wave.fingerprint and not wave.only_withheld:
            relayed = {who: one.id for who, one in decided.items() if one.relay}
            claims.take(connection, wave, relayed, self.writer, at)
            claims.drop_expired(connection, at)
            if met:
                claims.take_settled(connection, wave, settled, self.writer, at)
                claims.drop(connection, wave, [who for who in met if who in decided and who not in relayed])
        verdicts |= decided
        return [verdicts[person.hash] for person in wave.people]

    def _decided(self, connection: sqlite3.Connection, wave: Wave, person: Person, now: datetime) -> Decided:
        rows = evidence.read(connection, wave.controller.id, person.hash)
        standing = standing_of(
            rows, local_part=person.mailbox.local_part, known_categories=wave.known_categories
        )
        decision = decide(wave.category, wave.controller, wave.channel, standing, now)
        relay = isinstance(decision, Send) or (wave.report and decision.reason.relaxable)
        if wave.only_withheld and relay:
            return Decided(NOT_RECORDED, decision, relay)
        return Decided(self.number(), decision, relay)

    def _record(
        self, connection: sqlite3.Connection, wave: Wave, decided: Iterable[tuple[Person, Decided]], at: int
    ) -> None:
        rows, details = [], []
        for person, one in decided:
            if one.id == NOT_RECORDED:
                continue
            beside = _details(wave, person, one.decision)
            salt = self.entropy(SALT)
            rows.append(_row(wave, person, one, at) | {"digest": digest(salt, beside)})
            details.append(beside | {"decision": one.id, "salt": salt})
        connection.executemany(_RECORD, rows)
        connection.executemany(_RECORD_DETAILS, details)


def _row(wave: Wave, person: Person, decided: Decided, at: int) -> dict[str, object]:
    decision = decided.decision
    send = isinstance(decision, Send)
    return {
        "id": decided.id,
        "submission": wave.submission,
        "controller": wave.controller.id,
        "day": day(at),
        "decided_at": at,
        "person": person.hash,
        "login": wave.login,
        "category": wave.category.id if wave.category else None,
        "category_asked": wave.category_asked or None,
        "channel": wave.channel,
        "decision": "send" if send else "withhold",
        "relaxed": int(decided.relay and not send),
        "ground": decision.ground.value if isinstance(decision, Send) else None,
        "reason": None if isinstance(decision, Send) else decision.reason.value,
        "evidence": canonical(decision.evidence),
        "customer": decision.customer if isinstance(decision, Send) else None,
        "pack": wave.controller.pack.id,
        "pack_version": wave.controller.pack.version,
    }


def _details(wave: Wave, person: Person, decision: Decision) -> dict[str, object]:
    return {
        "address": person.mailbox.wire,
        "campaign": storable(wave.campaign),
        "message_id": storable(wave.message_id),
        "detail": "" if isinstance(decision, Send) else storable(decision.detail),
    }
