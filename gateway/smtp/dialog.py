"""The smarthost's side of the dialog, without I/O: replies out of octets, and what a reply means to a copy.

Rules of this file:

1. What is not a reply of RFC 5321 section 4.2, strictly read, is no reply at all: the dialog has lost its
   step, and whatever follows could be taken for the answer to another copy. The connection must go.
2. Every size is finite: a line, the lines of a reply, the replies not yet asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.envelope import Answer, Kind, Stage

MAX_LINE = 4096  # octets with CRLF; RFC 5321 section 4.5.3.1.5 says 512, real servers say more
MAX_LINES = 128  # of one reply
MAX_TEXT = 500  # characters of a reply kept in an Answer

# RFC 5321 section 4.2: Reply-code, then "-" before another line, or SP and text, or nothing.
_LINE = re.compile(rb"([2-5][0-5][0-9])(?:([ -])([^\r\n]*))?")
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?: +|$)")  # RFC 3463 section 2
_UNPRINTABLE = re.compile(rb"[^ -~]")
_SETUP_CODES = frozenset({530, 535, 538})  # contract section 4: our set-up's fault, wherever it is said
CLOSING = 421  # RFC 5321 section 3.8: in answer to any command


class GarbledError(Exception):
    """What the smarthost said is no SMTP reply; the message says why, in our own words."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: its code, and the text of its lines, made printable."""

    code: int
    lines: tuple[str, ...]

    @property
    def positive(self) -> bool:
        """Whether the command was carried out (2yz)."""
        return 200 <= self.code < 300

    @property
    def negative(self) -> bool:
        """Whether the command failed, for now (4yz) or for good (5yz)."""
        return 400 <= self.code < 600

    @property
    def ends_all(self) -> bool:
        """Whether it is about the connection or our set-up, not about the copy."""
        return self.code == CLOSING or self.code in _SETUP_CODES


class ReplyReader:
    """Cuts replies out of the octets as they come in."""

    def __init__(self) -> None:
        self._rest = b""  # the beginning of a line
        self._code = b""
        self._lines: list[str] = []

    @property
    def midway(self) -> bool:
        """Whether part of a reply has come in and the rest has not."""
        return bool(self._rest or self._lines)

    def feed(self, octets: bytes) -> Iterator[Reply]:
        """The replies that `octets` complete. Raises GarbledError; the reader is of no use after that."""
        octets, start = self._rest + octets, 0
        while (end := octets.find(b"\r\n", start, start + MAX_LINE)) >= 0:
            if (reply := self._add(octets[start:end])) is not None:
                yield reply
            start = end + 2
        self._rest = octets[start:]
        if len(self._rest) >= MAX_LINE:
            raise GarbledError("a reply line without end")

    def _add(self, line: bytes) -> Reply | None:
        """The reply that this line ends, if it does."""
        match = _LINE.fullmatch(line)
        if match is None:
            raise GarbledError("a line that is no SMTP reply")
        code, more, text = match.groups()
        if self._lines and code != self._code:  # RFC 5321 section 4.2.1: the code on each line is the same
            raise GarbledError("a reply with more than one code")
        self._code = code
        self._lines.append(_UNPRINTABLE.sub(b"?", text or b"").decode("ascii"))
        if more == b"-":
            if len(self._lines) >= MAX_LINES:
                raise GarbledError("a reply without end")
            return None
        reply = Reply(int(code), tuple(self._lines))
        self._lines = []
        return reply


def answer(stage: Stage, reply: Reply, kind: Kind = Kind.REPLY) -> Answer:
    """What a reply at a stage means to the copy: `kind`, unless its code says more."""
    if reply.code == CLOSING:
        kind = Kind.CLOSED
    elif reply.code in _SETUP_CODES:
        kind = Kind.SETUP
    enhanced, text = _enhanced(reply)
    return Answer(kind, stage, reply.code, enhanced, text[:MAX_TEXT])


def _enhanced(reply: Reply) -> tuple[str, str]:
    """The RFC 3463 status, if its class agrees with the reply's, and the text without any."""
    match = _ENHANCED.match(reply.lines[0])
    agrees = match is not None and match[1] == str(reply.code)[0]
    enhanced = ".".join(match.groups()) if match is not None and agrees else ""
    return enhanced, " ".join(_ENHANCED.sub("", line, count=1).strip() for line in reply.lines).strip()


@dataclass(frozen=True, slots=True)
class Offers:
    """What the smarthost's EHLO reply offers."""

    pipelining: bool = False  # RFC 2920
    eightbit: bool = False  # 8BITMIME, RFC 6152
    smtputf8: bool = False  # RFC 6531
    size: bool = False  # RFC 1870
    starttls: bool = False  # RFC 3207
    mechanisms: frozenset[str] = frozenset()  # AUTH, RFC 4954; upper case


def offers(reply: Reply) -> Offers:
    """The extensions an EHLO reply names (RFC 5321 section 4.1.1.1); its first line is a greeting."""
    words = [line.upper().split() for line in reply.lines[1:]]
    named = {line[0]: line[1:] for line in words if line}
    return Offers(
        pipelining="PIPELINING" in named,
        eightbit="8BITMIME" in named,
        smtputf8="SMTPUTF8" in named,
        size="SIZE" in named,
        starttls="STARTTLS" in named,
        mechanisms=frozenset(named.get("AUTH", ())),
    )


@dataclass(frozen=True, slots=True)
class Copy:
    """One message for one recipient, as it goes out; addresses stand between angle brackets."""

    sender: str  # empty for the null sender
    recipient: str
    content: bytes  # CRLF line ends only
    smtputf8: bool = False

    @property
    def eightbit(self) -> bool:
        """Whether the octets need 8BITMIME."""
        return not self.content.isascii()

    def fits(self, offered: Offers) -> bool:
        """Whether the smarthost offers what this copy needs (RFC 6152 section 3, RFC 6531 section 3.1)."""
        return (offered.eightbit or not self.eightbit) and (offered.smtputf8 or not self.smtputf8)

    def mail(self, offered: Offers) -> bytes:
        """The MAIL command, with the parameters the smarthost takes."""
        size = f" SIZE={len(self.content)}" if offered.size else ""
        body = " BODY=8BITMIME" if self.eightbit else ""
        utf8 = " SMTPUTF8" if self.smtputf8 else ""
        return self._line(f"MAIL FROM:<{self.sender}>{size}{body}{utf8}")

    def rcpt(self) -> bytes:
        """The RCPT command."""
        return self._line(f"RCPT TO:<{self.recipient}>")

    def _line(self, text: str) -> bytes:
        """One command line. Raises ValueError for an address with a line end, or not for this charset."""
        if "\r" in text or "\n" in text or "\0" in text:
            raise ValueError("an address with a line end")
        return text.encode("utf-8" if self.smtputf8 else "ascii") + b"\r\n"


def dot_stuffed(content: bytes) -> tuple[bytes, ...]:
    """The octets that carry `content` after 354, in pieces: dots doubled, then the line that ends it.

    RFC 5321 section 4.5.2. `content` has CRLF line ends only; it is copied only if a line begins with a dot.
    """
    dotted = content.rfind(b"\r\n.") >= 0  # none is found twice as fast from behind
    first = b"." if content.startswith(b".") else b""
    last = b".\r\n" if content.endswith(b"\r\n") or not content else b"\r\n.\r\n"
    return first, content.replace(b"\r\n.", b"\r\n..") if dotted else content, last
