"""What the gateway says over SMTP: the one place that holds reply codes (contract section 4).

Class of code and class of enhanced code agree by construction of the table, and a test holds it. A reply
never says more than its peer may know: no internals, no reason for withholding, no address.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.envelope import Answer, Cause, Outcome

MAX_LINE = 512  # octets with CRLF, RFC 5321 section 4.5.3.1.5

_UNPRINTABLE = re.compile(r"[^ -~]")
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")  # RFC 3463 section 2
_PROTOCOL_ERRORS = frozenset({500, 501, 502, 503, 504, 530, 555})


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: code, enhanced code (RFC 2034: none on 220, 3yz and EHLO), text, and the lines after it."""

    code: int
    enhanced: str
    text: str
    more: tuple[str, ...] = ()
    octets: bytes = field(init=False, repr=False, compare=False)  # the lines as they go over the wire

    def __post_init__(self) -> None:
        octets = "".join(f"{line}\r\n" for line in self.lines).encode("ascii")
        object.__setattr__(self, "octets", octets)

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines as sent, without CRLF: printable ASCII, each within the limit (RFC 5321 section 4.2)."""
        enhanced = f"{self.enhanced} " if self.enhanced else ""
        texts = (self.text, *self.more)
        return tuple(
            _UNPRINTABLE.sub("?", f"{self.code}{' ' if place == len(texts) else '-'}{enhanced}{text}")[
                : MAX_LINE - 2
            ].rstrip(" " if text else "")
            for place, text in enumerate(texts, 1)
        )

    @property
    def counts_as_error(self) -> bool:
        """Whether the client lost its way in the protocol; refused addresses and messages do not count."""
        return self.code in _PROTOCOL_ERRORS


OK = Reply(250, "2.0.0", "OK")
SENDER_OK = Reply(250, "2.1.0", "Sender OK")
RECIPIENT_OK = Reply(250, "2.1.5", "Recipient OK")
GO_AHEAD = Reply(354, "", "End data with <CR><LF>.<CR><LF>")
BYE = Reply(221, "2.0.0", "Bye")
CANNOT_VERIFY = Reply(252, "2.5.0", "Cannot verify, send some mail and see")

LOGGED_IN = Reply(235, "2.7.0", "Authentication successful")
ASK_INITIAL = Reply(334, "", "")  # RFC 4954 section 4: an empty challenge
ASK_USERNAME = Reply(334, "", "VXNlcm5hbWU6")  # "Username:", the spelling that picky clients look for
ASK_PASSWORD = Reply(334, "", "UGFzc3dvcmQ6")  # "Password:"
WRONG_SECRET = Reply(535, "5.7.8", "Authentication credentials invalid")
AUTH_CANCELLED = Reply(501, "5.7.0", "Authentication cancelled")
AUTH_GARBLED = Reply(501, "5.5.2", "Cannot decode this response")
AUTH_UNKNOWN = Reply(504, "5.5.4", "Unrecognized authentication type")
AUTH_NEEDS_TLS = Reply(538, "5.7.11", "Encryption required for authentication")
NOT_LOGGED_IN = Reply(530, "5.7.0", "Authentication required")
NEEDS_STARTTLS = Reply(530, "5.7.0", "Must issue a STARTTLS command first")

UNKNOWN_COMMAND = Reply(500, "5.5.1", "Command not recognized")
NOT_IMPLEMENTED = Reply(502, "5.5.1", "Command not implemented")
BAD_SEQUENCE = Reply(503, "5.5.1", "Bad sequence of commands")
SYNTAX = Reply(501, "5.5.4", "Syntax error in parameters or arguments")
UNKNOWN_PARAMETER = Reply(555, "5.5.4", "Parameter not recognized or not implemented")
BAD_LINE = Reply(500, "5.5.2", "Command line has octets that do not belong there")
LINE_TOO_LONG = Reply(500, "5.5.2", "Command line too long")

BAD_SENDER = Reply(553, "5.1.7", "Sender address is not valid")
BAD_RECIPIENT = Reply(553, "5.1.3", "Recipient address is not valid")
NEEDS_SMTPUTF8 = Reply(553, "5.6.7", "Address needs SMTPUTF8")
SENDER_NOT_ALLOWED = Reply(550, "5.7.1", "Sender not allowed for this login")
TOO_BIG = Reply(552, "5.3.4", "Message too big")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients")
NO_RECIPIENTS = Reply(554, "5.5.1", "No valid recipients")
BARE_OCTETS = Reply(550, "5.5.2", "Message has a bare CR, a bare LF or a NUL")
GARBLED = frozenset({BAD_LINE, LINE_TOO_LONG, BARE_OCTETS})  # after which the session ends
NO_ROOM = Reply(451, "4.3.2", "No room for the message now, try again later")

SHUTTING_DOWN = Reply(421, "4.3.2", "Shutting down, try again later")
TOO_MANY_CONNECTIONS = Reply(421, "4.3.2", "Too many connections, try again later")
TIMED_OUT = Reply(421, "4.4.2", "Timed out, closing the connection")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors, closing the connection")
TOO_MANY_LOGINS = Reply(421, "4.7.0", "Too many failed logins, closing the connection")
NOT_SMTP = Reply(421, "4.7.0", "This is an SMTP server, closing the connection")


def greeting(hostname: str) -> Reply:
    """The opening message (RFC 5321 section 4.2: the host name comes first)."""
    return Reply(220, "", f"{hostname} ESMTP Sendright")


def hello(hostname: str, keywords: Sequence[str] = ()) -> Reply:
    """The reply to HELO, or to EHLO with the extensions offered now (RFC 5321 section 4.1.1.1)."""
    return Reply(250, "", hostname, tuple(keywords))


def withheld(ref: str) -> Reply:
    """A withheld recipient at RCPT, or all of them after DATA; the reason is not the client's to know."""
    return Reply(550, "5.7.1", ref)


def fault(ref: str) -> Reply:
    """Whatever fails on our side is temporary (I4)."""
    return Reply(451, "4.3.0", f"{ref} temporary fault, try again later")


# Code, enhanced code, and our words for each cause whose reply does not depend on the smarthost's.
_OF_CAUSE = {
    Cause.ALL_WITHHELD: (550, "5.7.1", ""),
    Cause.SETUP_FAULT: (451, "4.3.5", "the next hop cannot be used"),
    Cause.SMARTHOST_CLOSED: (451, "4.4.2", "the next hop closed the connection"),
    Cause.SMARTHOST_SLOW: (451, "4.4.5", "the next hop did not answer in time"),
    Cause.UNAVAILABLE: (451, "4.3.0", "temporary fault, try again later"),
    Cause.BUSY: (451, "4.3.0", "this message is being worked on"),
    Cause.CATEGORY_NOT_ALLOWED: (550, "5.7.1", "category not allowed for this login"),
    Cause.FROM_NOT_ALLOWED: (550, "5.7.1", "From not allowed for this login"),
    Cause.UNPARSABLE: (554, "5.6.0", "message cannot be processed"),
    Cause.HIDDEN_RECIPIENTS: (554, "5.6.0", "message has recipients in a control field"),
    Cause.TOO_MANY_HOPS: (554, "5.4.6", "too many Received fields"),
    Cause.NEEDS_SMTPUTF8: (553, "5.6.7", "the next hop does not take SMTPUTF8 addresses"),
}


def reply_to(outcome: Outcome) -> Reply:
    """The reply to the final dot."""
    match outcome.cause:
        case Cause.DONE:
            counts = f"relayed={outcome.relayed} withheld={outcome.withheld} refused={outcome.refused}"
            return Reply(250, "2.0.0", f"{outcome.ref} {counts}")
        case Cause.ALL_REFUSED:
            return _passed_on(outcome, 5)
        case Cause.DEFERRED:
            return _passed_on(outcome, 4)
        case cause:
            code, enhanced, words = _OF_CAUSE[cause]
            return Reply(code, enhanced, " ".join(filter(None, (outcome.ref, outcome.detail or words))))


def _passed_on(outcome: Outcome, kind: int) -> Reply:
    """The smarthost's own reply; if it is not of the class it should be, the doubt is temporary (I4).

    A 421 would promise that we hang up, which we do not.
    """
    answer = outcome.answer
    if answer is None or answer.code // 100 != kind or answer.code == 421:
        return fault(outcome.ref)
    return Reply(answer.code, _enhanced(answer, kind), f"{outcome.ref} {answer.text}")


def _enhanced(answer: Answer, kind: int) -> str:
    """Its enhanced code, where it is one and agrees with its code (RFC 2034 section 4)."""
    agrees = _ENHANCED.fullmatch(answer.enhanced) and answer.enhanced.startswith(str(kind))
    return answer.enhanced if agrees else f"{kind}.0.0"
