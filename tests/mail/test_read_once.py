"""Messages with the same body are read once: no copy shows it, and no word goes from one to another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.mail import rewrite
from gateway.mail.message import Message
from gateway.mail.notice import Notice
from gateway.mail.rewrite import CannotCarryNoticeError, prepare
from gateway.texts import texts

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.eml"))
NOTICE = Notice(
    controller="Shop",
    postal_address="Markt 1",
    privacy_policy_url="https://shop.example/privacy",
    category="News",
    link="https://gw.example/u/" + "a" * 72,
    words=texts("nl"),
    ground="consent",
)
OTHER = replace(NOTICE, link="https://gw.example/u/" + "b" * 72, ground="soft-opt-in")
SECRET = b"X-Private: only for the first of them\r\n"


def crlf(path: Path) -> bytes:
    return path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def copies(content: bytes, *, eight_bit: bool) -> list[bytes | str]:
    """The copies of a message for two people, or why there are none."""
    try:
        prepared = prepare(Message.parse(content), eight_bit=eight_bit)
    except CannotCarryNoticeError as error:
        return [str(error)]
    forms = [(prepared.form(notice), notice.link) for notice in (NOTICE, OTHER)]
    return [form.copy(link) + form.body_digest(link) for form, link in forms]


@pytest.mark.parametrize("eight_bit", [True, False])
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_who_was_read_before_makes_no_difference(path: Path, eight_bit: bool) -> None:
    """A copy is the same whether its body was read for another message before or not, other header or not."""
    content = crlf(path)
    rewrite._reading.cache_clear()
    alone = copies(content, eight_bit=eight_bit)
    rewrite._reading.cache_clear()

    first = copies(SECRET + content, eight_bit=eight_bit)
    second = copies(content, eight_bit=eight_bit)

    assert second == alone
    assert all(b"only for the first" not in copy for copy in second if isinstance(copy, bytes))
    assert len(first) == len(second)


def test_the_same_body_is_read_once() -> None:
    """A mailing of many messages that differ in their header alone has its body looked through once."""
    content = crlf(next(path for path in GOLDEN if "listmonk" in path.stem))
    rewrite._reading.cache_clear()
    for number in range(5):
        copies(b"X-Number: %d\r\n" % number + content, eight_bit=True)

    assert rewrite._reading.cache_info()[:2] == (4, 1)


def test_what_says_how_to_read_a_body_tells_it_from_an_equal_one() -> None:
    """The same octets as a text and as a page, or with another way out of the sender's, are two bodies."""
    body = b"\r\n<p>https://shop.example/out {{unsubscribe_url}}</p>\r\n"
    fields = [
        b"Content-Type: text/plain\r\n",
        b"Content-Type: text/html\r\n",
        b"Content-Type: text/html\r\nList-Unsubscribe: <https://shop.example/out>\r\n",
    ]
    made = [copies(b"From: a@shop.example\r\n" + field + body, eight_bit=True)[0] for field in fields]

    assert len({copy.partition(b"\r\n\r\n")[2] for copy in made if isinstance(copy, bytes)}) == 3


def test_large_bodies_are_not_kept() -> None:
    """What is kept is bounded: a large body is read for its own message alone."""
    rewrite._reading.cache_clear()
    copies(b"From: a@shop.example\r\n\r\n" + b"line\r\n" * 40_000, eight_bit=True)

    assert rewrite._reading.cache_info().currsize == 0
