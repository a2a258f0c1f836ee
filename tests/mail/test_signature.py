"""DKIM: the same octets as dkimpy, verified by dkimpy, and not to be widened afterwards."""

from __future__ import annotations

import base64
from unittest.mock import patch

import dkim
import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mail.signature import Signer, SigningError, load_key, new_key, record, relaxed_body

RSA = new_key("rsa")
ED25519 = new_key("ed25519")
AT = 1_770_000_000
MAIL = (
    b"Received: from a\r\n\tby b\r\n"
    b"From:  Zon <a@zon.example>\r\nTo: b@lezer.example\r\nSubject: een\r\n twee\r\n"
    b"Date: Mon, 04 May 2026 09:00:00 +0200\r\nMessage-ID: <1@zon.example>\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nFeedback-ID: mei:zon\r\n"
    b"List-Unsubscribe: <https://gw.example/u/x>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"\r\nBrood  en \tkaas \r\n\r\nDag\r\n\r\n\r\n"
)


def verifies(content: bytes, key: bytes) -> bool:
    """What stock dkimpy says, with our own DNS record."""
    name, chunks = record("zon.example", "s1", key)

    def dns(asked: bytes, timeout: int = 5) -> bytes:
        assert asked.decode().rstrip(".") == name
        return "".join(chunks).encode()

    return bool(dkim.verify(content, dnsfunc=dns))


def signed(content: bytes = MAIL, key: bytes = RSA) -> bytes:
    """A message with our signature in front."""
    return Signer("zon.example", "s1", key).sign(content, signed_at=AT) + content


@pytest.mark.parametrize("key", [RSA, ED25519], ids=["rsa", "ed25519"])
def test_stock_dkimpy_verifies(key: bytes) -> None:
    """Both kinds of key sign so that an independent verifier with the published record agrees."""
    assert verifies(signed(key=key), key)
    assert not verifies(signed(key=key) + b"PS\r\n", key)


def raw_key(pem: bytes) -> bytes:
    """The key as dkimpy wants it."""
    key = load_pem_private_key(pem, None)
    if pem is RSA:
        return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return base64.b64encode(key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))


def stock(content: bytes, signer: Signer, pem: bytes, ours: bytes) -> bytes:
    """The signature field as dkimpy makes it, of the fields that ours is of."""
    tags = dict(tag.strip().split(b"=", 1) for tag in ours.split(b":", 1)[1].split(b";"))
    names = [name.strip() for name in tags[b"h"].split(b":")]
    with patch.object(dkim.time, "time", return_value=AT):
        field: bytes = dkim.DKIM(content, signature_algorithm=tags[b"a"]).sign(
            signer.selector,
            signer.domain,
            raw_key(pem),
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=names,
        )
    return field


@pytest.mark.parametrize("pem", [RSA, ED25519], ids=["rsa", "ed25519"])
def test_octets_are_those_of_stock_dkimpy(pem: bytes) -> None:
    """Given the same fields and time, the signature field is dkimpy's, octet for octet."""
    signer = Signer("zon.example", "s1", pem)
    ours = signer.sign(MAIL, signed_at=AT)

    assert ours == stock(MAIL, signer, pem, ours)


NAMES = st.sampled_from(
    ["From", "to", "SUBJECT", "Date", "List-Id", "Feedback-ID", "References", "Sender", "X-y"]
)
VALUES = st.lists(
    st.sampled_from([" ", "\t", "  ", "a", "b:c", "=", ";", "\r\n ", "\r\n\t", "\v", "é", "x" * 70])
)
BODIES = st.lists(st.sampled_from([" ", "\t", "  ", "a", "b c", ".", "\r\n", "é"]))


@settings(deadline=None)
@given(
    fields=st.lists(st.tuples(NAMES, VALUES.map("".join)), max_size=15),
    body=BODIES.map("".join),
    domain=st.sampled_from(["zon.example", "a-rather-long-name." * 6 + "zon.example", "x" * 63 + ".example"]),
    selector=st.sampled_from(["s", "s2026", "x" * 40]),
)
def test_any_message_is_signed_as_stock_dkimpy_does(
    fields: list[tuple[str, str]], body: str, domain: str, selector: str
) -> None:
    """Whatever stands in header and body, canonical forms, order and folding are dkimpy's to the octet."""
    header = "".join(f"{name}:{value} x\r\n" for name, value in [("From", " a@zon.example"), *fields])
    content = f"{header}\r\n{body}".encode()
    signer = Signer(domain, selector, ED25519)
    ours = signer.sign(content, signed_at=AT)

    assert ours == stock(content, signer, ED25519, ours)


@pytest.mark.parametrize(
    "name",
    [
        *("From", "To", "Cc", "Subject", "Date", "Reply-To", "Message-ID", "MIME-Version", "Content-Type"),
        *("List-Unsubscribe", "List-Unsubscribe-Post"),
    ],
)
def test_a_second_field_breaks_the_signature(name: str) -> None:
    """A field put in front later, of a kind that would mislead, is found out, also where there was none."""
    assert not verifies(name.encode() + b": x@evil.example\r\n" + signed(), RSA)


def test_both_list_fields_are_covered_and_no_length_is_given() -> None:
    """RFC 8058 section 4: both list fields are in h=; a body length (l=) would let others append."""
    field = Signer("zon.example", "s1", RSA).sign(MAIL, signed_at=AT)
    tags = dict(tag.strip().split(b"=", 1) for tag in field.split(b":", 1)[1].split(b";"))
    names = b"".join(tags[b"h"].split()).split(b":")

    assert {b"list-unsubscribe", b"list-unsubscribe-post", b"feedback-id"} < set(names)
    assert b"l" not in tags
    assert tags[b"c"] == b"relaxed/relaxed"
    assert max(map(len, field.split(b"\r\n"))) < 80


@given(st.lists(st.sampled_from([b" ", b"\t", b"  ", b"a", b"b c", b"\r\n", b"\xe9"])).map(b"".join))
def test_relaxed_body_is_dkimpys(body: bytes) -> None:
    """The canonical form of any body with CRLF line ends is the same as dkimpy's."""
    canonical = dkim.CanonicalizationPolicy.from_c_value(b"relaxed/relaxed").canonicalize_body(body)

    assert relaxed_body(body) == canonical


@given(
    st.binary(max_size=60).map(
        lambda raw: raw.replace(b"\r", b"").replace(b"\n", b"\r\n").replace(b"\0", b"")
    )
)
def test_any_body_signed_verifies(body: bytes) -> None:
    """Whatever the body, what is signed verifies."""
    head = MAIL[: MAIL.index(b"\r\n\r\n") + 4]

    assert verifies(signed(head + body, ED25519), ED25519)


@pytest.mark.parametrize("content", [b"Subject: x\r\n\r\n", b" x\r\n\r\n", b"\r\nx"])
def test_what_cannot_be_signed_is_an_error(content: bytes) -> None:
    """A message without a sound header or From is never sent unsigned by accident."""
    with pytest.raises(SigningError):
        Signer("zon.example", "s1", RSA).sign(content, signed_at=AT)


@pytest.mark.parametrize(
    "pem", [b"", b"nonsense", RSA.replace(b"A", b"B")], ids=["empty", "no PEM", "damaged"]
)
def test_bad_key_is_an_error(pem: bytes) -> None:
    """A key that is none is told at once."""
    with pytest.raises(SigningError):
        load_key(pem)


def test_record_is_published_in_short_strings() -> None:
    """TXT strings have at most 255 octets; together they are the record."""
    name, chunks = record("zon.example", "s1", RSA)

    assert name == "s1._domainkey.zon.example"
    assert all(len(chunk) <= 255 for chunk in chunks)
    assert "".join(chunks).startswith("v=DKIM1; k=rsa; p=MIIB")
