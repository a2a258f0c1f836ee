"""What is bounded: at the bound all goes well, beyond it there is a refusal by name."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.mail.message import MAX_FIELDS, Message, UnparsableError
from gateway.mail.notice import Notice
from gateway.mail.rewrite import prepare, service_copy
from gateway.mail.signature import Signer

BODIES = {"ascii": b"Brood\r\n", "8-bit": b"caf\xc3\xa9\r\n", "long line": b"x" * 1200 + b"\r\n"}


def message(fields: int, body: bytes) -> Message:
    """A message with so many fields."""
    return Message.parse(b"From: a@zon.example\r\n" + b"X: y\r\n" * (fields - 1) + b"\r\n" + body)


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_fields_of_ours_come_on_top_of_the_bound(notice: Notice, body: bytes) -> None:
    """A message with as many fields as are taken is re-encoded, carried and signed: ours are not counted."""
    full = message(MAX_FIELDS, body)
    signer = Signer("zon.example", "s", Ed25519PrivateKey.generate())
    received = b"Received: by gw.example\r\n"
    for copy in (
        prepare(full, eight_bit=False, received=received).copy(notice),
        service_copy(full, received=received, eight_bit=False),
    ):
        assert copy.isascii()
        assert signer.sign(copy, signed_at=1).startswith(b"DKIM-Signature: ")


def test_more_fields_than_the_bound_are_refused() -> None:
    """One field more is no message to be handled."""
    with pytest.raises(UnparsableError, match="header"):
        message(MAX_FIELDS + 1, b"Brood\r\n")
