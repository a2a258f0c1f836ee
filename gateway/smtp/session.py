"""The SMTP commands, one method each (RFC 5321 section 4.1), as contract section 4 says."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from gateway.address import Mailbox
from gateway.envelope import Envelope, Recipient
from gateway.ports import StoreUnavailableError
from gateway.smtp import auth, reply
from gateway.smtp.auth import CancelledError, Credentials, GarbledError, Login, decoded
from gateway.smtp.connection import Connection, HangUpError
from gateway.smtp.data import BareOctetsError, Content
from gateway.smtp.path import RefusedError, mail_from, rcpt_to
from gateway.smtp.reception import Reception
from gateway.smtp.reply import Reply

VERBS = ("HELO", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "RSET", "NOOP", "VRFY", "QUIT")
MAX_FAILED_LOGINS = 3
_NAME = re.compile(rb"[!-~]{1,255}")  # of a client that introduces itself

Exchange = Callable[..., Awaitable[Credentials]]  # takes the initial response, if there is one

log = structlog.get_logger()


@dataclass(slots=True)
class Transaction:
    """What is known since MAIL (RFC 5321 section 3.3)."""

    submission: int
    ref: str
    login: Login
    sender: Mailbox | None
    size: int  # declared, in octets; 0 without
    smtputf8: bool
    recipients: dict[str, Recipient] = field(default_factory=dict)  # by comparable spelling


class Session(Connection):
    """One client's session, from its first command to QUIT."""

    verbs = tuple(f"smtp_{verb}" for verb in VERBS)

    def __init__(self, reception: Reception) -> None:
        super().__init__(reception)
        self._helo = ""  # what the client calls itself
        self._extended = False  # whether it did so with EHLO
        self._login: Login | None = None
        self._authenticated = False
        self._failed_logins = 0
        self._mail: Transaction | None = None

    @property
    def ref(self) -> str:
        """The submission's reference, where there is one."""
        return self._mail.ref if self._mail else super().ref

    @property
    def idle(self) -> bool:
        """Whether no transaction is under way."""
        return self._mail is None

    def forget(self) -> None:
        """Begin anew; a login by network stands, unless an AUTH has failed since (contract section 3)."""
        self._helo, self._extended, self._mail = "", False, None
        self._authenticated = False
        self._login = None if self._failed_logins else self.reception.logins.by_network(self.peer)

    # --- introduction

    async def smtp_HELO(self, argument: bytes) -> Reply:  # noqa: N802  # aiosmtpd's naming, so in all below
        """RFC 5321 section 4.1.1.1."""
        return self._introduced(argument, extended=False)

    async def smtp_EHLO(self, argument: bytes) -> Reply:  # noqa: N802
        """RFC 5321 section 4.1.1.1, with the extensions offered now."""
        return self._introduced(argument, extended=True)

    def _introduced(self, argument: bytes, *, extended: bool) -> Reply:
        if not _NAME.fullmatch(argument):
            return reply.SYNTAX
        self._helo, self._extended, self._mail = argument.decode("ascii"), extended, None
        return reply.hello(self.settings.hostname, self._offers() if extended else ())

    def _offers(self) -> list[str]:
        offers = ["PIPELINING", f"SIZE {self.settings.max_message_bytes}", "ENHANCEDSTATUSCODES"]
        offers += ["8BITMIME", "SMTPUTF8"]
        if self.settings.tls_context and not self.encrypted:
            offers.append("STARTTLS")
        if self._may_authenticate:
            offers.append("AUTH PLAIN LOGIN")
        return offers

    async def smtp_STARTTLS(self, argument: bytes) -> Reply | None:  # noqa: N802
        """RFC 3207; what follows in the clear is discarded, and so is all we know (CVE-2011-0411)."""
        if argument:
            return reply.SYNTAX
        if not self.settings.tls_context:
            return reply.NOT_IMPLEMENTED
        if self.encrypted or not self._helo:
            return reply.BAD_SEQUENCE
        await self.start_tls()
        return None

    # --- login

    @property
    def _needs_tls(self) -> bool:
        return self.settings.require_tls and not self.encrypted

    @property
    def _may_authenticate(self) -> bool:
        """Secrets go over TLS, or never leave the machine."""
        return (self.encrypted or self.local) and not self._needs_tls

    async def smtp_AUTH(self, argument: bytes) -> Reply:  # noqa: N802
        """RFC 4954; mechanism names in any case."""
        if self._needs_tls:
            return reply.NEEDS_STARTTLS
        if not self._extended or self._mail or self._authenticated:
            return reply.BAD_SEQUENCE
        if not self._may_authenticate:
            return reply.AUTH_NEEDS_TLS
        mechanism, *initial = argument.split() or [b""]
        if len(initial) > 1:
            return reply.SYNTAX
        match mechanism.upper():
            case b"PLAIN":
                return await self._log_in(self._plain, *initial)
            case b"LOGIN":
                return await self._log_in(self._login_exchange, *initial)
        return reply.AUTH_UNKNOWN if mechanism else reply.SYNTAX

    async def _log_in(self, exchange: Exchange, *initial: bytes) -> Reply:
        """Log in, or be nobody: not even the login of the network (contract section 3)."""
        self._login = None
        try:
            credentials = await exchange(*initial)
        except CancelledError:
            return self._failed(reply.AUTH_CANCELLED)
        except GarbledError:
            return self._failed(reply.AUTH_GARBLED)
        self._login = self.reception.logins.by_secret(credentials.name, credentials.secret)
        if not self._login:
            return self._failed(reply.WRONG_SECRET)
        self._authenticated = True
        return reply.LOGGED_IN

    def _failed(self, said: Reply) -> Reply:
        """Count a failed login; too many end the session."""
        self._failed_logins += 1
        log.info("login failed", times=self._failed_logins)
        if self._failed_logins >= MAX_FAILED_LOGINS:
            self.say(said)
            raise HangUpError(reply.TOO_MANY_LOGINS)
        return said

    async def _plain(self, initial: bytes | None = None) -> Credentials:
        """RFC 4616."""
        return auth.plain(decoded(await self._ask(reply.ASK_INITIAL) if initial is None else initial))

    async def _login_exchange(self, initial: bytes | None = None) -> Credentials:
        """The two questions of LOGIN, of which the first may be answered beforehand."""
        name = decoded(await self._ask(reply.ASK_USERNAME) if initial is None else initial)
        return auth.login(name, decoded(await self._ask(reply.ASK_PASSWORD)))

    async def _ask(self, challenge: Reply) -> bytes:
        self.say(challenge)
        return await self.line()

    # --- envelope

    async def smtp_MAIL(self, argument: bytes) -> Reply:  # noqa: N802
        """RFC 5321 section 4.1.1.2."""
        if self.reception.draining:
            raise HangUpError(reply.SHUTTING_DOWN)
        if self._needs_tls:
            return reply.NEEDS_STARTTLS
        if not self._helo or self._mail:
            return reply.BAD_SEQUENCE
        if not self._login:
            return reply.NOT_LOGGED_IN
        try:
            asked = mail_from(argument)
        except RefusedError as refused:
            return refused.reply
        if asked.sender and asked.sender.domain not in self._login.envelope_domains:
            return reply.SENDER_NOT_ALLOWED
        if asked.size > self.settings.max_message_bytes:  # RFC 1870 section 6.1
            return reply.TOO_BIG
        submission, ref = self.reception.submissions.new_submission()
        self._mail = Transaction(submission, ref, self._login, asked.sender, asked.size, asked.smtputf8)
        return reply.SENDER_OK

    async def smtp_RCPT(self, argument: bytes) -> Reply:  # noqa: N802
        """RFC 5321 section 4.1.1.3; a mailbox that is there already is kept once."""
        if not self._mail:
            return reply.BAD_SEQUENCE
        try:
            recipient = rcpt_to(argument, smtputf8=self._mail.smtputf8)
        except RefusedError as refused:
            return refused.reply
        comparable = recipient.mailbox.comparable
        if comparable in self._mail.recipients:
            return reply.RECIPIENT_OK
        if len(self._mail.recipients) >= self.settings.max_recipients:
            return reply.TOO_MANY_RECIPIENTS
        if refusal := await self._withheld(self._mail, recipient.mailbox):
            return refusal
        self._mail.recipients[comparable] = recipient
        return reply.RECIPIENT_OK

    async def _withheld(self, mail: Transaction, mailbox: Mailbox) -> Reply | None:
        """The refusal of a recipient, for a login that wants it here and whose category is beyond doubt."""
        if mail.login.on_withheld != "reject" or len(mail.login.categories) != 1:
            return None
        ask = self.reception.submissions.withheld_at_rcpt
        try:
            return reply.withheld(mail.ref) if await ask(mail.login.name, mailbox, mail.submission) else None
        except StoreUnavailableError as error:
            log.warning("store unavailable", ref=mail.ref, cause=str(error))
            return reply.fault(mail.ref)

    # --- message

    async def smtp_DATA(self, argument: bytes) -> Reply | None:  # noqa: N802
        """RFC 5321 section 4.1.1.4: one message read, handed over, and answered."""
        if refusal := self._no_data(argument):
            if self.incoming:  # the content came without waiting: its lines are no commands (RFC 2920)
                raise HangUpError(refusal)
            return refusal
        self.say(reply.GO_AHEAD)
        refusal = await self._receive(self._mail) if self._mail else None
        if refusal:
            self.note_refused(refusal)
        self._mail = None
        return refusal

    def _no_data(self, argument: bytes) -> Reply | None:
        if argument:
            return reply.SYNTAX
        if not self._mail:
            return reply.BAD_SEQUENCE
        return None if self._mail.recipients else reply.NO_RECIPIENTS

    async def _receive(self, mail: Transaction) -> Reply | None:
        """Read the content and answer for it; the refusal, if it is not to be handed over."""
        content = Content(self.settings.max_message_bytes)
        with self.reception.room.share() as share:
            fits = share.grow(mail.size)
            octets = self.incoming.take() or await self.octets()
            while (behind := self._fed(content, octets)) is None:
                fits = fits and share.grow(content.held)
                if not fits:
                    content.discard()
                octets = await self.octets()
            self.incoming.feed(behind)
            if content.too_big:
                return reply.TOO_BIG
            if not (fits and share.grow(content.held)):
                return reply.NO_ROOM
            envelope = self._envelope(mail, content.whole())
            self.answer(await self.reception.submissions.submit(envelope, self.gone))
            self.bear_fruit()
        return None

    def _fed(self, content: Content, octets: bytes) -> bytes | None:
        try:
            return content.feed(octets)
        except BareOctetsError:
            raise HangUpError(reply.BARE_OCTETS) from None

    def _envelope(self, mail: Transaction, content: bytes) -> Envelope:
        return Envelope(
            ref=mail.ref,
            submission=mail.submission,
            login=mail.login.name,
            sender=mail.sender,
            recipients=tuple(mail.recipients.values()),
            content=content,
            received_at=self.reception.clock.now(),
            peer=str(self.peer),
            helo=self._helo,
            protocol=self._protocol(mail),
        )

    def _protocol(self, mail: Transaction) -> str:
        """RFC 3848; RFC 6531 section 4.3 for messages under SMTPUTF8."""
        if not self._extended:
            return "SMTP"
        protocol = "UTF8SMTP" if mail.smtputf8 else "ESMTP"
        return protocol + "S" * self.encrypted + "A" * self._authenticated

    # --- the rest

    async def smtp_RSET(self, argument: bytes) -> Reply:  # noqa: N802
        """RFC 5321 section 4.1.1.5."""
        self._mail = None
        return reply.SYNTAX if argument else reply.OK

    async def smtp_NOOP(self, argument: bytes) -> Reply:  # noqa: ARG002, N802  # RFC 5321 4.1.1.9: ignored
        """RFC 5321 section 4.1.1.9."""
        return reply.OK

    async def smtp_VRFY(self, argument: bytes) -> Reply:  # noqa: N802
        """RFC 5321 section 7.3: who exists is not told."""
        return reply.CANNOT_VERIFY if argument else reply.SYNTAX

    async def smtp_QUIT(self, argument: bytes) -> Reply | None:  # noqa: N802
        """RFC 5321 section 4.1.1.10."""
        if argument:
            return reply.SYNTAX
        raise HangUpError(reply.BYE)
