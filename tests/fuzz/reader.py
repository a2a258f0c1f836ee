"""A message as the email package reads it, independent of ours."""

from __future__ import annotations

import email
import re
from email.message import Message as Parsed

AMP = "text/x-amp-html"
PAGES = ("text/plain", "text/html")


def read(content: bytes) -> Parsed:
    """The tree of a message."""
    return email.message_from_bytes(content)


def leaves(root: Parsed) -> list[Parsed]:
    """The parts that have none of their own, those of enclosed messages too."""
    return [part for part in root.walk() if not part.is_multipart()]


def is_page(part: Parsed) -> bool:
    """Whether a person reads it in its place."""
    try:
        is_file = part.get_filename() is not None or part.get_content_disposition() == "attachment"
        return part.get_content_type() in PAGES and not is_file and part.get_param("name") is None
    except TypeError:  # the email package trips over a parameter given whole and in pieces (RFC 2231)
        return False


def is_amp(part: Parsed) -> bool:
    """Whether readers that know AMP show it in place of the others."""
    return part.get_content_type() == AMP


def octets(part: Parsed) -> bytes:
    """A leaf's content without its transfer encoding."""
    return bytes(part.get_payload(decode=True) or b"")


def text_of(part: Parsed, errors: str = "replace") -> str:
    """A leaf as it is shown. Under `strict`, raises ValueError or LookupError where that is not sure."""
    raw, charset = octets(part), part.get_content_charset("us-ascii")
    try:
        return raw.decode(_known(charset), errors)
    except (LookupError, ValueError):
        if errors == "strict":
            raise
        return raw.decode("latin-1")


def _known(charset: str) -> str:
    """Python takes any punctuation in a charset's name for a hyphen; readers of mail do not."""
    hyphened = charset.replace("_", "-")
    if re.sub(r"[^a-z0-9.:()]+", "-", hyphened) != hyphened:
        raise LookupError(charset)
    return charset


def shown(part: Parsed, link: str) -> list[Parsed]:
    """The pages of which each must have the link: of all alternatives, and of one part of a mixture."""
    kind = part.get_content_type()
    children = [it for it in part.get_payload() if isinstance(it, Parsed)] if part.is_multipart() else []
    if kind.startswith("message/"):
        return []
    if not children:
        return [part] if is_page(part) else []
    if kind == "multipart/alternative":
        return [page for child in children for page in shown(child, link)]
    entities = [pages for child in children if (pages := shown(child, link))]
    carrying = [pages for pages in entities if all(link in text_of(page) for page in pages)]
    return (carrying or entities or [[]])[0]


def is_malformed(root: Parsed) -> bool:
    """Whether this reader itself had to guess: readers differ there, and neither is right."""
    return any(part.defects for part in root.walk())
