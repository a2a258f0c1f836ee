"""Claims about which category a message has (contract section 4)."""

from __future__ import annotations

import pytest

from gateway.law.category import CategoryNotAllowedError, classify
from tests.law.people import NEWS, service

INVOICE = service("contract")
ALLOWED = {"news": NEWS, "service": INVOICE}


def test_a_message_may_choose_among_what_its_login_may_use() -> None:
    """The category asked for wins over the default."""
    assert classify(("service",), ALLOWED, NEWS) is INVOICE


def test_a_message_that_asks_nothing_has_the_default() -> None:
    """Without the field the login's default counts, also when it has none."""
    assert classify((), ALLOWED, NEWS) is NEWS
    assert classify((), ALLOWED, None) is None


@pytest.mark.parametrize(
    "asked",
    [
        ("offers",),
        ("",),
        (" ",),
        ("News",),
        ("nieuws",),
        ("news", "news"),
        ("news", "service"),
        ("news", ""),
        ("news, service",),
    ],
)
def test_a_message_cannot_widen_its_login(asked: tuple[str, ...]) -> None:
    """What the login may not use, an empty name, and more than one are refused (L14)."""
    with pytest.raises(CategoryNotAllowedError):
        classify(asked, ALLOWED, NEWS)


def test_a_login_without_categories_may_choose_none() -> None:
    """Nothing to choose from, nothing to choose."""
    with pytest.raises(CategoryNotAllowedError):
        classify(("news",), {}, None)
