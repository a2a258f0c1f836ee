"""Promise: a message reaches each person the law allows, as an own copy with a way out."""

from __future__ import annotations

from email import message_from_bytes

import dkim

from gateway.mail.signature import load_key, record
from tests.house import ANNA, BRAM, NEWSLETTER, House, link_of, parsed


async def test_each_person_gets_an_own_copy_with_an_own_link(house: House) -> None:
    """Two people who consented get one copy each, and no two copies carry the same link."""
    await house.consent(ANNA, BRAM)

    code, text = await house.submit(ANNA, BRAM)

    assert (code, text.split()[2:]) == (250, ["relayed=2", "withheld=0", "refused=0"])
    assert sorted(message.recipients for message in house.smarthost.messages) == [(ANNA,), (BRAM,)]
    assert len({link_of(message) for message in house.smarthost.messages}) == 2


async def test_the_link_stands_in_every_alternative_and_in_both_fields(house: House) -> None:
    """Text part, HTML part and List-Unsubscribe field of a copy carry the same link (L10, RFC 8058)."""
    await house.consent(ANNA)
    await house.submit(ANNA)
    (copy,) = house.smarthost.messages

    message = parsed(copy)
    link = link_of(copy)

    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    bodies = [part.get_payload(decode=True).decode() for part in message.walk() if not part.is_multipart()]
    assert [link in body for body in bodies] == [True, True]
    assert ["De Winkel" in body and "Markt 1" in body for body in bodies] == [True, True]


async def test_the_copy_is_signed_over_both_list_fields(house: House) -> None:
    """A copy verifies with stock dkimpy; List-Unsubscribe-Post is signed (RFC 8058 section 4)."""
    await house.consent(ANNA)
    await house.submit(ANNA)
    (copy,) = house.smarthost.messages
    (key,) = house.config.dkim
    _, value = record(key.domain, key.selector, load_key(key.private_key_file.read_bytes()))

    assert dkim.verify(copy.content, dnsfunc=lambda *_, **__: "".join(value).encode())
    signed = parsed(copy)["DKIM-Signature"].split("h=")[1].split(";")[0].lower()
    assert "list-unsubscribe-post" in signed
    assert "list-unsubscribe" in signed


async def test_the_words_of_the_sender_are_all_there(house: House) -> None:
    """Subject, addresses and body text of a copy are those of the message submitted (I6)."""
    await house.consent(ANNA)
    await house.submit(ANNA)

    copy, original = parsed(house.smarthost.messages[0]), message_from_bytes(NEWSLETTER)

    for field in ("From", "To", "Subject", "Date", "Message-ID", "Content-Type"):
        assert copy[field] == original[field]
    assert "Het brood is vers." in copy.get_payload(0).get_payload()


async def test_service_mail_passes_unchanged_to_anybody(house: House) -> None:
    """An invoice reaches an unknown person, without notice or list fields, its body byte for byte (L12)."""
    code, _ = await house.submit("stranger@example.net", category="invoice")

    (copy,) = house.smarthost.messages
    assert code == 250
    assert copy.content.endswith(NEWSLETTER.partition(b"\r\n\r\n")[2])
    assert parsed(copy)["List-Unsubscribe"] is None
    assert parsed(copy)["X-Sendright-Category"] is None


async def test_the_log_names_the_ground(house: House) -> None:
    """Every copy is on record with its ground and its fate."""
    await house.consent(ANNA)
    await house.submit(ANNA)

    (entry,) = await house.log()

    assert (entry.address, entry.decision, entry.ground, entry.fate) == (ANNA, "send", "consent", "relayed")
