"""A submission as received, what the smarthost said of each copy, and what came of the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gateway.address import Mailbox


@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT TO: the mailbox, and whether the client asked for no report on it (RFC 3461 NOTIFY=NEVER)."""

    mailbox: Mailbox
    notify_never: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """One message as received: who submitted it, for whom, and the octets after dot-unstuffing."""

    ref: str  # names this submission to the peer, the operator and the journal
    submission: int  # the same reference as the 63-bit id on record
    login: str
    sender: Mailbox | None  # None is the null sender <>
    recipients: tuple[Recipient, ...]
    content: bytes  # CRLF line ends only; no bare CR, bare LF or NUL
    received_at: datetime
    peer: str  # the client's IP address, for the Received field
    helo: str  # as the client named itself, printable ASCII
    protocol: str  # SMTP, ESMTP, ESMTPA, ESMTPS, ESMTPSA or the UTF8 kin (RFC 3848, RFC 6531)


class Stage(StrEnum):
    """Where in its dialog the smarthost gave an answer, or fell silent."""

    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    DOT = "dot"


class Kind(StrEnum):
    """What sort of answer it is (contract section 4, the smarthost's rows)."""

    REPLY = "reply"  # a well-formed reply to MAIL, RCPT, DATA or the dot
    SETUP = "setup"  # connect, greeting, EHLO, TLS or AUTH failed, or 530, 535, 538 anywhere
    CLOSED = "closed"  # 421, or the connection was lost
    SLOW = "slow"  # no reply within the step's timeout


@dataclass(frozen=True, slots=True)
class Answer:
    """The smarthost's answer for one copy.

    `code` and `text` are the reply's own (text without codes, lines joined by a space, printable
    ASCII, at most 500 characters) where there was one, else 0 and our own words for what happened.
    """

    kind: Kind
    stage: Stage
    code: int = 0
    enhanced: str = ""  # RFC 3463, as "5.1.1"; empty when the reply had none
    text: str = ""


class FateKind(StrEnum):
    """What became of a copy (contract section 2, `fate`)."""

    RELAYED = "relayed"
    REFUSED = "refused"
    DEFERRED = "deferred"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of the copy that one decision let go."""

    decision: int
    kind: FateKind
    answer: Answer


def fate_kind(answer: Answer) -> FateKind:
    """How an answer counts: a final 5yz is the recipient's, any other failure may pass (I4).

    Silence after the final dot leaves the outcome unknown (RFC 1047); before it nothing was sent.
    """
    if answer.kind is Kind.REPLY:
        if 200 <= answer.code < 300:
            return FateKind.RELAYED
        return FateKind.REFUSED if 500 <= answer.code < 600 else FateKind.DEFERRED
    if answer.stage is Stage.DOT and answer.code == 0:
        return FateKind.UNKNOWN
    return FateKind.DEFERRED


class Cause(StrEnum):
    """How a submission ended; smtp/reply.py holds the reply for each (contract section 4)."""

    DONE = "done"  # every recipient relayed, withheld or finally refused
    ALL_WITHHELD = "all-withheld"  # and the login wants to hear it
    ALL_REFUSED = "all-refused"  # by the smarthost, finally: its own 5yz
    DEFERRED = "deferred"  # the smarthost's own 4yz
    SETUP_FAULT = "setup-fault"
    SMARTHOST_CLOSED = "smarthost-closed"
    SMARTHOST_SLOW = "smarthost-slow"
    UNAVAILABLE = "unavailable"  # store, key or decision not available; any unexpected fault
    BUSY = "busy"  # the same message is being worked on for another connection
    CATEGORY_NOT_ALLOWED = "category-not-allowed"
    FROM_NOT_ALLOWED = "from-not-allowed"
    UNPARSABLE = "unparsable"
    HIDDEN_RECIPIENTS = "hidden-recipients"  # a provider's control field names recipients
    TOO_MANY_HOPS = "too-many-hops"
    NEEDS_SMTPUTF8 = "needs-smtputf8"  # the smarthost does not take the addresses


def _nobody(_heard: bool) -> None:
    """A submission without claims has nothing to settle with its client."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one submission, and whom to tell whether the client heard it."""

    ref: str
    cause: Cause
    relayed: int = 0
    withheld: int = 0
    refused: int = 0
    answer: Answer | None = None  # the smarthost's, where the reply passes it on
    detail: str = ""  # a safe, plain addition for the peer
    closed: Callable[[bool], None] = field(default=_nobody, compare=False)  # call once: was it heard? (I5)
