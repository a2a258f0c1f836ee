"""The notice in every marketing copy: why it came, the way out, and who really sends it (L10, L19, L22, L32).

As plain text and as HTML, both escaped by construction. For one message only the link differs between
copies, and it has constant length.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from html import escape, unescape
from textwrap import wrap
from typing import Literal, Protocol

SLOT = "\0"  # stands for the link while a message is prepared; cannot occur in mail (refused at the door)
_LINK = re.compile(r"https?://[!#-;=?-~]{1,500}")  # printable, and nothing that ends an attribute or a field
_WIDTH = 72
_RULE = "_" * 40
_TAG = re.compile(r"<[^<>]*>")

Form = Literal["full", "identity"]  # identity: the message has a link of its own place already


class NoticeWords(Protocol):
    """The words of a notice in one language; sentences have {controller} and {category} in them."""

    @property
    def because_consent(self) -> str:
        """Why it came: consent."""
        ...

    @property
    def because_customer(self) -> str:
        """Why it came: the soft opt-in."""
        ...

    @property
    def because_other(self) -> str:
        """Who sends it, on any other ground."""
        ...

    @property
    def unsubscribe(self) -> str:
        """The words of the link."""
        ...

    @property
    def profiled(self) -> str:
        """That a profile chose the person, and that the same link switches it off (L19)."""
        ...

    @property
    def privacy_policy(self) -> str:
        """The words before the link to it."""
        ...

    @property
    def labelled(self) -> str:
        """How {label} and {value} stand side by side."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What the notice of one copy says. Raises ValueError for a link that is no plain URL."""

    controller: str
    postal_address: str
    privacy_policy_url: str
    category: str  # its title
    link: str
    words: NoticeWords
    ground: str = ""  # law.reason.Ground; empty when a report mode relaxed the decision
    advertising: str = ""  # the word by which the law wants advertising known (L32)
    profiled: bool = False

    def __post_init__(self) -> None:
        if self.link != SLOT:
            plain(self.link)

    @property
    def because(self) -> str:
        """The sentence that says why this came."""
        words = self.words
        sentences = {"consent": words.because_consent, "soft-opt-in": words.because_customer}
        return self._filled(sentences.get(self.ground, words.because_other))

    @property
    def about_profile(self) -> str:
        """The sentence on profiling (GDPR 21(2), 22); empty for a category without."""
        return self._filled(self.words.profiled) if self.profiled else ""

    @property
    def sender(self) -> str:
        """Who really sends it, and an address to write to (Tw 11.7(6))."""
        return _line(f"{self.controller}, {self.postal_address}")

    @property
    def says_more(self) -> bool:
        """Whether the law wants more said than the link and who sends it."""
        return bool(self.advertising or self.profiled)

    def _filled(self, sentence: str) -> str:
        return _line(sentence.replace("{controller}", self.controller).replace("{category}", self.category))


def plain(link: str) -> str:
    """The link. Raises ValueError for one that is no plain URL, and could end an attribute or a field."""
    if not _LINK.fullmatch(link):
        raise ValueError("notice link is not a plain http(s) URL")
    return link


# Written once for all messages that say the same: they differ in the link alone, for which a SLOT stands.
_once_said = lru_cache(maxsize=64)


@_once_said
def as_text(notice: Notice, form: Form = "full") -> str:
    """The notice as lines of plain text, each with a CRLF; no line ends or begins with a blank."""
    parts = [_line(notice.advertising), notice.about_profile]
    if form == "full":
        parts[1:1] = [notice.because, _labelled(notice, notice.words.unsubscribe, f"\n{notice.link}")]
    apart = "\n" if any(parts) else ""
    policy = _labelled(notice, notice.words.privacy_policy, notice.privacy_policy_url)
    parts += [apart + notice.sender, policy]
    lines = [
        line for part in filter(None, parts) for text in part.split("\n") for line in _wrapped(text) or [""]
    ]
    return "".join(f"{line}\r\n" for line in (_RULE, *lines))


@_once_said
def as_html(notice: Notice, form: Form = "full") -> str:
    """The notice as one HTML element in ASCII; colours of its own, so that dark modes turn them together."""
    inside = _lines(notice, form, f'"\r\n style="{_LINK_STYLE}"')
    return f'<div style="{_STYLE}">\r\n{inside}\r\n</div>\r\n'


@_once_said
def as_amp(notice: Notice, form: Form = "full") -> str:
    """The notice as one element of an AMP page: without styles, of which AMP readers take unlike ones."""
    inside = _lines(notice, form, '"')
    return f"<p>\r\n{inside}\r\n</p>\r\n"


def _lines(notice: Notice, form: Form, end: str) -> str:
    """What is said, in lines; `end` goes after each link's URL."""
    lines = [_escaped(_line(notice.advertising)), _escaped(notice.about_profile)]
    if form == "full":
        link = _anchor(notice.link, end, notice.words.unsubscribe)
        lines[1:1] = [_escaped(notice.because), link]
    policy = _anchor(notice.privacy_policy_url, end, notice.words.privacy_policy)
    return "<br>\r\n".join(filter(None, [*lines, _escaped(notice.sender), policy]))


def _anchor(url: str, end: str, words: str) -> str:
    return f'<a href="{_escaped(url)}{end}>{_escaped(words)}</a>'


# No style sheet of the page may hide it or make it unreadable; what is said twice is for the readers
# that leave out whatever is !important.
_SEEN = "visibility:visible!important;opacity:1!important;font-size:13px!important"
_STYLE = (
    "clear:both;max-width:600px;margin:24px auto 0;padding:12px 16px;\r\n"
    " border-top:1px solid #767676;background-color:#ffffff;color:#333333;\r\n"
    " font:13px/1.6 Arial,Helvetica,sans-serif;text-align:left;\r\n"
    " background-color:#ffffff!important;color:#333333!important;display:block!important;\r\n"
    " height:auto!important;max-height:none!important;position:static!important;\r\n"
    f" {_SEEN}"
)
_LINK_STYLE = (
    "color:#0b57d0;text-decoration:underline;\r\n"
    " color:#0b57d0!important;background-color:#ffffff!important;display:inline!important;\r\n"
    f" {_SEEN}"
)


def shows_identity(notice: Notice, text: str, *, html: bool) -> bool:
    """Whether a part shows name, postal address and privacy policy by itself (L22)."""
    if notice.privacy_policy_url not in (unescape(text) if html else text):
        return False
    seen = _comparable(unescape(_TAG.sub(" ", text)) if html else text)
    address = [piece for piece in re.split(r"[,;\n]", notice.postal_address) if piece.strip()]
    return all(_comparable(piece) in seen for piece in (notice.controller, *address))


def _comparable(text: str) -> str:
    return _line(text).casefold()


def _labelled(notice: Notice, label: str, value: str) -> str:
    return notice.words.labelled.replace("{label}", label).replace("{value}", value)


def _line(text: str) -> str:
    return " ".join(text.split())


def _wrapped(text: str) -> list[str]:
    """Lines of plain text; a long word, such as a URL, stays whole."""
    return wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _escaped(text: str) -> str:
    """HTML in ASCII, whatever the charset of the page (HTML 13.1.4)."""
    return escape(text).encode("ascii", "xmlcharrefreplace").decode("ascii")
