"""Promise: the mailbox decided on is the one mailed, and every spelling of it is one person (I9, A7, A8)."""

from __future__ import annotations

import pytest

from tests.house import ANNA, NEWSLETTER, House
from tests.smtp.client import Client

KIM = "kím@bücher.example"
SPELLINGS = [
    *("ANNA@EXAMPLE.ORG", "Anna@Example.Org", '"anna"@example.org', '"a\\nna"@example.org'),
    *("anna @example.org", "<anna@example.org>", "anna@example.org.", "@relay.example:anna@example.org"),
    *("anna(x)@example.org", "(x)anna@example.org", " anna@example.org", "anna@EXAMPLE.org"),
    *(
        "=?utf-8?q?anna?=@example.org",
        "an\u00adna@example.org",
        "anna\u200b@example.org",
        "anna@example。org",
    ),
    *(
        "ａnna@example.org",
        "anna@example.org>",
        "anna%example.org@example.org",
        "example.org!anna@example.org",
    ),
]
SPELLINGS_OF_KIM = [
    *("kím@bücher.example", "ki\u0301m@bücher.example", "kím@bu\u0308cher.example", "KÍM@BÜCHER.EXAMPLE"),
    *("kím@xn--bcher-kva.example", "KÍM@XN--BCHER-KVA.Example", '"kím"@bücher.example'),
]
ELSEWHERE = {"anna%example.org@example.org", "example.org!anna@example.org"}  # mailboxes of their own


async def sent(client: Client, recipient: str, category: bytes = b"newsletter") -> str:
    """Submit to one address as spelled, under SMTPUTF8; the last reply."""
    await client.say("RSET")
    await client.say("MAIL FROM:<bounces@shop.example> SMTPUTF8")
    taken = await client.say(f"RCPT TO:<{recipient}>".encode())
    if not taken.startswith("250"):
        return taken
    await client.say("DATA")
    client.send(b"X-Sendright-Category: " + category + b"\r\n" + NEWSLETTER + b".\r\n")
    return await client.reply()


async def test_every_spelling_is_refused_or_bound_by_the_objection(house: House) -> None:
    """A customer who objected is mailed under no spelling that any server could take for hers (A8)."""
    await house.consent(ANNA, KIM)
    await house.record({"email": ANNA, "kind": "objection"}, {"email": KIM, "kind": "objection"})
    client = await house.raw()

    replies = {it: await sent(client, it) for it in (*SPELLINGS, *SPELLINGS_OF_KIM)}

    assert house.smarthost.messages == []
    assert {reply[:3] for reply in replies.values()} <= {"250", "501", "553", "555"}
    taken = {spelling for spelling, reply in replies.items() if reply.startswith("250")}
    assert {"ANNA@EXAMPLE.ORG", '"anna"@example.org', *SPELLINGS_OF_KIM[:3]} <= taken
    reasons = {entry.address: entry.reason for entry in await house.log(withheld=True)}
    assert {reasons[spelling] for spelling in taken - ELSEWHERE} == {"objected"}


async def test_tags_and_dots_are_left_alone(house: House) -> None:
    """a+b@ and a.b@ may be somebody else: they have no ground of hers, and no objection of hers (A8)."""
    await house.consent(ANNA)
    client = await house.raw()

    for other in ("anna+shop@example.org", "an.na@example.org"):
        assert "withheld=1" in await sent(client, other)

    assert {entry.reason for entry in await house.log()} == {"unknown-person"}


@pytest.mark.parametrize(
    "spelling",
    [
        *("anna@example.org", "ANNA@Example.ORG", '"anna"@example.org', '"foo@evil> ORCPT=x"@example.org'),
        *('"a b"@example.org', '"a\\"b"@example.org', "kím@bücher.example", "anna@[192.0.2.1]"),
    ],
)
async def test_the_address_relayed_is_the_one_received(house: House, spelling: str) -> None:
    """Octet for octet, so that no library on the way has anything to re-read (A7, CPython 152519)."""
    client = await house.raw()

    reply = await sent(client, spelling, b"invoice")

    assert reply.startswith("250")
    assert [line for line in house.smarthost.commands if line.startswith("RCPT")] == [f"RCPT TO:<{spelling}>"]
    assert [entry.address for entry in await house.log()] == [spelling]
