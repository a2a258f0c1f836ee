"""Promise: a header chooses among what the login may use, and never widens it."""

from __future__ import annotations

import pytest

from tests.house import ANNA, NEWSLETTER, House


@pytest.mark.parametrize("asked", ["offers", "nonsense", "", "newsletter, invoice"])
async def test_a_category_outside_the_login_is_refused(house: House, asked: str) -> None:
    """Asking for a category the login may not use, or for none, relays nothing to anybody (L14)."""
    await house.consent(ANNA)
    await house.consent(ANNA, category="offers")

    code, text = await house.submit(ANNA, category=asked)

    assert (code, text.split()[0], house.smarthost.messages) == (550, "5.7.1", [])


async def test_a_category_given_twice_is_refused(house: House) -> None:
    """Two category fields, even of the same id, are no choice."""
    message = b"X-Sendright-Category: invoice\r\n" + NEWSLETTER

    code, _ = await house.submit(ANNA, message=message, category="newsletter")

    assert (code, house.smarthost.messages) == (550, [])


async def test_calling_marketing_service_does_not_help_a_login_without_it(house: House) -> None:
    """A login granted only a marketing category cannot send it as an invoice."""
    code, _ = await house.submit(ANNA, login="trial", category="invoice")

    assert (code, house.smarthost.messages) == (550, [])


async def test_a_from_field_of_another_domain_is_refused(house: House) -> None:
    """The From field is bound to the login's domains, whatever the envelope says."""
    await house.consent(ANNA)
    message = NEWSLETTER.replace(b"nieuws@shop.example>\r\nTo", b"nieuws@other.example>\r\nTo", 1)

    code, text = await house.submit(ANNA, message=message)

    assert (code, text.split()[0], house.smarthost.messages) == (550, "5.7.1", [])


async def test_a_client_without_a_login_sends_nothing(house: House) -> None:
    """Without AUTH there is no mail at all (no open relay)."""
    code, text = await house.submit(ANNA, login=None)

    assert (code, text.split()[0], house.smarthost.messages) == (530, "5.7.0", [])
