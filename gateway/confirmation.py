"""The letter that asks somebody to confirm what was asked for their address."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from gateway.address import Mailbox
from gateway.law.category import Controller
from gateway.mail.letter import letter
from gateway.pending import Pending
from gateway.post import Letter, identity
from gateway.texts import Texts, texts


def confirmation(
    asked: Pending,
    controller: Controller,
    sender: Mailbox,
    to: Mailbox,
    *,
    link: str,
    date: datetime,
    message_id: str,
) -> Letter:
    """The letter, in the language in which it was asked; each topic in the words that were shown (L2)."""
    words = texts(asked.language)
    content = letter(
        sender=sender,
        name=controller.name,
        to=to,
        subject=words.confirm_subject_consent if asked.topics else words.confirm_subject_objection,
        text="\n\n".join(_paragraphs(asked, controller, words, link)) + "\n",
        date=date,
        message_id=message_id,
        auto_submitted="auto-generated",
    )
    return Letter(sender, to, content)


def _paragraphs(asked: Pending, controller: Controller, words: Texts, link: str) -> Iterator[str]:
    why = words.confirm_mail_consent if asked.topics else words.confirm_mail_objection
    yield why.format(controller=controller.name)
    yield from (f"– {topic.wording}" for topic in asked.topics)
    yield f"{words.confirm_mail_link}\n{link}"
    yield words.confirm_mail_ignore
    yield identity(controller, words)
