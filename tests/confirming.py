"""What asks for consents by mail, as the stories see it: it words them, and keeps what it was asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.address import Mailbox
from gateway.law.category import Category
from gateway.pending import Topic


class Asked(NamedTuple):
    """A mail that was to be sent."""

    address: str
    controller: str
    categories: tuple[str, ...]
    language: str
    page: str


@dataclass
class Confirming:
    """Words consents, and remembers what mails it was to send."""

    mails: bool = True  # whether controllers have a mailbox to write from
    full: bool = False  # whether they were written to as often as may be
    version: str = "01234567"
    asked: list[Asked] = field(default_factory=list)

    def topics(self, categories: Iterable[Category], language: str) -> tuple[Topic, ...]:
        """As the story's port."""
        return tuple(
            Topic(
                one.id,
                f"[{language}] Yes, send me {one.title}.",
                f"{language}-{self.version}",
                one.advertiser,
            )
            for one in categories
        )

    def can_mail(self, _controller: str) -> bool:
        """As the story's port."""
        return self.mails

    def ask(
        self, mailbox: Mailbox, controller: str, topics: Sequence[Topic], *, language: str, page: str
    ) -> bool:
        """As the story's port."""
        if self.full:
            return False
        categories = tuple(topic.category for topic in topics)
        self.asked.append(Asked(mailbox.wire, controller, categories, language, page))
        return True
