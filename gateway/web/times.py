"""Times as people write them in a query: a day (UTC), or a time with a zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.intake.fields import moment_of

_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


def is_time(text: str) -> bool:
    """Whether it is one or the other."""
    return (_day(text) or moment_of(text)) is not None


def since_of(text: str | None) -> datetime | None:
    """From when: a day counts from its start."""
    return _within(_day(text) or moment_of(text)) if text else None


def until_of(text: str | None) -> datetime | None:
    """Up to when, not included: a day counts to its end."""
    day = _within(_day(text)) if text else None
    return day + timedelta(days=1) if day else _within(moment_of(text))


def _day(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        return None


def _within(moment: datetime | None) -> datetime | None:
    """A moment with room for arithmetic on either side; nothing is on record beyond."""
    return min(max(moment, _EARLIEST), _LATEST) if moment else None
