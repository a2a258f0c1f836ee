"""sendright object, where the law wants objections confirmed (L31)."""

from __future__ import annotations

import asyncio

from tests.bench.sink import free_port
from tests.cli.conftest import Shop
from tests.doubles import RecordingSmarthost

SPOKEN = ("object", "anna@example.org", "--via", "phone", "--operator", "kim")


def belgian(shop: Shop, smarthost: int) -> None:
    """Move the shop to Belgium, with a mailbox to write from and this smarthost."""
    text = shop.config.read_text().replace(
        'country = "NL"', 'country = "BE"\nmail_from = "info@shop.example"'
    )
    shop.config.write_text(text.replace("port = 25", f"port = {smarthost}"))


async def test_a_spoken_objection_is_confirmed_once(stocked: Shop) -> None:
    """The command ends when the receipt is out; the same objection again sends none."""
    async with RecordingSmarthost() as smarthost:
        belgian(stocked, smarthost.port)

        first = await asyncio.to_thread(stocked.program, *SPOKEN)
        again = await asyncio.to_thread(stocked.program, *SPOKEN)

        assert (first.code, again.code) == (0, 0)
        (receipt,) = smarthost.messages
    assert (receipt.sender, receipt.recipients) == ("info@shop.example", ("anna@example.org",))
    assert b"DKIM-Signature" in receipt.content


def test_an_objection_is_recorded_though_no_receipt_can_be_sent(stocked: Shop) -> None:
    """Nobody answers at the smarthost: the objection is on record all the same, and the command says so."""
    belgian(stocked, free_port())

    ran = stocked.run(*SPOKEN, "--json")

    assert ran.code == 0
    assert ran.json[0]["new"] is True
    assert stocked.run("decide", "anna@example.org", "--category", "newsletter").code == 1
