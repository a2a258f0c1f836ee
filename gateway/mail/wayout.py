"""Places a message has for the link already: placeholders, and the URL of the sender's own way out.

Contract section 4: the link stands in place of these, and no second one is added beside it. A placeholder
that comes as far as this is one that nobody else fills in: its tool does so before it mails.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from gateway.mail.message import Message
from gateway.mail.shapes import StrangeError, Wrapping

# Surely meant for the link wherever they stand. " " stands for blanks that may be there; case is free.
_ANYWHERE = (
    "{{ unsubscribe_url }}", "{{{ unsubscribe_url }}}", "%unsubscribe_url%",  # contract section 4
    "{{{ pm:unsubscribe }}}", "{{{ pm:unsubscribe_url }}}", "{{ pm:unsubscribe }}",
    "{{ pm:unsubscribe_url }}",  # Postmark
    "{{ amazonSESUnsubscribeUrl }}", "{{{ amazonSESUnsubscribeUrl }}}",  # Amazon SES
    "%tag_unsubscribe_url%", "%mailing_list_unsubscribe_url%",  # Mailgun
    "%%unsubscribe_url%%", "%%unsub_center_url%%", "%%{unsubscribe_url}%%",  # Salesforce, Ghost
    "<%asm_group_unsubscribe_url%>", "<%asm_group_unsubscribe_raw_url%>",  # SendGrid
    "<%asm_global_unsubscribe_url%>", "<%asm_global_unsubscribe_raw_url%>", "{{{ unsubscribe }}}",
    "*|UNSUB|*", "*|UNSUB_URL|*", "*|UNSUBSCRIBE_URL|*",  # Mailchimp, Mandrill
    "[[UNSUB_LINK]]", "[[UNSUB_LINK_EN]]", "[[UNSUB_LINK_FR]]", "[[UNSUB_LINK_DE]]",  # Mailjet
    "{{ unsubscribe }}", "{{ unsubscribe_link }}", "{{ unsubscribeUrl }}",  # Brevo, Keila
    "{{ UnsubscribeURL }}", "{{ .UnsubscribeURL }}",  # listmonk
    "{{{ RESEND_UNSUBSCRIBE_URL }}}", "{{ posta_unsubscribe_url }}",  # Resend, Posta
    "{% unsubscribe_url %}", "{% unsubscribe_link %}",  # Customer.io, Klaviyo
    "[UNSUBSCRIBEURL]", "{unsubscribe_url}", "{unsubscribe_text}", "{unsubscribe_link}",  # phpList, Mautic
    "{unsubscribeurl}", "{$unsubscribe}", "%UNSUBSCRIBELINK%",  # Elastic Email, MailerLite, ActiveCampaign
    "[LINK_UNSUBSCRIBE]", "[link:subscription_unsubscribe_url]",  # Mailtrain, MailPoet
    "{action.unsubscribeUrl}", "{optOutUrl}", "{optOutLink}",  # CiviCRM, EspoCRM
    "[simplenews-subscriber:unsubscribe-url]", "${unsubscribe_url}", "${unsubscribe_link}",
)  # fmt: skip
# A reader may be meant to see these as they are: only where they are the whole target of a link.
_AS_TARGET = ("[unsubscribe]", "{unsubscribe}", "<unsubscribe>", "%unsubscribe%")
_IN_EACH = (b"unsub", b"optout")  # one of them is in every placeholder
_ENTITIES = {
    "{": "lbrace|lcub", "}": "rbrace|rcub", "[": "lbrack|lsqb", "]": "rbrack|rsqb", "<": "lt", ">": "gt",
}  # fmt: skip

_OWN_URL = re.compile(rb"<\s*https?(://[^/<>\s?]+(?:/[^<>\s]+|\?[^<>\s]+))\s*>", re.IGNORECASE)
_URL_GOES_ON = re.compile(rb"[A-Za-z0-9%/_=&?#+~@-]|\.[A-Za-z0-9]")
_MAX_OWN_URLS = 4
_MAX_PLACES = 2_000  # more are no newsletter's, and each is a splice
_MAX_WORDS = 2_000  # of which a placeholder may be made; to look at each takes 0.1 ms


def _spelt(char: str) -> str:
    """One character, as it may be spelt in a page: itself, percent-encoded or as an entity."""
    if char.isalnum() or char in "_.-":
        return re.escape(char)
    if char == " ":
        return r"(?:\s|%20|&nbsp;|&\#160;){0,9}"
    code = ord(char)
    entity = f"&(?:\\#0?{code}|\\#x{code:x}" + (f"|{_ENTITIES[char]}" if char in _ENTITIES else "") + ");"
    return f"(?:%{code:02x}|{entity}|{re.escape(char)})"


def _pattern(placeholders: Sequence[str]) -> str:
    """The longer first, since one may begin another."""
    return "|".join("".join(map(_spelt, it)) for it in sorted(placeholders, key=len, reverse=True))


# Editors put a scheme before what does not look like a URL; trackers put their parameters after it.
_PLACEHOLDER = re.compile(
    rf"(?:https?://)?(?:{_pattern(_ANYWHERE)})"
    rf"|(?<=[\"'])(?:https?://)?(?:{_pattern(_AS_TARGET)})(?=[\"'])".encode("ascii"),
    re.IGNORECASE,
)
_AFTER = re.compile(rb"/(?=[\"'])|[?&](?:amp;)?[a-z_]{1,20}=[^\s\"'<>]{0,200}", re.IGNORECASE)
_AROUND = 80  # octets of a placeholder on either side of that word


def own_urls(message: Message) -> list[bytes]:
    """The URLs of the sender's own List-Unsubscribe, as they may be spelt in a text or a page."""
    rests = [url for field in message.fields("list-unsubscribe") for url in _OWN_URL.findall(field.value)]
    urls = [scheme + rest for rest in rests[:_MAX_OWN_URLS] for scheme in (b"https", b"http")]
    return list(dict.fromkeys(spelling for url in urls for spelling in _spellings(url)))


def _spellings(url: bytes) -> list[bytes]:
    """As it is, and as it may stand in an attribute."""
    text = url.decode("latin-1")
    escaped = escape(text)
    spelt = [text, escaped, *(escaped.replace("&amp;", amp) for amp in ("&#38;", "&#038;", "&#x26;"))]
    return [it.encode("latin-1") for it in spelt]


def places(text: bytes, urls: Sequence[bytes]) -> list[tuple[int, int]]:
    """Where the link belongs: placeholders, and the sender's own way out; in order and apart.

    Raises StrangeError when there are too many.
    """
    found = [span for url in urls for span in _url_spans(text, url)]
    found += _placeholder_spans(text)
    apart: list[tuple[int, int]] = []
    for span in sorted(found, key=lambda it: (it[0], -it[1])):
        if not apart or span[0] >= apart[-1][1]:
            apart.append(span)
    if len(apart) > _MAX_PLACES:
        raise StrangeError(Wrapping.TOO_MANY_PLACES)
    return apart


def _placeholder_spans(text: bytes) -> Iterator[tuple[int, int]]:
    """Looked for around the words of which all of them have one, which is a good deal faster."""
    passed = 0
    for at in _words(text.lower()):
        match = _PLACEHOLDER.search(text, max(passed, at - _AROUND), at + _AROUND) if at >= passed else None
        if match and match.start() <= at < match.end():
            after = _AFTER.match(text, match.end())
            passed = after.end() if after else match.end()
            yield match.start(), passed


def _words(lowered: bytes) -> list[int]:
    found = []
    for word in _IN_EACH:
        at = lowered.find(word)
        while at >= 0:
            found.append(at)
            if len(found) > _MAX_WORDS:
                raise StrangeError(Wrapping.TOO_MANY_PLACES)
            at = lowered.find(word, at + 1)
    return sorted(found)


def _url_spans(text: bytes, url: bytes) -> Iterator[tuple[int, int]]:
    """Where exactly this URL stands, not one that goes on."""
    found = 0
    at = text.find(url)
    while at >= 0:
        end = at + len(url)
        if not _URL_GOES_ON.match(text, end):
            found += 1
            yield at, end
        if found > _MAX_PLACES:
            raise StrangeError(Wrapping.TOO_MANY_PLACES)
        at = text.find(url, end)
