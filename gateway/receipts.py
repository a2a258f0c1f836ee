"""Receipts for objections, where the law asks for them (L31; RD 4 April 2003 art. 2).

    Recorded -> receipt -> smarthost

Rules of this file:

1. An objection is on record and acknowledged before its receipt is thought of: nothing here delays or undoes
   it, and nothing that fails here is tried again.
2. One receipt for each objection recorded new, to the address on record; who has none gets none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import structlog

from gateway import ids
from gateway.address import Mailbox, parse
from gateway.config import Config
from gateway.copies import NEEDS_SMTPUTF8
from gateway.envelope import Answer, FateKind, fate_kind
from gateway.law.category import Controller
from gateway.mail.receipt import receipt
from gateway.mail.signature import Signer
from gateway.objecting import Recorded
from gateway.ports import Clock, Smarthost
from gateway.texts import Texts, texts

MOST = 1000  # waiting for the smarthost at once; those beyond go without
PATIENCE = 120.0  # seconds for the smarthost to take one
DRAIN = 10.0  # seconds that those under way are waited for at the end

log = structlog.get_logger()


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
        smarthost: Smarthost,
        signers: Mapping[str, Sequence[Signer]],
        clock: Clock,
        hostname: str,
    ) -> None:
        """`senders` by controller, `titles` by controller and category id, `signers` by domain."""
        self._senders = senders
        self._titles = titles
        self._smarthost = smarthost
        self._signers = signers
        self._clock = clock
        self._hostname = hostname
        self._under_way: set[asyncio.Task[None]] = set()

    def send(self, recorded: Recorded, address: str) -> None:
        """Confirm an objection to whoever objected, if their controller does so; returns at once."""
        sender = self._senders.get(recorded.controller)
        if sender is None:
            return
        if len(self._under_way) >= MOST:
            log.warning("receipt.not-sent", evidence=recorded.id, fault="too many wait")
            return
        task = asyncio.create_task(self._sent(sender, recorded, address))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def finished(self) -> None:
        """Let those under way go, for a short while."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=DRAIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _sent(self, sender: Sender, recorded: Recorded, address: str) -> None:
        """Rule 1."""
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._relayed(sender, recorded, parse(address))
        except Exception as fault:
            log.warning("receipt.not-sent", evidence=recorded.id, fault=type(fault).__name__)
            return
        if fate_kind(answer) is FateKind.RELAYED:
            log.info("receipt.sent", evidence=recorded.id)
        else:
            log.warning("receipt.not-sent", evidence=recorded.id, stage=answer.stage.value, code=answer.code)

    async def _relayed(self, sender: Sender, recorded: Recorded, to: Mailbox) -> Answer:
        content = self._signed(sender.mail_from.domain, self._receipt(sender, recorded, to))
        async with self._smarthost.lease(1) as held:
            if isinstance(held, Answer):
                return held
            needed = to.needs_smtputf8 or sender.mail_from.needs_smtputf8
            if needed and not held[0].takes_smtputf8:
                return NEEDS_SMTPUTF8
            return await held[0].relay(sender.mail_from.wire, to.wire, content, smtputf8=needed)

    def _receipt(self, sender: Sender, recorded: Recorded, to: Mailbox) -> bytes:
        words = texts(sender.controller.language)
        return receipt(
            sender=sender.mail_from,
            name=sender.controller.name,
            to=to,
            subject=words.receipt_subject,
            text=self._text(sender.controller, recorded, words),
            date=self._clock.now(),
            message_id=f"<receipt.{ids.ref(recorded.id)}@{self._hostname}>",
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
            "\n".join(_identity(controller, words)),
        ]
        return "\n\n".join(parts) + "\n"

    def _signed(self, domain: str, content: bytes) -> bytes:
        signed_at = int(self._clock.now().timestamp())
        return b"".join(
            [
                *(signer.sign(content, signed_at=signed_at) for signer in self._signers.get(domain, ())),
                content,
            ]
        )


def _identity(controller: Controller, words: Texts) -> Iterator[str]:
    """Who sends it, as far as that is configured (GDPR 13)."""
    yield controller.name
    for label, value in (
        ("", controller.postal_address),
        (f"{words.page_contact}: ", controller.contact),
        (f"{words.privacy_policy}: ", controller.privacy_policy_url),
    ):
        if value:
            yield label + value


def receipts_of(
    config: Config, smarthost: Smarthost, signers: Mapping[str, Sequence[Signer]], clock: Clock
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
    return Receipts(senders, titles, smarthost, signers, clock, config.gateway.hostname)
