"""Promise: each recipient of a message has a fate of their own, and a retry serves whom the first did not."""

from __future__ import annotations

from gateway.envelope import Stage
from tests.house import ANNA, BRAM, CHRIS, DEWI, House, parsed

SENDER = "bounces@shop.example"


async def test_one_taken_one_refused_one_deferred_one_withheld(house: House) -> None:
    """The client hears the 451; its retry brings the deferred copy and a report, nobody a second (B4)."""
    await house.consent(ANNA, BRAM, CHRIS)
    house.smarthost.answer(Stage.RCPT, "550 5.1.1 No such user", recipient=BRAM)
    house.smarthost.answer(Stage.DOT, "451 4.7.1 Later", recipient=CHRIS, times=1)

    first = await house.submit(ANNA, BRAM, CHRIS, DEWI)
    second = await house.submit(ANNA, BRAM, CHRIS, DEWI)

    assert (first[0], first[1].split()[0]) == (451, "4.7.1")
    assert (second[0], second[1].split()[2:]) == (250, ["relayed=2", "withheld=1", "refused=1"])
    assert house.smarthost.delivered == [ANNA, CHRIS, SENDER]
    assert sum(BRAM in line for line in house.smarthost.commands) == 1
    report = house.smarthost.messages[-1]
    assert (report.sender, parsed(report).get_content_type()) == ("", "multipart/report")
    assert b"550" in report.content
    assert [(entry.address, entry.decision, entry.fate) for entry in await house.log()] == [
        (ANNA, "send", "relayed"),
        (BRAM, "send", "refused"),
        (CHRIS, "send", "deferred"),
        (DEWI, "withhold", None),
        (CHRIS, "send", "relayed"),
        (DEWI, "withhold", None),
    ]


async def test_the_recipients_may_be_grouped_otherwise_in_the_retry(house: House) -> None:
    """A client that retries one recipient at a time reaches nobody twice either (B4, I5)."""
    await house.consent(ANNA, BRAM)
    house.smarthost.answer(Stage.RCPT, "451 4.2.1 Greylisted", recipient=BRAM, times=1)

    first = await house.submit(ANNA, BRAM)
    one, other = await house.submit(BRAM), await house.submit(ANNA)

    assert (first[0], one[0], other[0]) == (451, 250, 250)
    assert house.smarthost.delivered == [ANNA, BRAM]
