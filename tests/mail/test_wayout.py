"""Placeholders and the sender's own way out: found however spelt, and nothing else taken for one."""

from __future__ import annotations

import base64
import email
import re
from urllib.parse import quote

import pytest

from gateway.mail.message import Message
from gateway.mail.notice import Notice
from gateway.mail.rewrite import prepare
from gateway.mail.shapes import StrangeError
from gateway.mail.transfer import encode_qp
from gateway.mail.wayout import _ANYWHERE, _AS_TARGET, own_urls, places

HEAD = b"From: a@zon.example\r\nMIME-Version: 1.0\r\n"


def found(text: str, *urls: str) -> list[str]:
    """What gives way to the link."""
    octets = text.encode()
    return [octets[start:end].decode() for start, end in places(octets, [url.encode() for url in urls])]


def entities(text: str) -> str:
    """As an editor escapes punctuation in an attribute."""
    return re.sub(r"[^\w.\- ]", lambda match: f"&#{ord(match[0])};", text)


@pytest.mark.parametrize("placeholder", _ANYWHERE)
def test_placeholders_however_spelt(placeholder: str) -> None:
    """As it is, without blanks, in the other case, percent-encoded, as entities, after a scheme."""
    for spelt in (
        placeholder,
        placeholder.replace(" ", ""),
        placeholder.lower(),
        quote(placeholder, safe="_.-"),
        entities(placeholder),
        "http://" + placeholder,
        placeholder + "?utm_source=mei&amp;utm_medium=mail",
    ):
        assert found(f'<a href="{spelt}">weg</a>') == [spelt]
        assert found(f"Weg: {spelt} .") == [spelt]


@pytest.mark.parametrize("placeholder", _AS_TARGET)
def test_ambiguous_placeholders_count_as_targets_alone(placeholder: str) -> None:
    """[unsubscribe] may be words of the sender's own: it gives way only where a link leads to it."""
    assert found(f'<a href="{placeholder}">{placeholder}</a>') == [placeholder]
    assert found(f"Click {placeholder} to leave.") == []


@pytest.mark.parametrize(
    "text",
    [
        "{{ first_name }}, unsubscribe here",
        "https://zon.example/unsubscribe_url",
        "unsubscribe_url",
        "{{unsubscribe_url",
        "{{ name }} %unsubscribe% [ unsubscribe ]",
        "100% unsubscribe 100%",
        "*|LIST:UNSUBSCRIBED|*",
    ],
)
def test_other_words_stay(text: str) -> None:
    """What is no placeholder of the link for sure is the sender's own words."""
    assert found(text) == []


def test_what_follows_a_placeholder_stays() -> None:
    """An entity or a sentence's end after it is no part of it."""
    assert found("{{unsubscribe_url}}&nbsp;| x") == ["{{unsubscribe_url}}"]
    assert found("Leave at {{unsubscribe_url}}? Yes.") == ["{{unsubscribe_url}}"]


def test_own_url_in_any_spelling() -> None:
    """The sender's own way out is found with either scheme and with its ampersands escaped in any way."""
    message = Message.parse(b"List-Unsubscribe: <mailto:x>, <HTTPS://zon.example/u?a=1&b=2>\r\n" + HEAD)
    urls = [url.decode() for url in own_urls(message)]
    for amp in ("&", "&amp;", "&#38;", "&#x26;"):
        for scheme in ("http", "https"):
            assert found(f"{scheme}://zon.example/u?a=1{amp}b=2", *urls)
    assert not found("https://zon.example/u?a=1&b=22 https://zon.example/u?a=1", *urls)


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64"])
@pytest.mark.parametrize("pad", range(0, 76, 5))
def test_found_across_the_lines_of_an_encoding(notice: Notice, encoding: str, pad: int) -> None:
    """Wherever a line of quoted-printable or base64 ends, within a placeholder or the own URL too."""
    text = b"=" * pad + b' <a href="{{ unsubscribe_url }}">1</a> https://zon.example/u/1 2\r\n'
    body = base64.encodebytes(text).replace(b"\n", b"\r\n") if encoding == "base64" else encode_qp(text)
    head = HEAD + b"List-Unsubscribe: <https://zon.example/u/1>\r\nContent-Type: text/html\r\n"
    head += b"Content-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n"
    copy = prepare(Message.parse(head + body), eight_bit=True).copy(notice)
    shown = email.message_from_bytes(copy).get_payload(decode=True).decode()
    link = notice.link

    assert shown.startswith(f'{"=" * pad} <a href="{link}">1</a> <a href="{link}">{link}</a> 2\r\n')
    assert notice.words.unsubscribe not in shown
    assert notice.postal_address in shown


def test_too_many_places_are_strange() -> None:
    """A text of nothing but placeholders, or of their words, is not worked through."""
    for text in (b"%unsubscribe_url%" * 3000, b"unsub" * 30_000):
        with pytest.raises(StrangeError):
            places(text, [])
