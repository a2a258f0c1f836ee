"""Copies of one message: what is the same for all, what is one person's own, and what is never sent."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from email import message_from_bytes

import dkim
import pytest

from gateway.address import parse
from gateway.copies import NEEDS_8BIT, NEEDS_SMTPUTF8, Copies
from gateway.envelope import Envelope
from gateway.law.category import Category, Controller
from gateway.law.decision import Decision
from gateway.law.packs import PACKS
from gateway.mail.message import Message
from gateway.mail.rewrite import CannotCarryNoticeError
from gateway.mail.signature import Signer, new_key, record
from gateway.ports import Decided, Person
from gateway.tokens import Opener, Token
from tests.relaying import (
    ANNA,
    BRAM,
    CONTROLLER,
    INVOICE,
    KEYS,
    MESSAGE,
    NEWS,
    REFUSED,
    SEND,
    TAKEN,
    WITHHOLD,
    Hop,
    Room,
    envelope,
)

LINK = re.compile(rb"https://gateway\.test/u/([\w-]{72})")
EIGHT_BIT = (
    MESSAGE.replace(b"\r\n\r\n", b"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n") + "é\r\n".encode()
)


def copies(
    message: Envelope | None = None,
    *,
    category: Category | None = NEWS,
    controller: Controller = CONTROLLER,
    signers: Sequence[Signer] = (),
    hops: Sequence[Hop] | None = None,
) -> Copies:
    """The copies of a message, ready for these hops."""
    message = message or envelope(ANNA)
    room = Room(signers=signers)
    made = room.copyist.copies_of(message, Message.parse(message.content), controller, category)
    made.prepare([room.hop] if hops is None else hops)
    return made


def person(address: str) -> Person:
    """A person by address."""
    mailbox = parse(address)
    return Person(KEYS.hash("shop", mailbox.comparable), mailbox)


def decided(number: int = 7, decision: Decision = SEND) -> Decided:
    """A decision that lets a copy go."""
    return Decided(number, decision, relay=True)


def token(copy: bytes) -> Token | None:
    """What the one link in a copy means."""
    (link,) = set(LINK.findall(copy))
    return Opener(KEYS, ["shop"], ["news"]).unseal(link.decode())


def test_each_person_has_a_link_of_their_own_and_nothing_else_differs() -> None:
    """Only the link tells two copies apart; it names the person, the decision and the consent (L10)."""
    made = copies()
    anna, bram = made.copy(person(ANNA), decided(7)), made.copy(person(BRAM), decided(8))

    assert token(anna) == Token(7, person(ANNA).hash, "shop", "news", consent=True)
    assert token(bram) == Token(8, person(BRAM).hash, "shop", "news", consent=True)
    assert LINK.sub(b"", anna) == LINK.sub(b"", bram)


def test_a_copy_that_report_mode_lets_go_rests_on_no_consent() -> None:
    """What the law would withhold has a link that objects to all marketing, not to one category."""
    relaxed = token(copies().copy(person(ANNA), decided(decision=WITHHOLD)))

    assert relaxed is not None
    assert not relaxed.consent


def test_mail_without_a_category_has_its_way_out_too() -> None:
    """Should a copy of a login without category ever go, it has notice and link (L10)."""
    assert token(copies(category=None).copy(person(ANNA), decided())) == Token(
        7, person(ANNA).hash, "shop", "", consent=True
    )


def test_service_mail_is_one_copy_for_all_without_a_link() -> None:
    """The invoice passes byte for byte behind its trace field, the same for everybody (L12)."""
    made = copies(category=INVOICE)
    anna = made.copy(person(ANNA), decided(7))

    assert anna == made.copy(person(BRAM), decided(8))
    assert b"unsubscribe" not in anna.lower()
    assert MESSAGE.partition(b"\r\n\r\n")[2] == anna.partition(b"\r\n\r\n")[2]


def test_belgian_advertising_says_that_it_is() -> None:
    """Pack `be` puts the word for it in the notice, in the controller's language (L32; WER XII.12)."""
    belgian = replace(CONTROLLER, pack=PACKS["be"], language="fr")

    copy = message_from_bytes(copies(controller=belgian).copy(person(ANNA), decided()))
    shown = b"".join(part.get_payload(decode=True) or b"" for part in copy.walk())  # type: ignore[misc]

    assert "publicité" in shown.decode()


@pytest.mark.parametrize("category", [NEWS, INVOICE])
@pytest.mark.parametrize("takes_8bit", [True, False])
def test_what_is_signed_is_what_goes(category: Category, takes_8bit: bool) -> None:
    """Re-encoded for the next hop first and signed last, by every key, each of which verifies (A16)."""
    keys = {"rsa": new_key("rsa"), "ed": new_key("ed25519")}
    signers = [Signer("shop.example", name, key) for name, key in keys.items()]
    hop = Hop([], takes_8bit=takes_8bit)
    made = copies(envelope(ANNA, content=EIGHT_BIT), category=category, signers=signers, hops=[hop])
    copy = made.copy(person(ANNA), decided())

    def published(name: bytes, timeout: int = 5) -> bytes:
        selector = name.decode().split(".")[0]
        return "".join(record("shop.example", selector, keys[selector])[1]).encode()

    assert copy.isascii() is not takes_8bit
    assert copy.count(b"DKIM-Signature:") == 2
    for index in range(2):
        assert dkim.DKIM(copy).verify(idx=index, dnsfunc=published)


def test_copies_are_made_ready_again_when_the_next_wave_must_be_7_bit() -> None:
    """One connection without 8BITMIME decides for its whole wave, and none after it is bound by it."""
    eight, seven = Hop([]), Hop([], takes_8bit=False)
    made = copies(envelope(ANNA, content=EIGHT_BIT), hops=[eight])
    ready = []
    for hops in ([eight], [eight, seven], [eight, eight]):
        made.prepare(hops)
        ready.append(made.copy(person(ANNA), decided()).isascii())

    assert ready == [False, True, False]


def test_what_cannot_carry_the_notice_is_told_before_any_decision() -> None:
    """`prepare` refuses, so that nobody is decided on (L10)."""
    sealed = envelope(ANNA, content=b"Content-Type: multipart/encrypted; boundary=x\r\n" + MESSAGE)

    with pytest.raises(CannotCarryNoticeError):
        copies(sealed)


SMTPUTF8 = {
    "plain": ("bounces@shop.example", ANNA, "ESMTPSA", False),
    "recipient": ("bounces@shop.example", "kïm@example.org", "ESMTPSA", True),
    "sender": ("bóunces@shop.example", ANNA, "ESMTPSA", True),
    "header, as the client declared": ("bounces@shop.example", ANNA, "UTF8SMTPSA", True),
    "A-labels": ("", "kim@xn--bcher-kva.example", "ESMTPSA", False),
}


@pytest.mark.parametrize(("sender", "recipient", "protocol", "declared"), SMTPUTF8.values(), ids=SMTPUTF8)
async def test_smtputf8_is_declared_where_it_is_needed(
    sender: str, recipient: str, protocol: str, declared: bool
) -> None:
    """For addresses beyond ASCII, or a message the client declared so; both as received (I9, RFC 6531)."""
    hop = Hop([])
    made = copies(replace(envelope(recipient, sender=sender), protocol=protocol))

    assert await made.relay(b"copy", parse(recipient), hop) == TAKEN
    assert hop.sent == [(sender, recipient, b"copy", declared)]


@pytest.mark.parametrize(
    ("sender", "recipient"),
    [("bounces@shop.example", "kïm@example.org"), ("bóunces@shop.example", ANNA)],
)
async def test_a_next_hop_without_smtputf8_is_sent_no_such_address(sender: str, recipient: str) -> None:
    """553 5.6.7 from us, and not a byte to the smarthost (A16, contract section 4)."""
    hop = Hop([], takes_smtputf8=False)

    answer = await copies(envelope(recipient, sender=sender)).relay(b"copy", parse(recipient), hop)

    assert answer == NEEDS_SMTPUTF8
    assert (answer.code, answer.enhanced, hop.events) == (553, "5.6.7", [])


async def test_a_header_in_8_bits_goes_to_no_7_bit_hop() -> None:
    """It is nobody's to re-encode: 554 5.6.3 from us, and not a byte to the smarthost (A16)."""
    hop = Hop([], takes_8bit=False)
    made = copies(
        envelope(ANNA, content=MESSAGE.replace(b"Hello", b"H\xc3\xa9")), category=INVOICE, hops=[hop]
    )

    answer = await made.relay(made.copy(person(ANNA), decided()), parse(ANNA), hop)

    assert answer == NEEDS_8BIT
    assert (answer.code, answer.enhanced, hop.events) == (554, "5.6.3", [])


async def test_a_message_declared_smtputf8_still_goes_to_ascii_addresses() -> None:
    """What only the client declared, and no address needs, keeps nothing from an older next hop."""
    hop = Hop([], takes_smtputf8=False)

    await copies(replace(envelope(ANNA), protocol="UTF8SMTPSA")).relay(b"copy", parse(ANNA), hop)

    assert hop.sent == [("bounces@shop.example", ANNA, b"copy", False)]


def test_a_copy_says_where_it_came_through_and_names_no_recipient() -> None:
    """One Received field of ours on top with the reference; `for` would show who else got it."""
    copy = copies(envelope(ANNA, BRAM)).copy(person(ANNA), decided())
    (received,) = message_from_bytes(copy).get_all("Received", [])

    assert "R1" in received
    assert "192.0.2.7" in received
    assert "@" not in received


def test_a_message_without_date_or_id_gets_them() -> None:
    """They are named by the reference, the same in every copy (RFC 6409 section 8)."""
    bare = envelope(ANNA, content=b"From: news@shop.example\r\n\r\nHello\r\n")
    made = message_from_bytes(copies(bare).copy(person(ANNA), decided()))

    assert made["Message-ID"] == "<R1@gateway.test>"
    assert made["Date"] == "Sat, 21 Nov 2026 12:00:00 +0000"


def test_the_report_names_the_refused_and_shows_the_header_alone() -> None:
    """An RFC 3464 report: who, why, and the original's header without its content (RFC 3462)."""
    report = copies().delivery_report(parse("bounces@shop.example"), [(parse(BRAM), REFUSED)])
    parsed = message_from_bytes(report)

    assert parsed.get_content_type() == "multipart/report"
    assert BRAM.encode() in report
    assert b"5.1.1" in report
    assert b"Message-ID: <1@shop.example>" in report
    assert b"\r\n\r\nHello\r\n" not in report
