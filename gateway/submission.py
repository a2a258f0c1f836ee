"""Story 1, read this first: one message in, at most one lawful copy per person out, all of it on record.

    SMTP session -> Envelope -> Mailing -> per person: Decision -> copy -> relay -> Fate -> Outcome

Rules of this file:

1. The decision is committed before the first byte of its copy goes to the smarthost; the fate is queued the
   moment the smarthost answers, and committed before the client is answered (I2).
2. Copies go in waves no larger than the smarthost connections held; each wave's evidence is read and its
   decisions committed just before it, so that an objection stops the rest of a message under way (I3).
3. Doubt is temporary: whatever fails here ends in an outcome that the client may try again (I4).
4. A relay that has begun is a task of the worker: it is finished and recorded even if the client hangs up;
   but once the client is gone, its time is spent or we drain, no new wave starts (I5).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

import structlog

from gateway.address import Mailbox
from gateway.copies import Copyist
from gateway.envelope import (
    Answer,
    Cause,
    Envelope,
    Fate,
    FateKind,
    Kind,
    Outcome,
    Recipient,
    Stage,
    fate_kind,
)
from gateway.grants import Grant
from gateway.keys import Keys
from gateway.law.decision import Send
from gateway.mail.rewrite import CannotCarryNoticeError
from gateway.mailing import Mailing, NotTakenError, mailing
from gateway.metrics import Metrics
from gateway.ports import (
    Busy,
    Clock,
    Connection,
    Decided,
    Journal,
    Person,
    Settled,
    Smarthost,
    StoreUnavailableError,
    Verdict,
    Wave,
)
from gateway.tally import CAUSE_OF, Tally

BUSY_PAUSE = 0.05  # seconds before looking again whether another connection is done with the same message
ALARM_AFTER = 3  # the same fault on the same message this often is no passing doubt (I4)
FAULTS_KEPT = 1000  # messages
FINAL = frozenset({Cause.DONE, Cause.ALL_REFUSED, Cause.ALL_WITHHELD})  # the client need not try again
BEFORE_MAIL = frozenset({Stage.CONNECT, Stage.GREETING, Stage.EHLO, Stage.STARTTLS, Stage.AUTH})

log = structlog.get_logger()


async def _all(sending: Sequence[Coroutine[None, None, None]]) -> None:
    """All of them done; raises the first fault. A single one, the most frequent case, needs no task."""
    if len(sending) == 1:
        await sending[0]
        return
    for result in await asyncio.gather(*sending, return_exceptions=True):
        if result is not None:
            raise result


@dataclass(slots=True)
class Patience:
    """How long new waves may start: until the client is gone, its time is spent, or we drain."""

    deadline: float  # of the loop's clock, seconds
    gone: asyncio.Event
    draining: asyncio.Event
    late: Cause = Cause.SMARTHOST_SLOW  # what the client hears when its time is spent: who is waited for

    @property
    def left(self) -> float:
        """Seconds until the client must be answered."""
        return self.deadline - asyncio.get_running_loop().time()

    def lasts(self, *, begun: bool) -> bool:
        """Whether another wave may start; one whose mailing has not begun may, also while we drain."""
        return self.left > 0 and not self.gone.is_set() and not (begun and self.draining.is_set())


class Submissions:
    """Takes envelopes and answers each with an outcome."""

    def __init__(
        self,
        *,
        grants: Mapping[str, Grant],
        journal: Journal,
        smarthost: Smarthost,
        copyist: Copyist,
        keys: Keys,
        clock: Clock,
        metrics: Metrics,
        new_submission: Callable[[], tuple[int, str]],
        answer_within: float,
        next_hop: str,
    ) -> None:
        """`new_submission` gives an id and its reference; `answer_within` is in seconds.

        `next_hop` is the smarthost's host and port, as the log names it.
        """
        self.new_submission = new_submission
        self._grants = grants
        self._journal = journal
        self._smarthost = smarthost
        self._copyist = copyist
        self._keys = keys
        self._clock = clock
        self._metrics = metrics
        self._answer_within = answer_within
        self._next_hop = next_hop
        self._draining = asyncio.Event()
        self._under_way: set[asyncio.Task[Outcome]] = set()
        self._faults: dict[bytes, int] = {}  # unexpected faults by message, the latest few

    async def submit(self, envelope: Envelope, gone: asyncio.Event) -> Outcome:
        """What comes of one message; never raises for anything the message or the world does.

        `gone` is set by the session when the client hangs up. The work goes on in a task of its own, so
        that neither cancellation nor a hang-up leaves a copy without its fate on record (I5).
        """
        deadline = asyncio.get_running_loop().time() + self._answer_within
        patience = Patience(deadline, gone, self._draining)
        task = asyncio.create_task(self._answer(envelope, patience))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            done, _ = await asyncio.wait({task}, timeout=self._answer_within)
        except asyncio.CancelledError:
            task.add_done_callback(partial(self._left, envelope))
            raise
        if done:
            return task.result()
        task.add_done_callback(partial(self._left, envelope))
        return Outcome(envelope.ref, patience.late)

    async def withheld_at_rcpt(self, login: str, mailbox: Mailbox, submission: int) -> bool:
        """Whether the law withholds this login's one category from a person; on record if so.

        For logins that want to hear it at RCPT (contract section 4). Raises StoreUnavailableError.
        """
        grant = self._grants[login]
        now = self._clock.now()
        wave = Wave(
            submission=submission,
            login=login,
            controller=grant.controller,
            category=grant.only_category,
            people=(self._person(grant, mailbox),),
            known_categories=grant.known_categories,
            report=grant.reports(now),
            only_withheld=True,
        )
        (verdict,) = await self._journal.decide(wave, now, self._answer_within)
        withheld = isinstance(verdict, Decided) and not verdict.relay
        if withheld:
            self._count(verdict)
        return withheld

    def drain(self) -> None:
        """Start no new wave of a mailing that has begun."""
        self._draining.set()

    async def finished(self) -> None:
        """Ends when every submission under way has its fates on record."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _answer(self, envelope: Envelope, patience: Patience) -> Outcome:
        """The outcome, whatever happens, with what is to be done once the client heard it or did not."""
        fingerprint = b""
        try:
            grant = self._grants[envelope.login]
            mail = mailing(envelope, grant, self._copyist, self._keys, self._clock.now())
            fingerprint = mail.fingerprint
            outcome = await self._conclude(mail, await self._relay(mail, patience))
        except NotTakenError as refusal:
            outcome = Outcome(envelope.ref, refusal.cause, detail=refusal.detail)
        except CannotCarryNoticeError as error:  # L10 knows no exception
            outcome = Outcome(envelope.ref, Cause.UNPARSABLE, detail=str(error))
        except StoreUnavailableError as error:
            log.warning("store unavailable", ref=envelope.ref, cause=str(error))
            outcome = Outcome(envelope.ref, Cause.UNAVAILABLE)
        except Exception:
            log.exception("submission failed", ref=envelope.ref)
            self._alarm(fingerprint, envelope.ref)
            outcome = Outcome(envelope.ref, Cause.UNAVAILABLE)
        self._note(outcome)
        return replace(outcome, closed=partial(self._closed, envelope.submission, outcome.cause in FINAL))

    async def _relay(self, mail: Mailing, patience: Patience) -> Tally:
        """Wave after wave, until everybody is served or something stops it."""
        tally = Tally()
        recipients = mail.envelope.recipients
        waiting = deque(recipients)
        while waiting and not tally.stopped:
            async with self._smarthost.lease(len(waiting)) as held:
                if isinstance(held, Answer):
                    tally.failures.append(held)
                elif not patience.lasts(begun=len(waiting) < len(recipients)):
                    tally.failures.append(Answer(Kind.SLOW, Stage.CONNECT, text="no time for another wave"))
                else:
                    wave = list(islice(waiting, len(held)))
                    tally.busy = not await self._wave(mail, wave, held, tally, patience)
                    if not tally.busy:
                        for _ in wave:
                            waiting.popleft()
            if tally.busy and patience.lasts(begun=True):
                patience.late = Cause.BUSY  # wait for the other connection, holding none of our own
                await asyncio.sleep(BUSY_PAUSE)
                tally.busy = False
        return tally

    async def _wave(
        self,
        mail: Mailing,
        recipients: Sequence[Recipient],
        connections: Sequence[Connection],
        tally: Tally,
        patience: Patience,
    ) -> bool:
        """Decide on these recipients and relay to whom the law lets; False if another connection has them."""
        mail.copies.prepare(connections)  # first: what cannot carry the notice is never decided on
        people = tuple(self._person(mail.grant, recipient.mailbox) for recipient in recipients)
        patience.late = Cause.UNAVAILABLE
        with self._metrics.deciding():
            verdicts = await self._journal.decide(mail.wave(people), self._clock.now(), patience.left)
        if any(isinstance(verdict, Busy) for verdict in verdicts):
            return False
        patience.late = Cause.SMARTHOST_SLOW
        sending = []
        for recipient, person, verdict, connection in zip(
            recipients, people, verdicts, connections, strict=False
        ):
            self._count(verdict)
            match verdict:
                case Settled():
                    tally.count(recipient, verdict.kind, verdict.answer)
                case Decided(relay=True):
                    sending.append(self._send(mail, recipient, person, verdict, connection, tally))
                case _:
                    tally.withheld += 1
        await _all(sending)
        return True

    async def _send(
        self,
        mail: Mailing,
        recipient: Recipient,
        person: Person,
        decided: Decided,
        connection: Connection,
        tally: Tally,
    ) -> None:
        """One copy to one person, and its fate on record. Raises what kept the copy from being made."""
        fault: Exception | None = None
        try:
            copy = mail.copies.copy(person, decided)
        except Exception as error:
            fault = error
            answer = Answer(Kind.SETUP, Stage.CONNECT, text="the copy could not be made")
        else:
            with self._metrics.relaying():
                answer = await mail.copies.relay(copy, recipient.mailbox, connection)
        kind = fate_kind(answer)
        settled = self._journal.settle([Fate(decided.id, kind, answer)], self._clock.now())
        self._metrics.fate(kind)
        tally.count(recipient, kind, answer)
        await settled
        if fault:
            raise fault

    async def _conclude(self, mail: Mailing, tally: Tally) -> Outcome:
        """The outcome, once the report on the finally refused is taken too."""
        if failed := await self._report(mail, tally.to_report):
            return Outcome(mail.envelope.ref, CAUSE_OF[failed.kind], answer=failed)
        return tally.outcome(mail.envelope.ref, rejects=mail.grant.rejects)

    async def _report(self, mail: Mailing, refused: list[tuple[Mailbox, Answer]]) -> Answer | None:
        """Tell the sender who was refused (RFC 3464); what kept the report from being taken, if anything."""
        sender = mail.envelope.sender
        if sender is None or not refused:
            return None
        async with self._smarthost.lease(1) as held:
            if isinstance(held, Answer):
                return held
            report = mail.copies.delivery_report(sender, refused)
            answer = await held[0].relay("", sender.wire, report, smtputf8=sender.needs_smtputf8)
        kind = fate_kind(answer)
        if kind is FateKind.REFUSED:  # a report is never reported on (RFC 5321 section 4.5.5)
            log.warning("delivery report refused", ref=mail.envelope.ref, code=answer.code)
        return None if kind in (FateKind.RELAYED, FateKind.REFUSED) else answer

    def _person(self, grant: Grant, mailbox: Mailbox) -> Person:
        return Person(self._keys.hash(grant.controller.id, mailbox.comparable), mailbox)

    def _closed(self, submission: int, final: bool, heard: bool) -> None:
        """Claims go once the client heard a final answer; after anything else it may try again (I5)."""
        if heard and final:
            self._journal.release(submission)
        else:
            self._journal.leave(submission)

    def _left(self, envelope: Envelope, _task: asyncio.Task[Outcome]) -> None:
        """The work ended after its client was answered, or gone: the next try is a retry (I5)."""
        self._journal.leave(envelope.submission)

    def _count(self, verdict: Verdict) -> None:
        if isinstance(verdict, Decided):
            match verdict.decision:
                case Send(ground=ground):
                    self._metrics.decided("send", ground)
                case withhold:
                    self._metrics.decided("withhold", withhold.reason)

    def _note(self, outcome: Outcome) -> None:
        """One line and one count per submission."""
        self._metrics.message(outcome.cause)
        log.info(
            "submission",
            ref=outcome.ref,
            result=outcome.cause.value,
            relayed=outcome.relayed,
            withheld=outcome.withheld,
            refused=outcome.refused,
            **self._trouble(outcome.answer),
        )

    def _trouble(self, answer: Answer | None) -> dict[str, object]:
        """How the smarthost failed; in its own words only where these cannot be about a person (L26)."""
        if answer is None:
            return {}
        told: dict[str, object] = {
            "next_hop": self._next_hop,
            "stage": answer.stage.value,
            "code": answer.code,
        }
        impersonal = answer.code == 0 or answer.stage in BEFORE_MAIL
        return told | ({"text": answer.text} if impersonal else {})

    def _alarm(self, fingerprint: bytes, ref: str) -> None:
        """The same fault on one message again and again is an alarm, never a 5yz (I4)."""
        times = self._faults.pop(fingerprint, 0) + 1
        self._faults[fingerprint] = times  # now the newest
        if len(self._faults) > FAULTS_KEPT:
            del self._faults[next(iter(self._faults))]
        if times >= ALARM_AFTER:
            log.critical("the same message keeps failing", ref=ref, times=times)
