"""Pages made once: the same for the same, never one for another, and bounded."""

from __future__ import annotations

from gateway.web import made as module
from gateway.web.made import Made


def test_a_page_is_made_once_for_each_key() -> None:
    """Whoever is shown the same is shown what was made for the first; another key has its own."""
    made, counted = Made(), iter(range(100))

    shown = [made.page(key, lambda: f"page {next(counted)}") for key in ("a", "b", "a")]

    assert shown == ["page 0", "page 1", "page 0"]


def test_what_is_kept_is_bounded() -> None:
    """Beyond so many, the one made first is made anew."""
    made = Made()
    for key in range(module.MOST + 1):
        made.page(key, str)

    assert made.page(0, lambda: "anew") == "anew"
    assert made.page(module.MOST, lambda: "anew") == ""
