"""How values are written in columns: times as microseconds, JSON as canonical text, details as a digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pydantic_core import to_json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MICROSECONDS_AN_HOUR = 60 * 60 * 1_000_000
_MICROSECONDS_A_DAY = 24 * _MICROSECONDS_AN_HOUR

SALT = 16  # octets

canonical = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False
).encode


def canonical_flat(details: Mapping[str, object]) -> bytes:
    """The octets of `canonical`, in a third of the time, of an object that holds no other objects."""
    return to_json(dict(sorted(details.items())))


def micros(moment: datetime) -> int:
    """An aware datetime as whole microseconds since 1970, UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(microseconds: int) -> datetime:
    """The aware UTC datetime that the column holds."""
    return _EPOCH + timedelta(microseconds=microseconds)


def day(microseconds: int) -> int:
    """The UTC day since 1970 in which the moment lies."""
    return microseconds // _MICROSECONDS_A_DAY


def hour(microseconds: int) -> int:
    """The UTC hour since 1970 in which the moment lies."""
    return microseconds // _MICROSECONDS_AN_HOUR


def start_of(hours: int) -> datetime:
    """The moment at which that hour since 1970 begins, in UTC."""
    return _EPOCH + timedelta(hours=hours)


def digest(salt: bytes, details: Mapping[str, object]) -> bytes:
    """What stays when details and their salt are erased: proof of what they were, readable by nobody (I7)."""
    return hashlib.sha256(salt + canonical(details).encode()).digest()


def storable(text: str) -> str:
    """Free text from outside without lone surrogates, which UTF-8 cannot hold; all else as it is."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
