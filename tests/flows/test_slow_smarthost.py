"""Promise: the client is answered while it still listens, whatever time the smarthost takes."""

from __future__ import annotations

from collections.abc import Callable

from gateway.config.schema import Smarthost, Smtp
from gateway.envelope import Stage
from tests.house import ANNA, BRAM, House

FINAL_DOT = 600  # seconds that a client waits for it, RFC 5321 section 4.5.3.2.6


async def test_slower_than_our_answer_is_451_and_the_copy_in_flight_is_recorded(
    open_house: Callable[..., object],
) -> None:
    """451 4.4.5 while the copy waits; its 250 comes on record, and the retry mails nobody twice (B5)."""
    house: House = await open_house(answer_within=1, connections=1)  # type: ignore[misc]
    await house.consent(ANNA, BRAM)
    gate = house.smarthost.hold(Stage.DOT, times=1)

    slow = await house.submit(ANNA, BRAM)
    open_then = [entry.fate for entry in await house.log()]
    gate.release()
    await house.smarthost.arrived(1)
    retries = [await house.submit(ANNA, BRAM)]
    while retries[-1][0] != 250:
        retries.append(await house.submit(ANNA, BRAM))

    assert (slow[0], slow[1].split()[0], open_then) == (451, "4.4.5", ["unknown"])
    assert retries[-1][1].split()[2:] == ["relayed=2", "withheld=0", "refused=0"]
    assert house.smarthost.delivered == [ANNA, BRAM]
    assert [entry.fate for entry in await house.log()] == ["relayed", "relayed"]


async def test_a_retry_while_the_copy_is_in_flight_mails_nobody(open_house: Callable[..., object]) -> None:
    """The same message again, before the smarthost has answered, waits and then hears 451 (B5, I5)."""
    house: House = await open_house(answer_within=1)  # type: ignore[misc]
    await house.consent(ANNA)
    gate = house.smarthost.hold(Stage.DOT)

    replies = [await house.submit(ANNA) for _ in range(2)]
    waiting = [line for line in house.smarthost.commands if line.startswith("RCPT")]
    gate.release()

    assert [reply[0] for reply in replies] == [451, 451]
    assert waiting == [f"RCPT TO:<{ANNA}>"]


def test_each_wait_is_shorter_than_the_one_around_it() -> None:
    """By default: a step at the smarthost < our answer < the client's wait for it (B5)."""
    smtp, smarthost = Smtp(), Smarthost()

    assert smarthost.timeout_seconds < smtp.answer_within_seconds < FINAL_DOT
    assert smtp.answer_within_seconds < smtp.timeout_seconds
