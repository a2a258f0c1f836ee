"""Identifiers made by the application, and the reference by which people read them aloud.

An id has 63 bits, so that every database has a column for it: 41 bits of milliseconds since 2025 (until
2094), 12 bits of writer, 10 bits of counter. Within one writer ids only rise, also when the clock is set
back; so an id never lags the clock, and leads it at most by what the clock lost.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

_EPOCH = datetime(2025, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_WRITER_BITS = 12
_COUNTER_BITS = 10
_TIME_SHIFT = _WRITER_BITS + _COUNTER_BITS
_WRITERS = 1 << _WRITER_BITS
_COUNTERS = 1 << _COUNTER_BITS

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
_VALUES = {letter: value for value, letter in enumerate(_ALPHABET)}
_LOOK_ALIKES = str.maketrans("ilo", "110")
_REF_LENGTH = 13  # 65 bits


class Ids:
    """Makes ids, each greater than the one before; safe to call from any thread.

    `writer` is unique to the process among those running; only its lowest 12 bits are used.
    """

    def __init__(self, writer: int, now: Callable[[], datetime]) -> None:
        self._writer = (writer % _WRITERS) << _COUNTER_BITS
        self._now = now
        self._lock = Lock()
        self._last = 0  # milliseconds and counter, as one number

    def next(self) -> int:
        """A new id."""
        present = _milliseconds(self._now()) << _COUNTER_BITS
        with self._lock:
            self._last = max(self._last + 1, present)  # a full counter borrows from the next millisecond
            time, counter = divmod(self._last, _COUNTERS)
        return time << _TIME_SHIFT | self._writer | counter


def first_at(moment: datetime) -> int:
    """The lowest id that can be made at this moment; 0 before ids were made."""
    return max(_milliseconds(moment), 0) << _TIME_SHIFT


def time_of(number: int) -> datetime:
    """The moment an id was made at, in UTC, to the millisecond."""
    return _EPOCH + (number >> _TIME_SHIFT) * _MILLISECOND


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND


def ref(number: int) -> str:
    """The reference for an id: 13 lower-case letters and digits, in the same order as the ids."""
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(5 * (_REF_LENGTH - 1), -1, -5))


def from_ref(text: str) -> int:
    """The id that a reference names, read as people write it. Raises ValueError."""
    plain = text.strip().lower().translate(_LOOK_ALIKES)
    if len(plain) != _REF_LENGTH or not _VALUES.keys() >= set(plain):
        raise ValueError("not a reference")
    number = 0
    for letter in plain:
        number = number << 5 | _VALUES[letter]
    if number >= 1 << 63:
        raise ValueError("not a reference")
    return number
