"""An independent reader: what a person is shown of a message, by the email package."""

from __future__ import annotations

import warnings
from email.message import Message as Parsed


def text_of(leaf: Parsed) -> str:
    """A leaf's text; where the reader has no such charset, its octets as Latin-1."""
    octets = leaf.get_payload(decode=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a parameter that is not RFC 2231
        charset = leaf.get_content_charset("ascii")
    try:
        return octets.decode(charset, "replace")
    except (LookupError, UnicodeError):
        return octets.decode("latin-1")


def is_text(part: Parsed) -> bool:
    """Whether it is shown among the words of the message."""
    return (
        part.get_content_type() in ("text/plain", "text/html")
        and part.get_content_disposition() != "attachment"
        and part.get_filename() is None
        and not part.is_multipart()
    )


def has_text(part: Parsed) -> bool:
    """Whether words of this entity are shown in their place."""
    if part.get_content_maintype() == "message":
        return False
    return any(map(has_text, part.get_payload())) if part.is_multipart() else is_text(part)


def is_told(part: Parsed, link: str) -> bool:
    """Whether a reader of this entity is shown the link: in each alternative, or once in a mixture."""
    if not part.is_multipart():
        return is_text(part) and link in text_of(part)
    told = [is_told(child, link) for child in part.get_payload() if has_text(child)]
    return bool(told) and (all(told) if part.get_content_type() == "multipart/alternative" else any(told))
