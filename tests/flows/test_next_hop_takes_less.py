"""Promise: what the smarthost does not take is changed before signing, or refused; never just sent (A16)."""

from __future__ import annotations

from collections.abc import Callable

import dkim
import pytest

from gateway.mail.signature import load_key, record
from tests.house import ANNA, NEWSLETTER, House, parsed

PLAIN = ("PIPELINING", "SIZE 104857600", "ENHANCEDSTATUSCODES")
EIGHT_BIT = (*PLAIN, "8BITMIME")
WORDS = "Crème brûlée à volonté"
FRENCH = NEWSLETTER.replace(b"Het brood is vers.", WORDS.encode())
JURGEN = "jürgen@example.org"


def published_by(house: House) -> Callable[..., bytes]:
    """The DNS as a verifier sees it, with the house's one key."""
    (key,) = house.config.dkim
    _, strings = record(key.domain, key.selector, load_key(key.private_key_file.read_bytes()))
    return lambda *_, **__: "".join(strings).encode()


@pytest.mark.parametrize("category", [None, "invoice"], ids=["marketing", "service"])
@pytest.mark.parametrize("offers", [PLAIN, EIGHT_BIT], ids=["7bit", "8BITMIME"])
async def test_an_8_bit_body_arrives_whole_and_signed(
    open_house: Callable[..., object], offers: tuple[str, ...], category: str | None
) -> None:
    """Without 8BITMIME the copy is ASCII and declares no BODY; words and signature hold either way."""
    house: House = await open_house(offers=offers)  # type: ignore[misc]
    await house.consent(ANNA)

    code, _ = await house.submit(ANNA, message=FRENCH, category=category)

    (copy,) = house.smarthost.messages
    parts = [part for part in parsed(copy).walk() if not part.is_multipart()]
    assert code == 250
    assert copy.content.isascii() is ("8BITMIME" not in offers)
    assert ("BODY=8BITMIME" in copy.parameters) is ("8BITMIME" in offers)
    assert all(WORDS in part.get_payload(decode=True).decode() for part in parts)
    assert dkim.verify(copy.content, dnsfunc=published_by(house))


@pytest.mark.parametrize("category", [None, "invoice"], ids=["marketing", "service"])
async def test_a_line_of_100_kb_is_folded_before_it_is_signed(house: House, category: str | None) -> None:
    """No line goes out that a next hop would have to break (RFC 5321 section 4.5.3.1.6), no word is lost."""
    await house.consent(ANNA)
    head = b"From: nieuws@shop.example\r\nContent-Type: text/plain\r\n\r\n"

    code, _ = await house.submit(ANNA, message=head + b"x" * 100_000 + b"\r\n", category=category)

    (copy,) = house.smarthost.messages
    assert (code, parsed(copy).get_payload(decode=True).startswith(b"x" * 100_000)) == (250, True)
    assert max(map(len, copy.content.split(b"\r\n"))) <= 998
    assert dkim.verify(copy.content, dnsfunc=published_by(house))


async def submit_utf8(house: House, *recipients: str) -> list[str]:
    """Submit an invoice under SMTPUTF8; all replies, the last that to the final dot."""
    client = await house.raw()
    replies = [await client.say("MAIL FROM:<bounces@shop.example> SMTPUTF8 BODY=8BITMIME")]
    replies += [await client.say(f"RCPT TO:<{who}>") for who in recipients]
    replies.append(await client.say("DATA"))
    client.send(b"X-Sendright-Category: invoice\r\n" + NEWSLETTER + b".\r\n")
    return [*replies, await client.reply()]


async def test_an_smtputf8_address_is_refused_where_the_smarthost_takes_none(
    open_house: Callable[..., object],
) -> None:
    """553 5.6.7, and the smarthost never sees the address (contract section 4)."""
    house: House = await open_house(offers=EIGHT_BIT)  # type: ignore[misc]

    replies = await submit_utf8(house, JURGEN)

    assert replies[-1].startswith("553 5.6.7")
    assert [house.smarthost.messages, [line for line in house.smarthost.commands if "rgen" in line]] == [
        [],
        [],
    ]


@pytest.mark.parametrize("offers", [PLAIN, EIGHT_BIT], ids=["7bit", "8BITMIME"])
async def test_an_smtputf8_address_hinders_no_other(
    open_house: Callable[..., object], offers: tuple[str, ...]
) -> None:
    """Beside an ordinary recipient it is finally refused alone: 250, and a report to the sender."""
    house: House = await open_house(offers=offers)  # type: ignore[misc]

    replies = await submit_utf8(house, JURGEN, ANNA)

    assert replies[-1].split()[3:] == ["relayed=1", "withheld=0", "refused=1"]
    assert house.smarthost.delivered == [ANNA, "bounces@shop.example"]


@pytest.mark.parametrize("category", [None, "invoice"], ids=["marketing", "service"])
async def test_an_8_bit_header_field_is_refused_for_good_where_it_cannot_travel(
    open_house: Callable[..., object], category: str | None
) -> None:
    """Without 8BITMIME it is a 554 and no 451 for ever: the client is not told to try again and again."""
    house: House = await open_house(offers=PLAIN)  # type: ignore[misc]
    await house.consent(ANNA)

    code, text = await house.submit(ANNA, message="X-Zon: é\r\n".encode() + NEWSLETTER, category=category)

    assert (code, text.split()[0], house.smarthost.messages) == (554, "5.6.3", [])
    assert [entry.fate for entry in await house.log()] == ["refused"]


async def test_an_smtputf8_address_goes_out_as_it_came(house: House) -> None:
    """Where the smarthost takes it, the address relayed is the one decided on, octet for octet (I9)."""
    replies = await submit_utf8(house, JURGEN)

    (copy,) = house.smarthost.messages
    assert replies[-1].startswith("250")
    assert (copy.recipients, "SMTPUTF8" in copy.parameters) == ((JURGEN,), True)
    assert [entry.address for entry in await house.log()] == [JURGEN]


@pytest.mark.parametrize("command", ["MAIL FROM:<bounces@shop.example> BODY=BINARYMIME", "BDAT 10 LAST"])
async def test_binary_mail_is_neither_offered_nor_taken(house: House, command: str) -> None:
    """BINARYMIME and CHUNKING are not advertised, and refused when used all the same (A16)."""
    client = await house.raw()
    offered = await client.say("EHLO tool.shop.example")

    reply = await client.say(command)

    assert ("BINARYMIME" in offered, "CHUNKING" in offered) == (False, False)
    assert reply[:3] in ("501", "502", "504", "555")
