"""Where parts, page ends and transfer encodings are found, offset by offset."""

from __future__ import annotations

import email

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mail.message import Message
from gateway.mail.placing import Context, StrangeError, page, text_end
from gateway.mail.structure import Part, content_type
from gateway.mail.transfer import QP_LINE, Change, decode, encode_base64, encode_qp
from gateway.mail.transport import tree

HEAD = b"From: a@zon.example\r\n"


def parts(content: bytes) -> tuple[Message, Part]:
    """A message and its tree."""
    message = Message.parse(HEAD + content)
    return message, tree(message)


def test_offsets_are_exact() -> None:
    """A part's body is the octets between its empty line and the line end before the next delimiter."""
    message, root = parts(
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\npreamble\r\n--b\r\nX: 1\r\n\r\none\r\n\r\n'
        b"--b \t\r\n\r\ntwo\r\n"
        b"--b-\r\n--bb\r\n--b--\r\n--b\r\nepilogue\r\n"
    )
    one, two = root.parts

    assert root.sure
    assert message.content[one.start : one.end] == b"X: 1\r\n\r\none\r\n"
    assert message.content[one.body : one.end] == b"one\r\n"
    assert message.content[two.body : two.end] == b"two\r\n--b-\r\n--bb"


MIXED = b"Content-Type: multipart/mixed; "
UNSURE = {
    "never closed": MIXED + b"boundary=b\r\n\r\n--b\r\n\r\nx\r\n",
    "no boundary": b"Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
    "boundary ends in a blank": MIXED + b'boundary="b "\r\n\r\n--b \r\n\r\nx\r\n--b --\r\n',
    "boundary twice": MIXED + b"boundary=b; boundary=c\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
    "boundary folded": MIXED + b'boundary="b\r\n c"\r\n\r\n--b c\r\n\r\nx\r\n--b c--\r\n',
    "boundary continued": MIXED + b"boundary*0=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n",
    "closed at once": MIXED + b"boundary=b\r\n\r\n--b--\r\n",
    "boundary begins a line": MIXED + b"boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b</p>\r\n--b--\r\n",
    "no type": b"Content-Type: text\r\n\r\nx\r\n",
    "charset twice": b"Content-Type: text/plain; charset=a; charset=b\r\n\r\nx\r\n",
    "no semicolon": b"Content-Type: text/plain charset=a\r\n\r\nx\r\n",
}


@pytest.mark.parametrize("content", UNSURE.values(), ids=UNSURE)
def test_what_readers_read_differently_is_not_sure(content: bytes) -> None:
    """A structure that is a guess says so."""
    assert not parts(content)[1].sure


@pytest.mark.parametrize("inside", [b"X: 1\r\nx", b"hallo\r\n\r\nx", b"", b"X: 1"])
def test_part_without_a_sound_header_is_not_sure(inside: bytes) -> None:
    """A part whose header does not end in an empty line is never edited."""
    _, root = parts(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + inside + b"\r\n--b--\r\n")

    assert root.sure
    assert not root.parts[0].sure


def test_nesting_is_bounded() -> None:
    """A thousand multiparts in one another are read to a bound, in no time, and are not sure."""
    nested = b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(1000)
    )
    deepest = 0
    _, part = parts(nested + b"\r\nx\r\n" + b"".join(b"--b%d--\r\n" % n for n in reversed(range(1000))))
    assert not all(it.sure for it in part.walk())
    while part.parts:
        part, deepest = part.parts[0], deepest + 1
    assert deepest == 30


def test_content_type_parameters() -> None:
    """Quotes, backslashes, blanks and letter case of parameters (RFC 2045 section 5.1)."""
    kind, params, sure = content_type('Text/HTML ; CharSet="UTF-8" ;\tname="a\\"b;c";')

    assert (kind, params, sure) == ("text/html", {"charset": "UTF-8", "name": 'a"b;c'}, True)


PAGES = {
    b"<p>a</p>": b"",
    b"<body>a</body></html>": b"</body></html>",
    b"<body>a</BODY\r\n></html>": b"</BODY\r\n></html>",
    b"<body>a</body>b</body>": b"</body>",
    b"<body>a<!-- </body> --></body>": b"</body>",
    b"a</body><!-- </body> -->": b"</body><!-- </body> -->",
    b"a</body><!--></body>": b"</body>",
    b"a</body><!-- --!><p>": b"</body><!-- --!><p>",
    b"a</body><script>'</body>'</script>": b"</body><script>'</body>'</script>",
    b"a</body><STYLE></body></style >": b"</body><STYLE></body></style >",
    b"a</body><a title='</body>'>": b"</body><a title='</body>'>",
    b"a</body><p title='>' id=\"</body>\">": b"</body><p title='>' id=\"</body>\">",
    b"a<p title=it's></body>": b"</body>",
    b"a</body><![CDATA[</body>]]>": b"</body><![CDATA[</body>]]>",
    b"a</body><!--[if mso]></body><![endif]-->": b"</body><!--[if mso]></body><![endif]-->",
    b"a</body><!--[if !a]><!--></body><!--<![endif]-->": b"</body><!--[if !a]><!--></body><!--<![endif]-->",
    b"a</body><![if !mso]></body><![endif]>": b"</body><![if !mso]></body><![endif]>",
    b"a</bodybuilding>b": b"",
    b"1 < 2 </ body>": b"",
}


@pytest.mark.parametrize(("text", "rest"), PAGES.items(), ids=[text.decode() for text in PAGES])
def test_end_of_a_page(text: bytes, rest: bytes) -> None:
    """The notice goes before the last </body> that every reader takes for the end, else at the end."""
    assert text[page(text).end :] == rest


@pytest.mark.parametrize(
    "text",
    [b"a<!-- b", b"<style>a", b"<script>a</scrip>", b"<p title='a>", b"<plaintext>a", b"<frameset>", b"<p",
     b"<![CDATA[a", b"<!--[if !mso]><!-->a", b"a<textarea>"],
)  # fmt: skip
def test_page_whose_end_nobody_sees_is_strange(text: bytes) -> None:
    """A page that ends inside something hidden is not edited."""
    with pytest.raises(StrangeError):
        page(text)


CONTEXTS = {
    b"<a href='@'>x</a>": Context.HREF,
    b"<A class=b HREF = @ >x</A>": Context.HREF,
    b"<a title='@' href='x'>x</a>": Context.HIDDEN,
    b"<img src='@'>": Context.HIDDEN,
    b"<!-- <a href='@'> -->": Context.HIDDEN,
    b"<style>@</style>": Context.HIDDEN,
    b"<a href='x'>@</a>": Context.LINK_TEXT,
    b"<a href='x'>y</a>@<b>": Context.TEXT,
    b"@": Context.TEXT,
}


@pytest.mark.parametrize(("text", "context"), CONTEXTS.items(), ids=[text.decode() for text in CONTEXTS])
def test_context_of_a_place(text: bytes, context: Context) -> None:
    """Only a link's address that is shown, or plain text, is a way out for the reader."""
    at = text.index(b"@")

    assert page(text, [(at, at + 1)]).contexts == [context]


@pytest.mark.parametrize(
    ("text", "rest"),
    [(b"a\r\n-- \r\nb", b"-- \r\nb"), (b"-- \r\nb", b"-- \r\nb"), (b"a\n-- \nb", b"-- \nb"),
     (b"a\r\n--\r\nb", b""), (b"a -- \r\nb", b""), (b"a\r\n-- \r\nb\r\n-- \r\nc", b"-- \r\nc")],
)  # fmt: skip
def test_signature_of_a_text(text: bytes, rest: bytes) -> None:
    """The notice goes before the last signature separator (RFC 3676 section 4.3), else at the end."""
    assert text[text_end(text) :] == rest


TEXTS = st.lists(
    st.sampled_from([b"a", b"=", b"\xc3\xa9", b" ", b"\r\n", b"x" * 80, b".", b"\t", b"\xff"])
).map(b"".join)


@given(
    raw=TEXTS,
    at=st.floats(0, 1),
    length=st.integers(0, 5),
    encoding=st.sampled_from(["quoted-printable", "base64"]),
)
def test_a_change_changes_nothing_else(raw: bytes, at: float, length: int, encoding: str) -> None:
    """Whatever is put anywhere into an encoded body, all else decodes as before and stays as encoded."""
    coded = encode_qp(raw) if encoding == "quoted-printable" else encode_base64(raw)
    body = decode(coded, encoding)
    start = int(at * len(body.text))
    end = min(start + length, len(body.text))
    (splice,) = body.splices([Change(start, end, (b"\r\nput=\r\n",))])
    put = b"".join(it if isinstance(it, bytes) else it.render("") for it in splice.pieces)
    changed = coded[: splice.start] + put + coded[splice.end :]
    parsed = email.message_from_bytes(b"Content-Transfer-Encoding: %b\r\n\r\n" % encoding.encode() + changed)

    assert body.text == raw
    assert decode(changed, encoding).text == raw[:start] + b"\r\nput=\r\n" + raw[end:]
    assert parsed.get_payload(decode=True) == raw[:start] + b"\r\nput=\r\n" + raw[end:]
    assert (
        max(map(len, changed.split(b"\r\n"))) <= QP_LINE + 1
    )  # RFC 2045 6.7: 76, one more for a "=" of ours


def test_base64_in_lines_of_unlike_length_is_encoded_anew() -> None:
    """Where the sender's own lines cannot be kept, the leaf is encoded whole, and decodes the same."""
    raw = b"0123456789ab" * 20
    coded = (
        encode_base64(raw[:30])
        + b"\r\n"
        + encode_base64(raw[30:120], 40)
        + b"\r\n"
        + encode_base64(raw[120:])
    )
    (splice,) = decode(coded, "base64").splices([Change(230, 230, (b"put",))])
    put = b"".join(it if isinstance(it, bytes) else it.render("") for it in splice.pieces)

    assert decode(coded[: splice.start] + put, "base64").text == raw[:230] + b"put" + raw[230:]


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [(b"a=", "x-uuencode"), (b"a=3", "quoted-printable"), (b"a = b", "quoted-printable"), (b"QUI", "base64"),
     (b"QQ==QQ==", "base64"), (b"Q*UI=", "base64")],
)  # fmt: skip
def test_damaged_body_is_not_decoded(raw: bytes, encoding: str) -> None:
    """What does not follow its own encoding is not read as if it did."""
    with pytest.raises(StrangeError):
        decode(raw, encoding)


def test_transport_padding_is_no_text() -> None:
    """Blanks after the "=" of a soft break are dropped (RFC 2045 section 6.7 rule 3)."""
    assert decode(b"a= \t\r\nb", "quoted-printable").text == b"ab"
