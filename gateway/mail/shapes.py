"""What is wrapped and what is refused, and why: each reason is one short sentence, and stands here alone.

Stable: operators read a refusal in the reply to DATA; docs/message-shapes.md has both lists for them.
"""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """Why no copy can be made, or the message cannot be handled surely: `554 5.6.0` with this sentence."""

    LINE_ENDS = "message has a bare CR, a bare LF or a NUL"
    HEADER = "message header is malformed"
    TWICE = "message has more than one {field} field"
    NO_FROM = "message has no From field"
    FROM = "From field cannot be read surely"
    ENCRYPTED = "encrypted content cannot carry the notice"
    SEALED = "encrypted or sealed content cannot carry the notice"
    FRAGMENT = "a fragment of a message cannot carry the notice"
    ELSEWHERE = "content kept elsewhere cannot carry the notice"
    AMP = "an AMP part cannot carry the notice"
    EIGHT_BIT = "8-bit content cannot be re-encoded for the next hop"


class Wrapping(StrEnum):
    """Why a message is not edited inside but becomes the first part of a multipart/mixed."""

    NOTHING_READ = "nothing in it is meant for reading"
    TEXT_KIND = "a text of its kind cannot be edited"
    HEADER = "the header of a part cannot be read surely"
    PARTS = "its parts cannot be told apart surely"
    MULTIPART_KIND = "a multipart of its kind is not edited inside"
    ALTERNATIVE = "one of the alternatives cannot carry the notice"
    RELATED_ROOT = "the root of multipart/related cannot be found"
    ENCODING = "its transfer encoding is unknown"
    QUOTED_PRINTABLE = "its quoted-printable is malformed"
    BASE64 = "its base64 is malformed"
    CHARSET = "its charset cannot be read surely"
    WORDS = "its charset cannot spell the notice, nor can it be moved to UTF-8 surely"
    INLINE_PGP = "signed or encrypted text is not edited"
    TOO_MANY_PLACES = "it has too many places for the link"
    CONDITION = "a conditional comment of the page does not end"
    UNFINISHED = "a tag, a comment or an element of the page does not end"
    TABLE = "a table of the page does not end"
    NO_END = "the page has no end that is shown"


class StrangeError(Exception):
    """The message cannot be edited surely in place: wrap it."""

    def __init__(self, why: Wrapping) -> None:
        super().__init__(str(why))
        self.why = why


class CannotCarryNoticeError(Exception):
    """The message can neither be edited nor wrapped without harm; the text is safe to show to the peer."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(str(why))
        self.why = why
