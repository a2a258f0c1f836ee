"""The arguments of MAIL and RCPT, from the octets received to mailboxes, by our own parser alone (I9)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from gateway import address
from gateway.address import AddressError, Mailbox
from gateway.envelope import Recipient
from gateway.smtp import reply
from gateway.smtp.reply import Reply

# RFC 5321 section 4.1.2: a path in angle brackets, which a quoted local part may contain too; then
# parameters. A blank before the path is tolerated, many clients send one.
_ARGUMENT = r"{}: *<((?:\"(?:\\.|[^\"\\])*\"|[^<>\"])*)>((?: +[!-~]+)*) *"
_FROM = re.compile(_ARGUMENT.format("FROM").encode(), re.IGNORECASE)
_TO = re.compile(_ARGUMENT.format("TO").encode(), re.IGNORECASE)
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([!-~]+))?")

# Taken and ignored: RFC 4954 section 5 asks that AUTH= be; DSN (RFC 3461) is not offered, yet often used.
_TOLERATED_OF_MAIL = frozenset({"AUTH", "RET", "ENVID"})
_TOLERATED_OF_RCPT = frozenset({"NOTIFY", "ORCPT"})


class RefusedError(Exception):
    """The argument is refused with `reply`."""

    def __init__(self, said: Reply) -> None:
        super().__init__(said.text)
        self.reply = said


@dataclass(frozen=True, slots=True)
class MailFrom:
    """The argument of MAIL; `size` is the size declared (RFC 1870), in octets, 0 without."""

    sender: Mailbox | None  # None is the null sender <>
    size: int
    smtputf8: bool


def mail_from(argument: bytes) -> MailFrom:
    """Read the argument of MAIL. Raises RefusedError."""
    path, parameters = _split(_FROM, argument)
    size = 0
    for name, value in parameters.items():
        match name:
            case "SIZE":
                size = _size(value)
            case "BODY" if value and value.upper() in ("7BIT", "8BITMIME"):  # RFC 6152
                pass
            case "SMTPUTF8" if value is None:  # RFC 6531 section 3.4
                pass
            case _ if name not in _TOLERATED_OF_MAIL or value is None:
                raise RefusedError(reply.UNKNOWN_PARAMETER)
    sender = _sender(path) if path else None
    smtputf8 = "SMTPUTF8" in parameters
    if sender and sender.needs_smtputf8 and not smtputf8:
        raise RefusedError(reply.NEEDS_SMTPUTF8)
    return MailFrom(sender, size, smtputf8)


def rcpt_to(argument: bytes, *, smtputf8: bool) -> Recipient:
    """Read the argument of RCPT; `smtputf8` says whether MAIL declared it. Raises RefusedError."""
    path, parameters = _split(_TO, argument)
    if any(name not in _TOLERATED_OF_RCPT or value is None for name, value in parameters.items()):
        raise RefusedError(reply.UNKNOWN_PARAMETER)
    mailbox = _mailbox(path, reply.BAD_RECIPIENT)
    if mailbox.needs_smtputf8 and not smtputf8:
        raise RefusedError(reply.NEEDS_SMTPUTF8)
    return Recipient(mailbox, notify_never=(parameters.get("NOTIFY") or "").upper() == "NEVER")


def _split(pattern: re.Pattern[bytes], argument: bytes) -> tuple[bytes, dict[str, str | None]]:
    """The path without its brackets, and the parameters by upper-case name."""
    found = pattern.fullmatch(argument)
    if not found:
        raise RefusedError(reply.SYNTAX)
    parameters: dict[str, str | None] = {}
    for word in found[2].decode("ascii").split():
        parameter = _PARAMETER.fullmatch(word)
        if not parameter or parameter[1].upper() in parameters:
            raise RefusedError(reply.SYNTAX)
        parameters[parameter[1].upper()] = parameter[2]
    return found[1], parameters


def _size(value: str | None) -> int:
    """RFC 1870 section 3: 1 to 20 digits."""
    if value is None or len(value) > 20 or not value.isdigit():
        raise RefusedError(reply.SYNTAX)
    return int(value)


@lru_cache(maxsize=64)  # a tool has few; a recipient is never kept
def _sender(path: bytes) -> Mailbox:
    return _mailbox(path, reply.BAD_SENDER)


def _mailbox(path: bytes, otherwise: Reply) -> Mailbox:
    try:
        return address.parse(path)
    except AddressError:
        raise RefusedError(otherwise) from None
