"""Promise: a smarthost that fails costs nobody a mail and brings nobody two."""

from __future__ import annotations

import pytest

from gateway.envelope import Stage
from tests.house import ANNA, BRAM, CHRIS, House, parsed

SENDER = "bounces@shop.example"


async def test_down_then_up_serves_each_person_once(house: House) -> None:
    """Down, the client hears 451 4.3.5; when it is back, the retry reaches each person once."""
    await house.consent(ANNA, BRAM)
    await house.smarthost.stop()
    down = await house.submit(ANNA, BRAM)
    await house.smarthost.start()

    up = await house.submit(ANNA, BRAM)

    assert (down[0], down[1].split()[0], up[0]) == (451, "4.3.5", 250)
    assert sorted(message.recipients for message in house.smarthost.messages) == [(ANNA,), (BRAM,)]


async def test_a_retry_after_a_partial_failure_serves_only_the_rest(house: House) -> None:
    """One of two is deferred with 4yz: the client hears it, and its retry reaches that one alone (I5)."""
    await house.consent(ANNA, BRAM)
    house.smarthost.answer(Stage.RCPT, "451 4.2.1 Greylisted", recipient=BRAM, times=1)

    first = await house.submit(ANNA, BRAM)
    second = await house.submit(ANNA, BRAM)

    assert (first[0], first[1].split()[0]) == (451, "4.2.1")
    assert (second[0], second[1].split()[2:]) == (250, ["relayed=2", "withheld=0", "refused=0"])
    assert [message.recipients for message in house.smarthost.messages] == [(ANNA,), (BRAM,)]


async def test_a_message_answered_with_250_may_be_sent_again_on_purpose(house: House) -> None:
    """Repeating a mail after its 250 is a new mail, and reaches the person again (I5)."""
    await house.consent(ANNA)

    codes = [(await house.submit(ANNA))[0] for _ in range(2)]

    assert (codes, len(house.smarthost.messages)) == ([250, 250], 2)


async def test_all_refused_is_the_smarthosts_own_reply(house: House) -> None:
    """When every recipient is finally refused, the client hears the smarthost's own 5yz."""
    await house.consent(ANNA)
    house.smarthost.answer(Stage.RCPT, "550 5.1.1 No such user here", recipient=ANNA)

    code, text = await house.submit(ANNA)

    assert (code, text.split()[0], "No such user here" in text) == (550, "5.1.1", True)
    assert [entry.fate for entry in await house.log()] == ["refused"]


async def test_some_refused_is_250_and_a_delivery_report(house: House) -> None:
    """Of three people one is finally refused: 250, and a report (RFC 3464) from <> to the envelope sender."""
    await house.consent(ANNA, BRAM, CHRIS)
    house.smarthost.answer(Stage.RCPT, "550 5.1.1 No such user", recipient=BRAM)

    code, text = await house.submit(ANNA, BRAM, CHRIS)

    assert (code, text.split()[2:]) == (250, ["relayed=2", "withheld=0", "refused=1"])
    report = house.smarthost.messages[-1]
    assert (report.sender, report.recipients) == ("", (SENDER,))
    assert parsed(report).get_content_type() == "multipart/report"
    assert b"Final-Recipient: rfc822; bram@example.org" in report.content


async def test_nobody_hears_250_for_a_copy_whose_answer_was_lost(house: House) -> None:
    """The connection breaks after the dot: 451, and the fate on record is unknown (RFC 1047)."""
    await house.consent(ANNA)
    house.smarthost.close(Stage.DOT, times=1)

    code, _ = await house.submit(ANNA)

    assert code == 451
    assert [entry.fate for entry in await house.log()] == ["unknown"]


@pytest.mark.parametrize(
    ("stage", "reply", "expected"),
    [
        (Stage.GREETING, "554 5.7.1 go away", "4.3.5"),
        (Stage.EHLO, "502 5.5.1 no", "4.3.5"),
        (Stage.MAIL, "530 5.7.0 log in first", "4.3.5"),
        (Stage.MAIL, "421 4.3.2 shutting down", "4.4.2"),
        (Stage.DATA, "421 4.3.2 shutting down", "4.4.2"),
        (Stage.MAIL, "452 4.3.1 no room", "4.3.1"),
        (Stage.DOT, "452 4.3.1 no room", "4.3.1"),
    ],
)
async def test_trouble_at_the_smarthost_is_a_temporary_reply(
    house: House, stage: Stage, reply: str, expected: str
) -> None:
    """What fails for the moment reaches the client as the contract's 4yz, never as 5yz or 250."""
    await house.consent(ANNA)
    house.smarthost.answer(stage, reply)

    code, text = await house.submit(ANNA)

    assert (code // 100, text.split()[0]) == (4, expected)
