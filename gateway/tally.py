"""What has come of a submission's recipients so far, and the outcome it adds up to (contract section 4)."""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.address import Mailbox
from gateway.envelope import Answer, Cause, FateKind, Kind, Outcome, Recipient

# Which temporary failure the client hears of when there are several: our own set-up first.
CAUSE_OF = {
    Kind.SETUP: Cause.SETUP_FAULT,
    Kind.CLOSED: Cause.SMARTHOST_CLOSED,
    Kind.SLOW: Cause.SMARTHOST_SLOW,
    Kind.REPLY: Cause.DEFERRED,
}
_URGENCY = {kind: place for place, kind in enumerate(CAUSE_OF)}


@dataclass(slots=True)
class Tally:
    """Counts by fate; `failures` are answers after which the client may try again."""

    relayed: int = 0
    withheld: int = 0
    refused: list[tuple[Recipient, Answer]] = field(default_factory=list)
    failures: list[Answer] = field(default_factory=list)
    busy: bool = False  # another connection is at work on the same message

    def count(self, recipient: Recipient, kind: FateKind, answer: Answer) -> None:
        """One more recipient's fate."""
        match kind:
            case FateKind.RELAYED:
                self.relayed += 1
            case FateKind.REFUSED:
                self.refused.append((recipient, answer))
            case _:
                self.failures.append(answer)

    @property
    def stopped(self) -> bool:
        """Whether there is no use in another wave: the smarthost itself is in trouble, not one recipient."""
        return self.busy or any(answer.kind is not Kind.REPLY for answer in self.failures)

    @property
    def to_report(self) -> list[tuple[Mailbox, Answer]]:
        """Whom the sender is to be told of: refused, while others were served (RFC 3461 section 4.1)."""
        if self.busy or self.failures or not self.relayed:
            return []
        return [(one.mailbox, answer) for one, answer in self.refused if not one.notify_never]

    def outcome(self, ref: str, *, rejects: bool) -> Outcome:
        """What the client is told; `rejects` is whether its login wants to hear that all were withheld."""
        if self.busy:
            return Outcome(ref, Cause.BUSY)
        if self.failures:
            answer = min(self.failures, key=lambda failure: _URGENCY[failure.kind])
            return Outcome(ref, CAUSE_OF[answer.kind], answer=answer)
        if self.refused and not self.relayed:
            return Outcome(ref, Cause.ALL_REFUSED, refused=len(self.refused), answer=self.refused[0][1])
        return Outcome(
            ref,
            Cause.ALL_WITHHELD if rejects and self.withheld and not self.relayed else Cause.DONE,
            relayed=self.relayed,
            withheld=self.withheld,
            refused=len(self.refused),
        )
