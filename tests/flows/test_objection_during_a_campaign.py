"""Promise: an objection on one connection stops the rest of a campaign under way on another."""

from __future__ import annotations

import asyncio

from gateway.envelope import Stage
from tests.house import House, link_of

PEOPLE = [f"reader{number}@example.org" for number in range(6)]


async def test_a_click_stops_the_copies_not_yet_sent(open_house) -> None:  # type: ignore[no-untyped-def]
    """While a message's first copy waits at the smarthost, its last reader objects and gets nothing (I3)."""
    house: House = await open_house(connections=1)
    await house.consent(*PEOPLE)
    await house.submit(PEOPLE[-1])  # an earlier mail, whose link the last reader has
    link = link_of(house.smarthost.messages[0])
    gate = house.smarthost.hold(Stage.DOT)

    campaign = asyncio.create_task(house.submit(*PEOPLE))
    await gate.reached()
    status = await house.click(link)
    gate.release()
    code, text = await campaign

    reached = [message.recipients[0] for message in house.smarthost.messages[1:]]
    assert status == 200
    assert (code, text.split()[2:]) == (250, ["relayed=5", "withheld=1", "refused=0"])
    assert reached == PEOPLE[:-1]
