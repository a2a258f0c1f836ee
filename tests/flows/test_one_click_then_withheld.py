"""Promise: a click on unsubscribe is recorded before it is acknowledged, and binds the very next message."""

from __future__ import annotations

from datetime import timedelta

import aiohttp

from tests.house import ANNA, BRAM, House, link_of


async def test_the_message_after_a_click_is_withheld(house: House) -> None:
    """Anna clicks; the next newsletter reaches Bram only (L4, L11, RFC 8058)."""
    await house.consent(ANNA, BRAM)
    await house.submit(ANNA)

    status = await house.click(link_of(house.smarthost.messages[0]))
    await house.submit(ANNA, BRAM)

    assert status == 200
    assert [message.recipients for message in house.smarthost.messages] == [(ANNA,), (BRAM,)]
    assert [entry.reason for entry in await house.log(withheld=True)] == ["objected-category"]


async def test_looking_at_the_page_changes_nothing(house: House) -> None:
    """A GET of the link, as link scanners do, leaves the person reachable."""
    await house.consent(ANNA)
    await house.submit(ANNA)

    async with aiohttp.ClientSession() as session, session.get(link_of(house.smarthost.messages[0])) as page:
        assert page.status == 200
    await house.submit(ANNA)

    assert len(house.smarthost.messages) == 2


async def test_service_mail_still_arrives(house: House) -> None:
    """An objection never stops an invoice (L12)."""
    await house.consent(ANNA)
    await house.submit(ANNA)
    await house.click(link_of(house.smarthost.messages[0]))

    code, text = await house.submit(ANNA, category="invoice")

    assert (code, "relayed=1" in text) == (250, True)


async def test_a_newer_consent_reopens_and_the_old_link_closes_again(house: House) -> None:
    """Only a newer proven consent lifts an objection; the link of an old mail then still works."""
    await house.consent(ANNA, day=1)
    await house.submit(ANNA)
    link = link_of(house.smarthost.messages[0])
    await house.click(link)
    house.clock.move(timedelta(days=3))
    await house.consent(ANNA, day=23)
    await house.submit(ANNA)
    house.clock.move(timedelta(days=1))
    await house.click(link)
    await house.submit(ANNA)

    assert len(house.smarthost.messages) == 2
