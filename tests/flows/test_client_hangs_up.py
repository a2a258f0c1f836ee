"""Promise: a client that goes away, before our answer or after, costs nobody a mail and brings nobody two."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from gateway.envelope import Stage
from tests.house import ANNA, BRAM, NEWSLETTER, House
from tests.smtp.client import Client

HANGING_UP = [Client.hang_up, Client.reset]
NAMES = ["EOF", "RST"]


async def sending(house: House, *recipients: str) -> Client:
    """A client that has sent the newsletter up to its final dot, and has not read the answer."""
    client = await house.raw()
    commands = ["MAIL FROM:<bounces@shop.example>", *(f"RCPT TO:<{who}>" for who in recipients), "DATA"]
    for command in commands:
        assert (await client.say(command))[0] in "23"
    client.send(NEWSLETTER + b".\r\n")
    return client


async def noticed(house: House, client: Client) -> None:
    """Wait until the gateway saw the end of a connection: the kernel told of it before any later one."""
    client.writer.close()
    with suppress(ConnectionError):
        await client.writer.wait_closed()
    await house.raw(login=None)


@pytest.mark.parametrize("hang_up", HANGING_UP, ids=NAMES)
async def test_a_relay_under_way_is_finished_and_recorded_once(
    house: House, hang_up: Callable[[Client], None]
) -> None:
    """The client is gone while the copy waits for its 250; the retry is answered from the record (B2)."""
    await house.consent(ANNA)
    gate = house.smarthost.hold(Stage.DOT, times=1)
    client = await sending(house, ANNA)
    await gate.reached()

    hang_up(client)
    await noticed(house, client)
    gate.release()
    await house.smarthost.arrived(1)
    code, text = await house.submit(ANNA)

    assert (code, text.split()[2]) == (250, "relayed=1")
    assert house.smarthost.delivered == [ANNA]
    assert [entry.fate for entry in await house.log()] == ["relayed"]


@pytest.mark.parametrize("hang_up", HANGING_UP, ids=NAMES)
async def test_no_new_wave_starts_for_a_client_that_is_gone(
    open_house: Callable[..., object], hang_up: Callable[[Client], None]
) -> None:
    """With one connection to the smarthost, the second copy is left to the retry, and decided there (I3)."""
    house: House = await open_house(connections=1)  # type: ignore[misc]
    await house.consent(ANNA, BRAM)
    gate = house.smarthost.hold(Stage.DOT, times=1)
    client = await sending(house, ANNA, BRAM)
    await gate.reached()

    hang_up(client)
    await noticed(house, client)
    gate.release()
    served, _ = await house.submit(ANNA)  # is answered when the first submission is over, and not before
    delivered_by_then = house.smarthost.delivered.copy()
    await house.record({"email": BRAM, "kind": "objection"})
    code, text = await house.submit(BRAM)

    assert (served, delivered_by_then) == (250, [ANNA])
    assert (code, text.split()[2:4]) == (250, ["relayed=0", "withheld=1"])
    assert house.smarthost.delivered == [ANNA]


async def test_a_250_that_was_lost_is_said_again_and_mails_nobody_twice(house: House) -> None:
    """The connection breaks right after our 250: the same message again is a retry (B3)."""
    await house.consent(ANNA, BRAM)
    client = await sending(house, ANNA, BRAM)
    first = await client.reply()

    client.reset()
    await noticed(house, client)
    code, text = await house.submit(BRAM, ANNA)

    assert (first[:3], code, text.split()[2]) == ("250", 250, "relayed=2")
    assert sorted(house.smarthost.delivered) == [ANNA, BRAM]


async def test_after_a_retry_was_heard_the_message_may_go_again(house: House) -> None:
    """Once the retry's 250 was heard, the same message is a new one (I5)."""
    await house.consent(ANNA)
    client = await sending(house, ANNA)
    await client.reply()
    client.reset()
    await noticed(house, client)

    for _ in range(2):
        assert (await house.submit(ANNA))[0] == 250

    assert house.smarthost.delivered == [ANNA, ANNA]


async def test_a_second_connection_waits_for_the_first(house: House) -> None:
    """The same message on another connection waits for the first, and is answered from its record (I5)."""
    await house.consent(ANNA)
    gate = house.smarthost.hold(Stage.DOT, times=1)
    first = await sending(house, ANNA)
    await gate.reached()

    second = await sending(house, ANNA)
    first.reset()
    await noticed(house, first)
    gate.release()
    answer = await second.reply()

    assert (answer[:3], answer.split()[3]) == ("250", "relayed=1")
    assert house.smarthost.delivered == [ANNA]
