"""Copies of one message: who gets which notice and link, signed, and handed to the smarthost.

The message is read once and prepared once; per person only the link, and so the signature, differs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.address import Mailbox
from gateway.envelope import Answer, Envelope, Kind, Stage
from gateway.keys import Keys
from gateway.law.category import Category, Controller
from gateway.law.decision import Send
from gateway.law.reason import Ground
from gateway.mail.message import Message
from gateway.mail.notice import SLOT, Notice
from gateway.mail.report import delivery_report
from gateway.mail.rewrite import Form, Prepared, prepare, service_copy
from gateway.mail.signature import Signer
from gateway.mail.trace import date_time, received_field
from gateway.ports import Clock, Connection, Decided, Person
from gateway.texts import texts
from gateway.tokens import Token, seal

# RFC 6531 section 3.4 and contract section 4: what the next hop does not take is not sent to it.
NEEDS_SMTPUTF8 = Answer(
    Kind.REPLY, Stage.RCPT, code=553, enhanced="5.6.7", text="the next hop takes no such address (SMTPUTF8)"
)
# RFC 3463 section 3.7: a header field or signed part in 8 bits, which is nobody's to re-encode.
NEEDS_8BIT = Answer(
    Kind.REPLY,
    Stage.MAIL,
    code=554,
    enhanced="5.6.3",
    text="the next hop takes no 8-bit header fields or parts",
)


@dataclass(frozen=True, slots=True)
class Copyist:
    """What every copy of every message needs; `signers` by From: domain, none where the smarthost signs."""

    hostname: str
    public_url: str
    keys: Keys
    signers: Mapping[str, Sequence[Signer]]
    clock: Clock
    _notices: dict[tuple[str, str, str], Notice] = field(default_factory=dict, init=False, compare=False)

    def notice(self, controller: Controller, category: Category | None, ground: str) -> Notice:
        """What the copies say that go on this ground (law.reason.Ground; empty: relaxed by report mode)."""
        key = controller.id, category.id if category else "", ground
        if key not in self._notices:  # as many as there are categories and grounds
            self._notices[key] = _notice(controller, category, ground)
        return self._notices[key]

    def copies_of(
        self, envelope: Envelope, message: Message, controller: Controller, category: Category | None
    ) -> Copies:
        """The copies of one message."""
        return Copies(self, envelope, message, controller, category)


@dataclass(slots=True)
class Copies:
    """The copies of one message."""

    _of: Copyist
    _envelope: Envelope
    _message: Message
    _controller: Controller
    _category: Category | None
    _eight_bit: bool | None = None  # what the copies are prepared for
    _prepared: Prepared | None = None  # of marketing
    _service: bytes = b""  # of service mail: the one copy, signed
    _signers: Sequence[Signer] = field(init=False)
    _trace: dict[str, bytes] = field(init=False)

    def __post_init__(self) -> None:
        envelope, hostname = self._envelope, self._of.hostname
        domains = self._message.from_domains()
        self._signers = [signer for domain in sorted(domains) for signer in self._of.signers.get(domain, ())]
        self._trace = {
            "received": received_field(
                helo=envelope.helo,
                peer=envelope.peer,
                by=hostname,
                protocol=envelope.protocol,
                ref=envelope.ref,
                at=envelope.received_at,
            ),
            "date": date_time(envelope.received_at).encode(),
            "message_id": f"<{envelope.ref}@{hostname}>".encode(),
        }

    def prepare(self, connections: Sequence[Connection]) -> None:
        """Make ready for what these connections take. Raises CannotCarryNoticeError."""
        eight_bit = all(connection.takes_8bit for connection in connections)
        if eight_bit == self._eight_bit:
            return
        if self._category is not None and self._category.is_service:
            service = service_copy(self._message, eight_bit=eight_bit, **self._trace)
            signed_at = self._signed_at
            fields = [signer.sign(service, signed_at=signed_at) for signer in self._signers]
            self._service = b"".join([*fields, service])
        else:
            self._prepared = prepare(self._message, eight_bit=eight_bit, **self._trace)
        self._eight_bit = eight_bit

    def copy(self, person: Person, decided: Decided) -> bytes:
        """The signed copy that a decision lets go; after `prepare`. Raises what keeps it from being made."""
        if self._prepared is None:
            return self._service
        decision = decided.decision
        ground = decision.ground if isinstance(decision, Send) else ""
        form = self._prepared.form(self._of.notice(self._controller, self._category, ground))
        link = self._link(person, decided, consent=ground == Ground.CONSENT)
        return b"".join([*self._signatures(form, link), form.copy(link)])

    def _signatures(self, form: Form, link: str) -> list[bytes]:
        """Under every key of its From: domain (RFC 6376 section 3.5)."""
        if not self._signers:
            return []
        header, digest, signed_at = form.covered(link), form.body_digest(link), self._signed_at
        return [signer.sign_parts(header, digest, signed_at=signed_at) for signer in self._signers]

    async def relay(self, copy: bytes, recipient: Mailbox, connection: Connection) -> Answer:
        """Hand a copy over for one recipient, exactly as decided on (I9)."""
        sender = self._envelope.sender
        needed = recipient.needs_smtputf8 or (sender is not None and sender.needs_smtputf8)
        if needed and not connection.takes_smtputf8:
            return NEEDS_SMTPUTF8
        if not self._eight_bit and not copy.isascii():
            return NEEDS_8BIT
        declared = connection.takes_smtputf8 and self._envelope.protocol.startswith("UTF8")  # RFC 6531
        return await connection.relay(
            sender.wire if sender else "", recipient.wire, copy, smtputf8=needed or declared
        )

    def delivery_report(self, to: Mailbox, refused: Sequence[tuple[Mailbox, Answer]]) -> bytes:
        """The report on those whom the smarthost finally refused (RFC 3464)."""
        ref, hostname = self._envelope.ref, self._of.hostname
        return delivery_report(
            reporting_mta=hostname,
            ref=ref,
            to=to,
            arrival=self._envelope.received_at,
            refused=refused,
            original_headers=self._message.content[: self._message.header_end],
            boundary=f"=_report_{ref}",
            date=self._of.clock.now(),
            message_id=f"<report.{ref}@{hostname}>",
        )

    def _link(self, person: Person, decided: Decided, *, consent: bool) -> str:
        """A person's own way out of what this message is."""
        token = Token(
            decision=decided.id,
            person=person.hash,
            controller=self._controller.id,
            category=self._category.id if self._category else "",
            consent=consent,
        )
        return f"{self._of.public_url}/u/{seal(token, self._of.keys)}"

    @property
    def _signed_at(self) -> int:
        return int(self._of.clock.now().timestamp())


def _notice(controller: Controller, category: Category | None, ground: str) -> Notice:
    words = controller.pack.advertising_word or {}
    return Notice(
        controller=controller.name,
        postal_address=controller.postal_address,
        privacy_policy_url=controller.privacy_policy_url,
        category=category.title if category else "",
        link=SLOT,
        words=texts(controller.language),
        ground=ground,
        advertising=words.get(controller.language, ""),
        profiled=category is not None and category.profiled,
    )
