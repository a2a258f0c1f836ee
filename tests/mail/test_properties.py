"""What holds for any message: generated MIME trees and damaged goldens."""

from __future__ import annotations

import base64
import email
import quopri
import re
import warnings
from email.message import Message as Parsed
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.mail.message import Message, UnparsableError
from gateway.mail.notice import Notice
from gateway.mail.rewrite import CannotCarryNoticeError, prepare

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.eml"))
HEAD = b"From: a@zon.example\r\nTo: b@lezer.example\r\nSubject: x\r\nMIME-Version: 1.0\r\n"

WORDS = st.lists(
    st.sampled_from(
        ["brood", " ", "crème", "€ 3", "=", "\r\n", ".", "-- \r\n", "--b1", "<b>", "x" * 90, "\t"]
    )
).map("".join)
ENCODINGS = st.sampled_from(["7bit", "8bit", "quoted-printable", "base64"])
CHARSETS = st.sampled_from(["us-ascii", "utf-8", "iso-8859-1", "iso-8859-15", "windows-1252", "iso-2022-jp"])


def encoded(raw: bytes, encoding: str) -> bytes:
    """A body as an ordinary tool would encode it."""
    if encoding == "base64":
        return base64.encodebytes(raw).replace(b"\n", b"\r\n").removesuffix(b"\r\n")
    if encoding == "quoted-printable":
        return quopri.encodestring(raw.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return raw


def leaf(kind: str, words: str, charset: str, encoding: str) -> bytes:
    """A text entity: header, empty line, body."""
    text = f"<html><body>{words}</body></html>" if kind == "html" else words
    head = f"Content-Type: text/{kind}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + encoded(text.encode(charset, "ignore"), encoding)


def multipart(kind: str, parts: list[bytes], boundary: str) -> bytes:
    """An entity of these parts."""
    between = f"\r\n--{boundary}\r\n".encode()
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\npreamble'.encode()
    return head + b"".join(between + part for part in parts) + f"\r\n--{boundary}--\r\nepilogue".encode()


def file(content: bytes) -> bytes:
    """An attachment."""
    head = b"Content-Type: text/html; name=x.html\r\nContent-Transfer-Encoding: base64\r\n"
    return head + b"Content-Disposition: attachment\r\n\r\n" + encoded(content, "base64")


TEXTS = st.builds(leaf, st.just("plain"), WORDS, CHARSETS, ENCODINGS)
PAGES = st.builds(leaf, st.just("html"), WORDS, CHARSETS, ENCODINGS)
FILES = st.binary(max_size=120).map(file)
RELATED = st.builds(lambda page, image: multipart("related", [page, image], "b3"), PAGES, FILES)
ALTERNATIVES = st.builds(
    lambda text, page: multipart("alternative", [text, page], "b1"), TEXTS, st.one_of(PAGES, RELATED)
)
READ = st.one_of(TEXTS, PAGES, ALTERNATIVES, RELATED)
MIXED = st.builds(
    lambda before, read, after: multipart("mixed", [*before, read, *after], "b2"),
    st.lists(FILES, max_size=1),
    READ,
    st.lists(FILES, max_size=2),
)
MAIL = st.one_of(READ, MIXED).map(lambda entity: HEAD + entity + b"\r\n")


def leaves(parsed: Parsed) -> list[Parsed]:
    """The parts that have none of their own."""
    return [part for part in parsed.walk() if not part.is_multipart()]


def is_read(part: Parsed) -> bool:
    """Whether a person reads it in its place."""
    kinds = ("text/plain", "text/html")
    return part.get_content_type() in kinds and part.get_filename() is None


def text_of(part: Parsed) -> str:
    """A leaf as an independent reader shows it."""
    try:
        return part.get_payload(decode=True).decode(part.get_content_charset("ascii"), "replace")
    except LookupError:
        return part.get_payload(decode=True).decode("latin-1")


def bare(text: str) -> str:
    """A text without the notice: what stands between its rule, or its element, and its last line."""
    text = re.sub(r"\s*<div style=\"clear:both.*?</div>\s*", "", text, count=1, flags=re.DOTALL)
    text = re.sub(r"\s*_{40}\s.*?https://zon\.example/privacy\s*", "", text, count=1, flags=re.DOTALL)
    return "".join(text.split())


@settings(deadline=None)
@given(content=MAIL, eight_bit=st.booleans())
def test_generated_trees_carry_the_notice_and_keep_the_rest(
    notice: Notice, content: bytes, eight_bit: bool
) -> None:
    """Every leaf that is read has the link (or the wrapping has), its words and every file are unchanged."""
    try:
        copy = prepare(Message.parse(content), eight_bit=eight_bit).copy(notice)
    except CannotCarryNoticeError:
        assert not eight_bit  # 8-bit octets where nothing can be re-encoded
        return
    before, after = leaves(email.message_from_bytes(content)), leaves(email.message_from_bytes(copy))
    wrapped = b"=_sendright_" in copy
    told = [notice.link in text_of(part) for part in after if is_read(part)]

    assert told[-1] if wrapped else all(told)
    assert len(after) == len(before) + wrapped
    for old, new in zip(before, after, strict=False):
        assert bare(text_of(new)) == bare(text_of(old))
        if not is_read(old):
            assert new.get_payload() == old.get_payload()
    assert eight_bit or copy.isascii()
    assert max(map(len, copy.split(b"\r\n"))) <= 998


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    path=st.sampled_from(GOLDEN),
    edits=st.lists(
        st.tuples(
            st.floats(0, 1),
            st.integers(0, 30),
            st.sampled_from(
                [
                    b"",
                    b"\n",
                    b"--",
                    b"=",
                    b"<!--",
                    b'"',
                    b"\xe9",
                    b"</body>",
                    b"Content-Type: ",
                    b"\n\n",
                    b"--b1\n",
                ]
            ),
        ),
        min_size=1,
        max_size=4,
    ),
    eight_bit=st.booleans(),
)
def test_damaged_mail_is_carried_or_refused_by_name(
    notice: Notice, path: Path, edits: list[tuple[float, int, bytes]], eight_bit: bool
) -> None:
    """Whatever is done to a message, there is a copy with the link in it, or one of the two refusals."""
    content = path.read_bytes()
    for where, length, put in edits:
        at = int(where * len(content))
        content = content[:at] + put + content[at + length :]
    try:
        message = Message.parse(content.replace(b"\n", b"\r\n"))
        copy = prepare(message, eight_bit=eight_bit).copy(notice)
    except (UnparsableError, CannotCarryNoticeError):
        return

    assert_carried(copy, notice)


def assert_carried(copy: bytes, notice: Notice) -> None:
    """An independent reader finds the link in some text, and both fields once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        parsed = email.message_from_bytes(copy)
        assert any(notice.link in text_of(part) for part in leaves(parsed) if is_read(part))
    assert parsed.get_all("List-Unsubscribe") == [f"<{notice.link}>"]
    assert parsed.get_all("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]
