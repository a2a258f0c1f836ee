"""How often something was tried of late, by or for one and the same: the one home of such limits."""

from __future__ import annotations

from datetime import datetime, timedelta

MOST_KEYS = 10_000  # remembered; beyond, those whose window began first are forgotten


class Tries:
    """At most so many of each key in a window; a window begins with the first try in it."""

    def __init__(self, most: int, window: timedelta) -> None:
        self._most = most
        self._window = window
        self._counts: dict[str, tuple[datetime, int]] = {}  # when its window began, how many in it

    def wait(self, key: str, now: datetime) -> int:
        """Whole seconds until this key may be tried again; 0 when it may now."""
        began, count = self._counts.get(key, (now, 0))
        left = self._window - (now - began)
        return int(left.total_seconds()) + 1 if count >= self._most and left > timedelta() else 0

    def count(self, key: str, now: datetime) -> None:
        """Note a try."""
        began, count = self._counts.get(key, (now, 0))
        if key in self._counts and now - began < self._window:
            self._counts[key] = (began, count + 1)
            return
        self._counts.pop(key, None)  # so that they stand in the order in which their windows began
        if len(self._counts) >= MOST_KEYS:
            del self._counts[next(iter(self._counts))]
        self._counts[key] = (now, 1)

    def take_back(self, key: str) -> None:
        """One try of a key was no guess after all."""
        if key in self._counts:
            began, count = self._counts[key]
            self._counts[key] = (began, count - 1)
