"""The canonical body that copies share: the same digest as of each copy's own body, whatever differs."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.message import Message
from gateway.mail.notice import Notice
from gateway.mail.rewrite import CannotCarryNoticeError, prepare
from gateway.mail.sharing import SharedBody, rendered
from gateway.mail.signature import Signer, new_key, relaxed_body
from gateway.mail.transfer import Base64Tail, Link
from gateway.texts import texts

SIGNER, AT = Signer("zon.example", "s1", new_key("ed25519")), 1_770_000_000
GOLDEN = Path(__file__).parent / "golden"

# What matters to the canonical form: blanks, line ends, and what is neither, split anywhere.
OCTETS = st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"\r", b"\n", b"a", b"=\r\n", b"  \r\n\r\n"])).map(
    b"".join
)
PIECES = st.lists(
    st.one_of(
        OCTETS,
        OCTETS.map(memoryview),
        st.sampled_from([Link(), Link(html=True), Link(encoding="quoted-printable")]),
        OCTETS.map(lambda ending: Base64Tail((b"x" * 40, Link()), 20, ending)),
    )
)
URLS = st.text("abc&=/ \t", min_size=1, max_size=90)


def own_digest(body: bytes) -> bytes:
    return hashlib.sha256(relaxed_body(body)).digest()


@given(PIECES, st.lists(URLS, min_size=2, max_size=3))
def test_a_shared_body_has_the_digest_of_each_copy(pieces: list[bytes], urls: list[str]) -> None:
    """Whatever is shared and wherever the links stand, each copy's digest is that of its whole body."""
    shared = SharedBody(pieces)
    assert [shared.digest(url) for url in urls] == [own_digest(rendered(pieces, url)) for url in urls]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.eml")), ids=lambda path: path.stem)
def test_every_golden_message_is_signed_as_its_copies_are(path: Path) -> None:
    """What a signature is made of, without looking at a copy, is what reading the copy's octets yields."""
    message = Message.parse(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    try:
        prepared = prepare(message, eight_bit=True)
    except CannotCarryNoticeError:
        return  # and so no signature
    for number in (1, 22):
        notice = Notice(
            controller="Shop",
            postal_address="Markt 1",
            privacy_policy_url="https://shop.example/privacy",
            category="News",
            link=f"https://mail.shop.example/u/{number * 'a'}",
            words=texts("en"),
        )
        form, copy = prepared.form(notice), prepared.copy(notice)
        digest = form.body_digest(notice.link)
        assert digest == own_digest(copy.partition(b"\r\n\r\n")[2])
        parts = SIGNER.sign_parts(form.covered(notice.link), digest, signed_at=AT)
        assert parts == SIGNER.sign(copy, signed_at=AT)
