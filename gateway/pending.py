"""What waits for somebody's click in a mail: a consent or an objection, all of it sealed in the link.

Nothing is stored until the click: what was asked in somebody else's name leaves no trace (GDPR 5(1)(c)).
"""

from __future__ import annotations

import json
import zlib
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta

from gateway import sealing
from gateway.keys import Keys

VALID = timedelta(days=7)  # for a consent
LONGEST = 4000  # characters, well within the 8 kB that HTTP servers take for a request line

_PURPOSE = b"confirm"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Topic:
    """One consent that is asked for: a category, in exactly these words of that version (L1, L2)."""

    category: str
    wording: str
    version: str
    third_party: str = ""  # another company whose advertising the words name (L8)
    profiling: bool = False  # whether the words say that the person is profiled (L19)


@dataclass(frozen=True, slots=True)
class Pending:
    """What somebody asked for, for this address. Without topics it is an objection to all marketing."""

    controller: str
    address: str  # as it was typed
    language: str
    page: str  # where it was asked
    asked_at: datetime  # aware
    topics: tuple[Topic, ...] = ()


class TooLongError(ValueError):
    """What is to be confirmed does not fit into a link."""


def seal(pending: Pending, keys: Keys) -> str:
    """The token of a confirmation link. Raises TooLongError."""
    text = sealing.seal(_packed(pending), keys, _PURPOSE)
    if len(text) > LONGEST:
        raise TooLongError(f"a confirmation link has room for {LONGEST} characters, not {len(text)}")
    return text


def unseal(text: str, keys: Keys, now: datetime) -> Pending | None:
    """What was sealed in this token; None for whatever we did not seal, or a consent asked too long ago.

    An objection has no such time: a link that dies would be an objection refused (L11).
    """
    packed = sealing.unseal(text, keys, _PURPOSE)
    pending = _unpacked(packed) if packed is not None else None
    if pending and pending.topics and now - pending.asked_at >= VALID:
        return None
    return pending


def _packed(one: Pending) -> bytes:
    topics = list(map(astuple, one.topics))
    asked_at = (one.asked_at - _EPOCH) // _MICROSECOND
    said = [one.controller, one.address, one.language, one.page, asked_at, topics]
    return zlib.compress(json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode(), 9)


def _unpacked(octets: bytes) -> Pending:
    controller, address, language, page, asked_at, topics = json.loads(zlib.decompress(octets))
    return Pending(
        controller,
        address,
        language,
        page,
        _EPOCH + timedelta(microseconds=asked_at),
        tuple(Topic(*topic) for topic in topics),
    )
