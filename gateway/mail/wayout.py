"""Places a message has for the link already: placeholders, and the URL of the sender's own way out.

Contract section 4: the link stands in place of these, and no second one is added beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from gateway.mail.message import Message

_PLACEHOLDER = re.compile(
    rb"(?:\{{2,3}|%7B%7B(?:%7B)?)(?:\s|%20){0,9}"
    rb"(?:unsubscribe_url|pm:unsubscribe(?:_url)?|amazonSESUnsubscribeUrl)"
    rb"(?:\s|%20){0,9}(?:\}{2,3}|%7D%7D(?:%7D)?)|%unsubscribe_url%",
    re.IGNORECASE,
)
_OWN_URL = re.compile(rb"<\s*(https?://[^/<>\s?]+(?:/[^<>\s]+|\?[^<>\s]+))\s*>", re.IGNORECASE)
_URL_GOES_ON = re.compile(rb"[A-Za-z0-9%/_=&?#+~@-]|\.[A-Za-z0-9]")
_IN_EACH = b"unsubscribe"  # every placeholder has it
_AROUND = 60  # octets of a placeholder on either side of it
_MAX_OWN_URLS = 4


def own_urls(message: Message) -> list[bytes]:
    """The URLs of the sender's own List-Unsubscribe, as they may be spelt in a text or a page."""
    urls = [url for field in message.fields("list-unsubscribe") for url in _OWN_URL.findall(field.value)]
    return list(dict.fromkeys(it for url in urls[:_MAX_OWN_URLS] for it in (url, _escaped_url(url))))


def places(text: bytes, urls: Sequence[bytes]) -> list[tuple[int, int]]:
    """Where the link belongs: placeholders, and the sender's own way out; in order and apart."""
    found = [span for url in urls for span in _url_spans(text, url)]
    apart: list[tuple[int, int]] = []
    for span in sorted([*found, *_placeholder_spans(text)]):
        if not apart or span[0] >= apart[-1][1]:
            apart.append(span)
    return apart


def _placeholder_spans(text: bytes) -> Iterator[tuple[int, int]]:
    """Looked for around the one word all of them have, which is a good deal faster."""
    lowered, passed = text.lower(), 0
    at = lowered.find(_IN_EACH)
    while at >= 0:
        match = _PLACEHOLDER.search(text, max(passed, at - _AROUND), at + _AROUND)
        if match and match.start() < at < match.end():
            passed = match.end()
            yield match.span()
        at = lowered.find(_IN_EACH, at + 1)


def _url_spans(text: bytes, url: bytes) -> Iterator[tuple[int, int]]:
    """Where exactly this URL stands, not one that goes on."""
    at = text.find(url)
    while at >= 0:
        end = at + len(url)
        if not _URL_GOES_ON.match(text, end):
            yield at, end
        at = text.find(url, end)


def _escaped_url(url: bytes) -> bytes:
    return escape(url.decode("latin-1")).encode("latin-1")
