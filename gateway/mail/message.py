"""A message as received: its header as exact byte slices, and what the gateway asks of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from functools import lru_cache
from io import IncrementalNewlineDecoder
from typing import NamedTuple

from gateway.mail import originator, provider
from gateway.mail.originator import OriginatorError
from gateway.mail.shapes import Refusal

MAX_FIELDS = 5_000  # of a header; Postfix takes 100 kB of it
MAX_CAMPAIGN = 200  # characters kept of a campaign's name
_MAX_DECODED = 4000  # octets of a field that are decoded for reading; no subject is longer

# RFC 5322 section 3.6: at most one of each; RFC 2045 section 3 for the MIME fields. Readers differ in
# which of two they show, so two of one are refused.
SINGLE = (
    *("from", "sender", "reply-to", "to", "cc", "subject", "date"),
    *("message-id", "in-reply-to", "references"),
    *("mime-version", "content-type", "content-transfer-encoding", "content-disposition"),
)
_SINGLE = frozenset(SINGLE)
# Fields the way puts in front, and signatures: a retry may carry others (I5).
_TRACE = frozenset({"received", "return-path", "dkim-signature", "authentication-results"})
_ARC = "arc-"  # RFC 8617

# RFC 5322 section 2.2 and 2.2.3: a name, a colon at once after it, a body that may be folded.
_NAME = re.compile(rb"([!-9;-~]+):")
_END = re.compile(rb"\r\n(?![ \t])")
_UNFOLDED = re.compile(rb"([!-9;-~]+):([^\r\n]*)\r\n(?![ \t])")  # as most are

# What the sender calls its campaign: by our own field, or by its tool's, nearest to the tool first.
_CAMPAIGN_FIELDS = (
    "x-sendright-campaign",
    "x-messageid",
    "x-listmonk-campaign",
    "x-email-id",  # Mautic
    "x-mautic-campaign",
    "x-camptrackid",  # SuiteCRM
    "x-tag",  # Symfony Mailer, Laravel
    "x-mailgun-tag",
    "x-pm-tag",
    "x-mailin-tag",
    "x-mc-tags",
    "x-mailjet-campaign",
    "x-mj-customid",
    "x-ses-message-tags",
    "x-campaign",
    "x-campaign-id",
    "x-campaignid",
    "feedback-id",
    "list-id",
)


class UnparsableError(ValueError):
    """Not a message that can be handled surely; the text is safe to show to the peer."""


class Field(NamedTuple):
    """One header field: `key` is its name in lower case, `raw` its octets with folding and final CRLF."""

    key: str
    raw: bytes
    value: bytes  # unfolded (RFC 5322 section 2.2.3) and stripped


@lru_cache(maxsize=1024)
def _key(name: bytes) -> str:
    return name.decode("ascii").lower()


def _unfolded(block: bytes, at: int) -> Field | None:
    found = _UNFOLDED.match(block, at)
    return Field(_key(found[1]), found[0], found[2].strip()) if found else None


def _folded(block: bytes, at: int) -> Field | None:
    name = _NAME.match(block, at)
    end = _END.search(block, name.end()) if name else None
    if not (name and end):
        return None
    value = block[name.end() : end.start()].replace(b"\r\n", b"").strip()
    return Field(_key(name[1]), block[at : end.end()], value)


def read_fields(block: bytes, most: int = MAX_FIELDS) -> tuple[tuple[Field, ...], int]:
    """The fields at the start of `block`, and how many octets they fill; stops at the first that is none."""
    fields: list[Field] = []
    at = 0
    while len(fields) < most and (field := _unfolded(block, at) or _folded(block, at)):
        fields.append(field)
        at += len(field.raw)
    return tuple(fields), at


@dataclass(frozen=True, slots=True)
class Message:
    """A message with a header that can be trusted to mean one thing.

    `body` is the offset of the body in `content`; `header_end` that of the empty line before it, equal
    to `body` when the message ends with its header (RFC 5322 section 2.1).
    """

    content: bytes
    fields_all: tuple[Field, ...]
    header_end: int
    body: int
    _domains: frozenset[str]

    @classmethod
    def parse(cls, content: bytes, *, most_fields: int = MAX_FIELDS) -> Message:
        """Read a message. Raises UnparsableError, with a detail safe to show, when its header is broken."""
        if b"\0" in content or not _has_plain_line_ends(content):
            raise UnparsableError(Refusal.LINE_ENDS)
        end = content.find(b"\r\n\r\n")
        header_end = len(content) if end < 0 else end + 2
        fields, read = read_fields(content[:header_end], most_fields)
        if read != header_end or not fields:
            raise UnparsableError(Refusal.HEADER)
        _check_single(fields)
        return cls(content, fields, header_end, header_end + 2 * (end >= 0), _domains(fields))

    def fields(self, name: str) -> tuple[Field, ...]:
        """Every field of that name, in order."""
        key = name.lower()
        return tuple(field for field in self.fields_all if field.key == key)

    def first(self, name: str) -> bytes | None:
        """The unfolded value of the first field of that name."""
        key = name.lower()
        return next((field.value for field in self.fields_all if field.key == key), None)

    def decoded(self, name: str) -> str:
        """The first field of that name as a reader sees it (RFC 2047); empty when absent."""
        return _readable(self.first(name) or b"")

    def from_domains(self) -> frozenset[str]:
        """The domain of every mailbox in From:, as lower-case A-labels."""
        return self._domains

    @property
    def message_id(self) -> str:
        """The Message-ID as written, printable; empty when absent."""
        return _printable((self.first("message-id") or b"").decode("utf-8", "replace"))

    @property
    def received_count(self) -> int:
        """How many servers it has passed (RFC 5321 section 6.3)."""
        return len(self.fields("received"))

    def category_asked(self) -> tuple[str, ...]:
        """The value of every X-Sendright-Category; an empty one stays, as an empty text."""
        return tuple(
            field.value.decode("utf-8", "replace").strip() for field in self.fields("x-sendright-category")
        )

    def campaign(self) -> str:
        """What the sender calls this mailing: our own field, else its tool's; printable, bounded."""
        return next((name for name in map(_campaign, self._campaign_values()) if name), "")

    def _campaign_values(self) -> Iterator[bytes]:
        values = {field.key: field.value for field in reversed(self.fields_all)}  # the first of each name
        if "x-phplist-version" not in values:
            values.pop("x-messageid", None)  # only phpList means its campaign by it
        return (values[name] for name in _CAMPAIGN_FIELDS if name in values)

    def hidden_recipients(self) -> bool:
        """Whether a provider's control field names recipients: they would escape every decision (I1)."""
        return any(provider.names_recipients(field.key, field.value) for field in self.fields_all)

    @property
    def without_control_fields(self) -> tuple[Field, ...]:
        """The fields that may go on to the next hop."""
        return tuple(field for field in self.fields_all if not provider.is_control(field.key))

    def fingerprint_content(self) -> bytes:
        """The octets by which a retry is recognised: all but trace and signature fields (I5)."""
        kept: list[bytes | memoryview] = [
            field.raw
            for field in self.fields_all
            if field.key not in _TRACE and not field.key.startswith(_ARC)
        ]
        return b"".join([*kept, memoryview(self.content)[self.header_end :]])


def _has_plain_line_ends(content: bytes) -> bool:
    """Whether each CR and LF is one of a CRLF (RFC 5321 section 2.3.8)."""
    met = IncrementalNewlineDecoder(None, translate=False)  # one pass, where to count takes three
    met.decode(content.decode("latin-1"), final=True)
    return met.newlines in (None, "\r\n")


def _check_single(fields: tuple[Field, ...]) -> None:
    keys = [field.key for field in fields if field.key in _SINGLE]
    if len(set(keys)) == len(keys):
        return
    twice = next(name for name in SINGLE if keys.count(name) > 1)
    raise UnparsableError(Refusal.TWICE.format(field=twice.title()))


def _domains(fields: tuple[Field, ...]) -> frozenset[str]:
    values = [field.value for field in fields if field.key == "from"]
    if not values:  # RFC 5322 section 3.6: From is required
        raise UnparsableError(Refusal.NO_FROM)
    try:
        return frozenset(mailbox.domain for mailbox in originator.mailboxes(values[0]))
    except OriginatorError:
        raise UnparsableError(Refusal.FROM) from None


def _campaign(value: bytes) -> str:
    text = _readable(value)
    if text.endswith(">") and "<" in text:  # RFC 2919: the name before a List-Id is free text
        text = text[text.rindex("<") + 1 : -1]
    return text[:MAX_CAMPAIGN].strip()


def _readable(value: bytes) -> str:
    value = value[:_MAX_DECODED]
    text = value.decode("utf-8", "replace")
    if "=?" in text:
        with suppress(HeaderParseError, LookupError, ValueError):  # as written, then
            text = str(make_header(decode_header(text)))
    return _printable(text)


def _printable(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
