"""Promise: what cannot be put on record lets no copy go (I2, B9, B14), and service resumes by itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.envelope import Stage
from gateway.store.writer import PATIENCE
from tests.disk import fill, small_disk
from tests.house import ANNA, BRAM, House, link_of

MANY = [f"reader{number}@example.org" for number in range(20)]


async def test_a_full_disk_is_451_and_nothing_is_sent(
    open_house: Callable[..., object], tmp_path: Path
) -> None:
    """On a full disk neither mail nor objection is acknowledged; with room again, both are (B9, B14)."""
    with small_disk(tmp_path / "disk") as disk:
        house: House = await open_house(state_dir=disk)  # type: ignore[misc]
        await house.consent(ANNA)
        await house.submit(ANNA)
        link = link_of(house.smarthost.messages[0])
        fill(disk / "filler")

        full = [await house.submit(*MANY), await house.submit(ANNA, category="invoice")]
        clicked = await house.click(link)
        sent_meanwhile = len(house.smarthost.messages) - 1
        (disk / "filler").unlink()
        resumed = await house.submit(ANNA, category="invoice")
        clicked_again = await house.click(link)
        objected = await house.submit(ANNA)
        await house.close()

    assert [(code, text.split()[0]) for code, text in full] == [(451, "4.3.0")] * 2
    assert (clicked, sent_meanwhile) == (503, 0)
    assert (resumed[0], clicked_again, objected[1].split()[3]) == (250, 200, "withheld=1")
    assert house.smarthost.delivered == [ANNA, ANNA]


async def test_a_fate_for_which_there_is_no_room_is_held(
    open_house: Callable[..., object], tmp_path: Path
) -> None:
    """The disk fills while the copy waits for its 250: 451; with room again the fate is written (I2)."""
    with small_disk(tmp_path / "disk") as disk:
        house: House = await open_house(state_dir=disk, answer_within=2)  # type: ignore[misc]
        await house.consent(ANNA)
        gate = house.smarthost.hold(Stage.DOT, times=1)
        client = await house.raw()
        for command in ("MAIL FROM:<bounces@shop.example>", f"RCPT TO:<{ANNA}>", "DATA"):
            await client.say(command)
        client.send(b"From: nieuws@shop.example\r\nMessage-ID: <1@shop.example>\r\n\r\nHallo\r\n.\r\n")
        await gate.reached()
        fill(disk / "filler")

        gate.release()
        reply = await client.reply()
        fate_meanwhile = [entry.fate for entry in await house.log()]
        (disk / "filler").unlink()
        await house.consent(BRAM)  # written behind what is held
        fate_afterwards = [entry.fate for entry in await house.log()]
        await house.close()

    assert reply.startswith("451 4.3.0")
    assert (fate_meanwhile, fate_afterwards) == (["unknown"], ["relayed"])
    assert house.smarthost.delivered == [ANNA]


async def test_a_read_only_database_is_451_and_nothing_is_sent(house: House) -> None:
    """SQLite refuses to write: 451 4.3.0; the writer opens the file anew and the retry is relayed once."""
    await house.consent(ANNA)

    def read_only(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA query_only=1")

    await house.gateway.rooms.store.writer.run(read_only, PATIENCE)
    refused = await house.submit(ANNA)
    sent_meanwhile = len(house.smarthost.messages)
    again = await house.submit(ANNA)

    assert (refused[0], refused[1].split()[0], sent_meanwhile) == (451, "4.3.0", 0)
    assert (again[0], house.smarthost.delivered) == (250, [ANNA])


@pytest.mark.parametrize("login", ["strict", "trial"])
async def test_no_setting_of_a_login_makes_doubt_a_send(house: House, login: str) -> None:
    """A store that is away is 451 for a login that rejects (at RCPT) and one in report mode alike (I4)."""
    await house.consent(ANNA)
    database = house.config.gateway.state_dir / "sendright.db"
    database.rename(database.with_name("away.db"))

    code, text = await house.submit(ANNA, login=login)
    database.with_name("away.db").rename(database)

    assert (code, text.split()[0], house.smarthost.messages) == (451, "4.3.0", [])
