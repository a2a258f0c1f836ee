"""Receipts for objections, where the law asks for them (L31; RD 4 April 2003 art. 2).

    Recorded -> receipt -> post

Rules of this file:

1. An objection is on record and acknowledged before its receipt is thought of: nothing here delays or undoes
   it.
2. One receipt for each objection recorded new, to the address on record; who has none gets none.
3. None where an objection of that scope, or to all marketing, stood already, however it came: else whoever
   can object in another's name could have them mailed without end. One that a consent came after stands no
   more.
4. A withdrawal, too, says that no advertising is wanted: it is confirmed unless any refusal stood already. An
   objection that follows one is confirmed all the same, since it may have come of an erasure or an old list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway import ids
from gateway.address import Mailbox, parse
from gateway.config import Config
from gateway.law.category import Controller
from gateway.law.evidence import Consent, Evidence, Objection, Withdrawal
from gateway.law.standing import MARKETING
from gateway.mail.letter import letter
from gateway.mail.signature import Signer
from gateway.objecting import Recorded, refused
from gateway.ports import Clock, Ledger, Smarthost
from gateway.post import Letter, Post, identity
from gateway.texts import Texts, texts


@dataclass(frozen=True, slots=True)
class Sender:
    """A controller whose pack asks for receipts, and the mailbox it writes from."""

    controller: Controller
    mail_from: Mailbox


class Receipts:
    """Sends receipts in the background; `send` is what the story of objecting is given."""

    def __init__(
        self,
        senders: Mapping[str, Sender],
        titles: Mapping[tuple[str, str], str],
        ledger: Ledger,
        post: Post,
        clock: Clock,
        hostname: str,
    ) -> None:
        """`senders` by controller, `titles` by controller and category id."""
        self._senders = senders
        self._titles = titles
        self._ledger = ledger
        self._post = post
        self._clock = clock
        self._hostname = hostname

    def send(self, recorded: Recorded, address: str) -> None:
        """Confirm an objection to whoever objected, if their controller does so; returns at once."""
        sender = self._senders.get(recorded.controller)
        if sender is None:
            return

        async def write() -> Letter | None:
            if _stood(await self._ledger.evidence(recorded.controller, recorded.person), recorded):
                return None
            to = parse(address)
            return Letter(sender.mail_from, to, self._receipt(sender, recorded, to))

        self._post.send(write, evidence=recorded.id)

    async def finished(self) -> None:
        """Let those under way go, for a short while."""
        await self._post.finished()

    def _receipt(self, sender: Sender, recorded: Recorded, to: Mailbox) -> bytes:
        words = texts(sender.controller.language)
        return letter(
            sender=sender.mail_from,
            name=sender.controller.name,
            to=to,
            subject=words.receipt_subject,
            text=self._text(sender.controller, recorded, words),
            date=self._clock.now(),
            message_id=f"<receipt.{ids.ref(recorded.id)}@{self._hostname}>",
            auto_submitted="auto-replied",
        )

    def _text(self, controller: Controller, recorded: Recorded, words: Texts) -> str:
        """What is on record and since when, why this came, and who sends it."""
        kind, _, name = recorded.scope.partition(":")
        title = self._titles.get((controller.id, name), "")
        if kind == "category" and not title:
            kind = "marketing"  # as which it binds (law.md section 2); nor is it another's to name (I8)
        sentences = {
            "marketing": words.page_done_marketing,
            "category": words.page_done_category,
            "profiling": words.page_done_profiling,
            "channel": words.receipt_channel,
        }
        names = {
            "controller": controller.name,
            "category": title,
            "time": recorded.at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        }
        parts = [
            f"{sentences[kind]}\n{words.page_recorded_at}.".format_map(names),
            words.receipt_why.format_map(names),
            identity(controller, words),
        ]
        return "\n\n".join(parts) + "\n"


def _stood(known: Sequence[Evidence], recorded: Recorded) -> bool:
    """Rule 3, in the order in which rows went on record: their own times are whatever somebody said."""
    before = [fact for fact in known if fact.id < recorded.id]
    consented = max((fact.id for fact in before if isinstance(fact, Consent) and fact.proven), default=0)
    withdrawn = any(isinstance(fact, Withdrawal) for fact in known if fact.id == recorded.id)
    kinds = (Objection, Withdrawal) if withdrawn else (Objection,)
    return any(
        isinstance(fact, kinds) and fact.id > consented and refused(fact) in (recorded.scope, MARKETING)
        for fact in before
    )


def receipts_of(
    config: Config,
    ledger: Ledger,
    smarthost: Smarthost,
    signers: Mapping[str, Sequence[Signer]],
    clock: Clock,
) -> Receipts:
    """The receipts that a configuration asks for."""
    senders = {
        one.id: Sender(config.controllers[one.id], parse(one.mail_from))
        for one in config.controller
        if config.controllers[one.id].pack.receipts and one.mail_from
    }
    titles = {
        (category.controller, name): category.title
        for category in config.categories.values()
        for name in (*category.formerly, category.id)
    }
    post = Post("receipt", smarthost, signers, clock)
    return Receipts(senders, titles, ledger, post, clock, config.gateway.hostname)
