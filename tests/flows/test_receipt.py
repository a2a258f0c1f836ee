"""Promise: in Belgium an objection is confirmed to whoever objected, once; nothing waits for that (L31)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

import aiohttp
import dkim
import pytest

from gateway.envelope import Stage
from gateway.intake import record
from gateway.mail.signature import load_key
from gateway.mail.signature import record as dns_record
from tests.doubles import Received
from tests.house import ANNA, SECRET, House, link_of, parsed

BAKERY = """
[[controller]]
id = "bakkerij"
name = "Bakkerij De Korst"
postal_address = "Markt 1, 9000 Gent"
contact = "privacy@shop.example"
privacy_policy_url = "https://shop.example/privacy"
privacy_policy_mentions_marketing = true
country = "{country}"
mail_from = "bakkerij@shop.example"
[[category]]
id = "brood"
controller = "bakkerij"
title = "Broodnieuws"
purpose = "marketing"
[[login]]
name = "oven"
controller = "bakkerij"
categories = ["brood"]
default_category = "brood"
from_domains = ["shop.example"]
secret_hash = "sha256:{secret_hash}"
"""
TOKEN = """
[[token]]
name = "form"
controller = "bakkerij"
scopes = ["objections", "evidence"]
secret_hash = "sha256:{secret_hash}"
"""
Open = Callable[..., object]


async def mailed(open_house: Open, country: str = "BE", *, token: bool = False) -> tuple[House, str]:
    """A house with a controller that has a mailbox to write from, and the link in the mail that Anna got."""
    extra = (BAKERY + TOKEN * token).format(country=country, secret_hash=sha256(SECRET.encode()).hexdigest())
    house: House = await open_house(extra=extra)  # type: ignore[misc]
    row: dict[str, object] = {
        "email": ANNA,
        "kind": "consent",
        "category": "brood",
        "occurred_at": "2026-11-01T12:00:00+01:00",
        "source": "form",
        "wording": "Ja",
        "wording_version": "1",
    }
    await record(house.gateway.rooms, "bakkerij", [row], house.clock.now())
    house.clock.move(timedelta(minutes=1))
    assert (await house.submit(ANNA, login="oven"))[0] == 250
    return house, link_of(house.smarthost.messages[0])


def is_receipt(message: Received) -> bool:
    return message.sender == "bakkerij@shop.example"


async def test_one_click_is_confirmed_once_by_signed_mail(open_house: Open) -> None:
    """It reaches the address that was mailed, signed, and says what was recorded; a repeat sends none."""
    house, link = await mailed(open_house)

    assert await house.click(link) == 200
    (_, receipt) = await house.smarthost.arrived(2)
    assert await house.click(link) == 200
    await house.close()

    (key,) = house.config.dkim
    _, strings = dns_record(key.domain, key.selector, load_key(key.private_key_file.read_bytes()))
    assert [is_receipt(one) for one in house.smarthost.messages] == [False, True]
    assert receipt.recipients == (ANNA,)
    assert "geen Broodnieuws meer" in parsed(receipt).get_payload(decode=True).decode()
    assert "List-Unsubscribe" not in parsed(receipt)
    assert dkim.verify(receipt.content, dnsfunc=lambda *_, **__: "".join(strings).encode())


async def test_objecting_again_in_other_words_mails_nobody(open_house: Open) -> None:
    """By a link, then by a program under one reference after another: who objected is told once."""
    house, link = await mailed(open_house, token=True)
    assert await house.click(link) == 200
    await house.smarthost.arrived(2)

    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {SECRET}"}) as session:
        for number in range(5):
            body = {"address": ANNA, "scope": "category:brood", "reference": str(number)}
            async with session.post(f"{house.url}/api/v1/objections", json=body) as answer:
                assert answer.status == 200
    await house.close()

    assert [is_receipt(one) for one in house.smarthost.messages] == [False, True]


@pytest.mark.parametrize(
    ("row", "hours", "confirmed"),
    [
        ({"kind": "objection"}, None, True),
        ({"kind": "objection"}, 24, True),
        ({"kind": "objection"}, 25, False),
        ({"kind": "withdrawal", "category": "brood"}, None, True),
        ({"kind": "withdrawal"}, 1000, False),
        ({"kind": "purchase", "optout_used": True}, 1, True),
    ],
)
async def test_a_refusal_told_as_evidence_is_confirmed_if_it_was_said_just_now(
    open_house: Open, row: dict[str, object], hours: int | None, confirmed: bool
) -> None:
    """By the API within a day it is a live event, once; older it is loaded history, as a file's always is."""
    house, _ = await mailed(open_house, token=True)
    body = {"email": ANNA, "product_group": "bread", "source": "till"} | row
    if hours is not None:
        body["occurred_at"] = (house.clock.now() - timedelta(hours=hours)).isoformat()

    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {SECRET}"}) as session:
        for _ in range(2):
            async with session.post(f"{house.url}/api/v1/evidence", json=body) as answer:
                assert answer.status == 200
    await house.close()

    assert [is_receipt(one) for one in house.smarthost.messages] == [False, *([True] * confirmed)]


async def test_a_refusal_in_a_file_is_confirmed_to_nobody(open_house: Open) -> None:
    """Who takes over a list of those who objected does not mail them."""
    house, _ = await mailed(open_house)

    rooms = house.gateway.rooms
    await record(rooms, "bakkerij", [{"email": ANNA, "kind": "objection"}], house.clock.now())
    await house.close()

    assert len(house.smarthost.messages) == 1


async def test_elsewhere_no_receipt_is_sent(open_house: Open) -> None:
    """A Dutch controller confirms on the page alone."""
    house, link = await mailed(open_house, "NL")

    assert await house.click(link) == 200
    await house.close()

    assert len(house.smarthost.messages) == 1


async def test_a_smarthost_that_hangs_delays_no_objection(open_house: Open) -> None:
    """The click is answered and binds while its receipt waits; a gateway that stops lets it go first."""
    house, link = await mailed(open_house)
    gate = house.smarthost.hold(Stage.DOT)

    assert await house.click(link) == 200
    await gate.reached()
    assert "withheld=1" in (await house.submit(ANNA, login="oven"))[1]
    closing = asyncio.create_task(house.close())
    assert await asyncio.wait({closing}, timeout=0.5) == (set(), {closing})  # it waits for the receipt
    gate.release()
    await closing

    assert [is_receipt(one) for one in house.smarthost.messages] == [False, True]


async def test_a_smarthost_that_refuses_undoes_no_objection(open_house: Open) -> None:
    """No receipt can be sent; the objection is on record and stays."""
    house, link = await mailed(open_house)
    house.smarthost.answer(Stage.MAIL, "550 5.7.1 Not from you")

    assert await house.click(link) == 200
    assert "withheld=1" in (await house.submit(ANNA, login="oven"))[1]
    await house.close()

    assert len(house.smarthost.messages) == 1
