"""Letters we write ourselves, sent in the background from a controller's mailbox: receipts, confirmations.

    a letter being written -> signed -> smarthost

Rules of this file:

1. Nobody waits for a letter, and nothing that fails here is tried again.
2. What a letter is about is logged by what its writer names, never by an address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import structlog

from gateway.address import Mailbox
from gateway.copies import NEEDS_SMTPUTF8
from gateway.envelope import Answer, FateKind, fate_kind
from gateway.law.category import Controller
from gateway.mail.signature import Signer
from gateway.ports import Clock, Smarthost
from gateway.texts import Texts

MOST = 1000  # letters waiting for the smarthost at once; those beyond are not sent
PATIENCE = 120.0  # seconds for the smarthost to take one
DRAIN = 10.0  # seconds that those under way are waited for at the end

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter and its envelope; `content` is unsigned."""

    sender: Mailbox
    to: Mailbox
    content: bytes


Writing: TypeAlias = Callable[[], Awaitable[Letter | None]]  # None: nothing is to be sent after all


class Post:
    """Sends letters of one kind, logged as `kind`.sent and `kind`.not-sent; `signers` are by domain."""

    def __init__(
        self, kind: str, smarthost: Smarthost, signers: Mapping[str, Sequence[Signer]], clock: Clock
    ) -> None:
        self._kind = kind
        self._smarthost = smarthost
        self._signers = signers
        self._clock = clock
        self._under_way: set[asyncio.Task[None]] = set()

    def send(self, write: Writing, **about: object) -> None:
        """Send what `write` comes up with; returns at once. `about` is what the log says of it (rule 2)."""
        if len(self._under_way) >= MOST:
            log.warning(f"{self._kind}.not-sent", fault="too many wait", **about)
            return
        task = asyncio.create_task(self._sent(write, about))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def finished(self) -> None:
        """Let those under way go, for a short while."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=DRAIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _sent(self, write: Writing, about: Mapping[str, object]) -> None:
        """Rule 1."""
        try:
            async with asyncio.timeout(PATIENCE):
                letter = await write()
                answer = await self._relayed(letter) if letter else None
        except Exception as fault:
            log.warning(f"{self._kind}.not-sent", fault=type(fault).__name__, **about)
            return
        if answer is None:
            return
        if fate_kind(answer) is FateKind.RELAYED:
            log.info(f"{self._kind}.sent", **about)
        else:
            log.warning(f"{self._kind}.not-sent", stage=answer.stage.value, code=answer.code, **about)

    async def _relayed(self, letter: Letter) -> Answer:
        content = self._signed(letter)
        async with self._smarthost.lease(1) as held:
            if isinstance(held, Answer):
                return held
            needed = letter.to.needs_smtputf8 or letter.sender.needs_smtputf8
            if needed and not held[0].takes_smtputf8:
                return NEEDS_SMTPUTF8
            return await held[0].relay(letter.sender.wire, letter.to.wire, content, smtputf8=needed)

    def _signed(self, letter: Letter) -> bytes:
        signers = self._signers.get(letter.sender.domain, ())
        signed_at = int(self._clock.now().timestamp())
        fields = [signer.sign(letter.content, signed_at=signed_at) for signer in signers]
        return b"".join([*fields, letter.content])


def identity(controller: Controller, words: Texts) -> str:
    """Who sends a letter, as far as that is configured, a line each (GDPR 13)."""
    return "\n".join(_identity(controller, words))


def _identity(controller: Controller, words: Texts) -> Iterator[str]:
    yield controller.name
    for label, value in (
        ("", controller.postal_address),
        (words.page_contact, controller.contact),
        (words.privacy_policy, controller.privacy_policy_url),
    ):
        if value:
            yield words.labelled.format(label=label, value=value) if label else value
