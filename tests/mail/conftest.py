"""What the tests of mail share: the words of a notice, and a notice."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from gateway.mail.notice import Notice


@dataclass(frozen=True)
class Words:
    """Words short enough to find again."""

    because_consent: str = "You asked {controller} for {category}."
    because_customer: str = "You bought from {controller} before."
    because_other: str = "This was sent to you by {controller}."
    unsubscribe: str = "Unsubscribe"
    profiled: str = "A profile chose you for this; the same page switches that off."
    privacy_policy: str = "Privacy policy"
    labelled: str = "{label}: {value}"


@pytest.fixture(scope="session")
def notice() -> Notice:
    """An ASCII notice on consent."""
    return Notice(
        controller="Bakkerij De Zon",
        postal_address="Dorpsstraat 1, 1234 AB Zonstad",
        privacy_policy_url="https://zon.example/privacy",
        category="Nieuwsbrief",
        link="https://gw.example/u/" + "Ab_-" * 16,
        words=Words(),
        ground="consent",
    )
