"""Pages that are the same for many readers, made once."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Page = TypeVar("Page")

MOST = 500  # pages of some 10 kB that are kept; beyond, the one made first is made anew


class Made(Generic[Page]):
    """The pages of one handler, by what they are made from."""

    def __init__(self) -> None:
        self._pages: dict[Hashable, Page] = {}

    def page(self, key: Hashable, make: Callable[[], Page]) -> Page:
        """The page of this key; `make` makes it where it is not there yet."""
        if key not in self._pages:
            if len(self._pages) >= MOST:
                del self._pages[next(iter(self._pages))]
            self._pages[key] = make()
        return self._pages[key]
