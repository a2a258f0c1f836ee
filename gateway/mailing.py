"""One submission, classified: everything that can be said of a message before any person is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.copies import Copies, Copyist
from gateway.envelope import Cause, Envelope
from gateway.grants import Grant
from gateway.keys import Keys
from gateway.law.category import Category, CategoryNotAllowedError, classify
from gateway.mail.message import Message, UnparsableError
from gateway.ports import Person, Wave

MAX_RECEIVED = 50  # loops are cut here (contract section 4; RFC 5321 section 6.3)


class NotTakenError(Exception):
    """The message as a whole cannot be taken: `cause`, and a detail that is safe to show."""

    def __init__(self, cause: Cause, detail: str = "") -> None:
        super().__init__(cause, detail)
        self.cause = cause
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Mailing:
    """What every wave of one submission has in common."""

    envelope: Envelope
    grant: Grant
    category: Category | None
    category_asked: str
    campaign: str
    campaign_mark: bytes  # 8 bytes, or none
    message_id: str
    fingerprint: bytes  # 16 bytes (I5)
    report: bool  # what is withheld goes all the same, where the contract lets report mode relax it
    copies: Copies

    def wave(self, people: tuple[Person, ...]) -> Wave:
        """These people of it, to be decided on together."""
        return Wave(
            submission=self.envelope.submission,
            login=self.grant.login,
            controller=self.grant.controller,
            category=self.category,
            people=people,
            known_categories=self.grant.known_categories,
            category_asked=self.category_asked,
            campaign=self.campaign,
            campaign_mark=self.campaign_mark,
            message_id=self.message_id,
            fingerprint=self.fingerprint,
            report=self.report,
        )


def mailing(envelope: Envelope, grant: Grant, copyist: Copyist, keys: Keys, now: datetime) -> Mailing:
    """The mailing that an envelope is, for what its login may do. Raises NotTakenError."""
    message = _taken(envelope, grant)
    category = _category(message, grant)
    campaign = message.campaign()
    return Mailing(
        envelope=envelope,
        grant=grant,
        category=category,
        category_asked=next(iter(message.category_asked()), ""),
        campaign=campaign,
        campaign_mark=keys.campaign_mark(campaign),
        message_id=message.message_id,
        fingerprint=keys.digest("fingerprint", _fingerprinted(envelope, grant, category, message)),
        report=grant.reports(now),
        copies=copyist.copies_of(envelope, message, grant.controller, category),
    )


def _taken(envelope: Envelope, grant: Grant) -> Message:
    """The message, if it can be read and this login may send it."""
    try:
        message = Message.parse(envelope.content)
        from_domains = message.from_domains()
    except UnparsableError as error:
        raise NotTakenError(Cause.UNPARSABLE, str(error)) from error
    if message.received_count > MAX_RECEIVED:
        raise NotTakenError(Cause.TOO_MANY_HOPS)
    if message.hidden_recipients():
        raise NotTakenError(Cause.HIDDEN_RECIPIENTS, "a header field names recipients of its own")
    if not grant.allows_from(from_domains):
        raise NotTakenError(Cause.FROM_NOT_ALLOWED)
    return message


def _category(message: Message, grant: Grant) -> Category | None:
    """What the message asks for among what its login may use (L14: never more)."""
    try:
        return classify(message.category_asked(), grant.categories, grant.default)
    except CategoryNotAllowedError:
        raise NotTakenError(Cause.CATEGORY_NOT_ALLOWED) from None


def _fingerprinted(envelope: Envelope, grant: Grant, category: Category | None, message: Message) -> bytes:
    """What makes two submissions the same one (I5); the recipients stay out, since clients regroup."""
    sender = envelope.sender.comparable if envelope.sender else ""
    head = (grant.controller.id, grant.login, sender, category.id if category else "")
    return "\0".join(head).encode() + b"\0" + message.fingerprint_content()
