"""In which parts the notice goes, and what becomes of those that cannot carry it."""

from __future__ import annotations

import email
from email.message import Message as Parsed

import pytest

from gateway.mail.message import Message
from gateway.mail.notice import Notice
from gateway.mail.placing import leaves, page
from gateway.mail.rewrite import prepare
from gateway.mail.shapes import CannotCarryNoticeError, Refusal, StrangeError, Wrapping
from gateway.mail.transport import tree

HEAD = b"From: a@zon.example\r\nMIME-Version: 1.0\r\n"
TEXT = "Content-Type: text/plain\r\n\r\nBrood"
PAGE = "Content-Type: text/html\r\n\r\n<p>Brood"
AMP = "Content-Type: text/x-amp-html\r\n\r\n<!doctype html><html amp4email><body>%s"
SEALED = "Content-Type: application/pkcs7-mime\r\n\r\nx"
IMAGE = "Content-Type: image/png\r\n\r\nx"


def multipart(kind: str, *parts: str, boundary: str = "b") -> str:
    """An entity of these parts."""
    between = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n{between}--{boundary}--\r\n'


def message(entity: str) -> Message:
    """A message of one entity."""
    return Message.parse(HEAD + entity.encode())


def carried(entity: str, notice: Notice) -> list[tuple[str, int]]:
    """The type of each leaf of the copy, and how often the link stands in it."""
    copy = email.message_from_bytes(prepare(message(entity), eight_bit=True).copy(notice))
    leaves = [part for part in copy.walk() if not part.is_multipart()]
    return [(part.get_content_type(), octets(part).count(notice.link.encode())) for part in leaves]


def octets(part: Parsed) -> bytes:
    """Its decoded content."""
    return part.get_payload(decode=True)


SIGNED_AMP = multipart(
    "signed", multipart("alternative", TEXT, AMP % "</body>", boundary="c"), IMAGE, boundary="s"
)

SHAPES = {
    "AMP that ends": (
        multipart("alternative", TEXT, AMP % "x</body></html>", PAGE),
        [("text/plain", 1), ("text/x-amp-html", 1), ("text/html", 1)],
    ),
    "AMP without an end": (
        multipart("alternative", TEXT, AMP % "x", PAGE),
        [("text/plain", 1), ("text/html", 1)],
    ),
    "AMP that fills in a template of its own": (
        multipart("alternative", TEXT, AMP % "<template>{{unsubscribe_url}}</template></body>"),
        [("text/plain", 1), ("text/x-amp-html", 1)],
    ),
    "AMP in a message that is wrapped": (
        multipart("alternative", "Content-Type: text/enriched\r\n\r\nx", AMP % "x</body>", PAGE),
        [("text/enriched", 0), ("text/html", 0), ("text/html", 1)],
    ),
    "sealed beside a text": (
        multipart("mixed", SEALED, TEXT),
        [("application/pkcs7-mime", 0), ("text/plain", 1)],
    ),
    "a Macintosh file beside a text": (
        multipart("mixed", multipart("appledouble", IMAGE, TEXT, boundary="c"), TEXT),
        [("image/png", 0), ("text/plain", 0), ("text/plain", 1)],
    ),
    "AMP in a signature beside a page": (
        multipart("mixed", PAGE, SIGNED_AMP),
        [("text/html", 1), ("text/plain", 0), ("text/x-amp-html", 0), ("image/png", 0)],
    ),
    "a root named without angle brackets": (
        multipart('related; start="1@x"', IMAGE, "Content-ID: <1@x>\r\n" + PAGE),
        [("image/png", 0), ("text/html", 1)],
    ),
}


@pytest.mark.parametrize(("entity", "expected"), SHAPES.values(), ids=SHAPES)
def test_which_parts_carry_the_notice(notice: Notice, entity: str, expected: list[tuple[str, int]]) -> None:
    """Each leaf of the copy, and whether the link stands in it."""
    assert carried(entity, notice) == expected


REFUSED = {
    "AMP alone": (multipart("alternative", AMP % "x"), Refusal.AMP),
    "AMP in a signature": (
        multipart("signed", multipart("alternative", TEXT, AMP % "</body>", boundary="c"), IMAGE),
        Refusal.AMP,
    ),
    "AMP in a signature beside a page that is not edited": (
        multipart("mixed", PAGE + "<table>", SIGNED_AMP),
        Refusal.AMP,
    ),
    "sealed": (SEALED, Refusal.SEALED),
    "sealed beside a picture": (multipart("mixed", SEALED, IMAGE), Refusal.SEALED),
    "encrypted": (multipart("encrypted", IMAGE, IMAGE), Refusal.ENCRYPTED),
    "fragment": ("Content-Type: message/partial\r\n\r\nx", Refusal.FRAGMENT),
    "elsewhere": ("Content-Type: message/external-body\r\n\r\nx", Refusal.ELSEWHERE),
}


@pytest.mark.parametrize(("entity", "why"), REFUSED.values(), ids=REFUSED)
def test_what_would_break_is_refused(entity: str, why: Refusal) -> None:
    """Refused before any copy is made, for the reason on the list."""
    with pytest.raises(CannotCarryNoticeError) as refusal:
        prepare(message(entity), eight_bit=True)

    assert refusal.value.why is why


WRAPPED = {
    "a hundred and one alternatives": (multipart("alternative", *[TEXT] * 101), Wrapping.TOO_MANY_PLACES),
    "a digest": (multipart("digest", "\r\n" + TEXT), Wrapping.MULTIPART_KIND),
    "a header that does not end": (multipart("mixed", "Content-Type: text/plain"), Wrapping.HEADER),
}


@pytest.mark.parametrize(("entity", "why"), WRAPPED.values(), ids=WRAPPED)
def test_why_it_is_wrapped(entity: str, why: Wrapping) -> None:
    """What cannot be edited surely says why."""
    with pytest.raises(StrangeError) as strange:
        leaves(tree(message(entity)))

    assert strange.value.why is why


def test_parts_of_a_digest_are_messages_by_default() -> None:
    """RFC 2046 section 5.1.5: what says nothing of its type in there is a message, never entered."""
    root = tree(message(multipart("digest", "\r\n" + TEXT)))

    assert root.parts[0].type == "message/rfc822"


def test_comments_in_mime_fields() -> None:
    """RFC 2045's own example: a comment is no part of a type, a parameter or an encoding; in quotes it is."""
    entity = (
        'Content-Type: text/plain; charset=us-ascii (Plain "text")\r\nContent-Transfer-Encoding: 7bit (x)'
    )
    plain = tree(message(f"{entity}\r\n\r\nx"))
    quoted = tree(message('Content-Type: text/plain; name="a(b).txt"\r\n\r\nx'))

    assert (plain.type, plain.charset, plain.encoding, plain.sure) == ("text/plain", "us-ascii", "7bit", True)
    assert quoted.params["name"] == "a(b).txt"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"<table><tr><td>x", Wrapping.TABLE),
        (b"<table><table></table></body>", Wrapping.TABLE),
        (b"<noscript>x</body>", Wrapping.UNFINISHED),
        (b"<select></body>", Wrapping.UNFINISHED),
        (b"<plaintext>x", Wrapping.NO_END),
        (b"<![if mso]>x", Wrapping.CONDITION),
    ],
)
def test_pages_whose_end_is_not_shown_as_it_is_meant(text: bytes, why: Wrapping) -> None:
    """A notice in a cell, a list of choices or a template is out of place, or not seen at all."""
    with pytest.raises(StrangeError) as strange:
        page(text)

    assert strange.value.why is why


def test_the_end_of_the_page_is_not_in_an_enclosure() -> None:
    """A </body> in a template or a drawing is not the page's; <TABLE> that ends leaves nothing open."""
    text = b"<TABLE></TABLE></table><template></body></template><svg></body></svg>x</BODY>y"

    assert page(text).end == text.index(b"</BODY>")
