"""Who a message says it is from: the mailboxes of a From: field, read so strictly that no reader differs.

RFC 5322 section 3.4 with groups (RFC 6854), comments, quoted names and encoded words; of the obsolete
forms only a dot in a name ("J. Doe"). What two readers might take for different mailboxes is refused.
"""

from __future__ import annotations

import re
from functools import lru_cache

from gateway import address
from gateway.address import Mailbox

_TOKEN = re.compile(
    rb"(?P<space>[ \t]+)"
    rb'|(?P<quoted>"(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[ -~\t\x80-\xff])*")'  # RFC 5322 3.2.4, RFC 6532
    rb"|(?P<literal>\[[!-Z^-~]*\])"  # RFC 5322 section 3.4.1 domain-literal
    rb"|(?P<atom>[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\xff-]+)"  # RFC 5322 section 3.2.3, RFC 6532
    rb"|(?P<special>[<>@,:;.])"
)
_MAX_LENGTH = 10_000  # octets; a mailbox has some 300
_MAX_KEPT = 300  # octets of a value whose mailboxes are kept
_IN_COMMENT = re.compile(rb"\\[ -~\t\x80-\xff]|[()]|[^\\()]+")


class OriginatorError(ValueError):
    """The field does not surely name its mailboxes."""


def mailboxes(value: bytes) -> tuple[Mailbox, ...]:
    """The mailboxes of an unfolded From: value, at least one. Raises OriginatorError."""
    return _mailboxes(value) if len(value) <= _MAX_KEPT else _mailboxes.__wrapped__(value)


@lru_cache(maxsize=256)  # a login's messages are all from the same few
def _mailboxes(value: bytes) -> tuple[Mailbox, ...]:
    try:
        found = tuple(_mailbox(tokens) for tokens in _split(_tokens(value)))
    except address.AddressError as error:
        raise OriginatorError(str(error)) from error
    if not found:
        raise OriginatorError("no mailbox")
    return found


def _tokens(value: bytes) -> list[tuple[str, bytes]]:
    """Kind and text of each token; a comment counts as a space."""
    if len(value) > _MAX_LENGTH:
        raise OriginatorError("field is too long")
    tokens = []
    at = 0
    while at < len(value):
        if value[at : at + 1] == b"(":
            at = _comment_end(value, at)
            tokens.append(("space", b" "))
            continue
        match = _TOKEN.match(value, at)
        if match is None or match.lastgroup is None:
            raise OriginatorError("unexpected character")
        tokens.append((match.lastgroup, match[0]))
        at = match.end()
    return tokens


def _comment_end(value: bytes, at: int) -> int:
    """Where the comment that opens at `at` ends; comments nest (RFC 5322 section 3.2.2)."""
    depth = 0
    while match := _IN_COMMENT.match(value, at):
        depth += (match[0] == b"(") - (match[0] == b")")
        at = match.end()
        if depth == 0:
            return at
    raise OriginatorError("comment does not end")


def _split(tokens: list[tuple[str, bytes]]) -> list[list[tuple[str, bytes]]]:
    """The tokens of each mailbox, groups opened up (RFC 5322 section 3.4 group)."""
    entries: list[list[tuple[str, bytes]]] = [[]]
    in_group = in_angle = False
    is_phrase = True  # all of the entry so far
    for kind, text in tokens:
        if text in (b"<", b">"):
            in_angle = text == b"<"
        if text == b":" and not in_angle and not in_group and is_phrase:
            in_group, entries[-1] = True, []  # the group's name is no mailbox
        elif (text == b"," and not in_angle) or (text == b";" and in_group):
            in_group = in_group and text != b";"
            entries.append([])
            is_phrase = True
        else:
            entries[-1].append((kind, text))
            is_phrase = is_phrase and _is_phrase([(kind, text)])
    if in_group or in_angle:
        raise OriginatorError("group or address does not end")
    return [entry for entry in entries if any(kind != "space" for kind, _ in entry)]


def _is_phrase(tokens: list[tuple[str, bytes]]) -> bool:
    """RFC 5322 section 3.2.5, with the dot of section 4.1."""
    return all(kind in ("space", "quoted", "atom") or text == b"." for kind, text in tokens)


def _mailbox(tokens: list[tuple[str, bytes]]) -> Mailbox:
    """`phrase <addr-spec>` or `addr-spec`; a second "@" or "<" anywhere makes it unsure."""
    angle = [index for index, (_, text) in enumerate(tokens) if text == b"<"]
    if not angle:
        return _addr_spec(tokens)
    if not _is_phrase(tokens[: angle[0]]):
        raise OriginatorError("display name is not valid")
    rest = tokens[angle[0] + 1 :]
    while rest and rest[-1][0] == "space":
        rest.pop()
    if not rest or rest.pop()[1] != b">":
        raise OriginatorError("text after the address")
    return _addr_spec(rest)


def _addr_spec(tokens: list[tuple[str, bytes]]) -> Mailbox:
    """No spaces or comments inside: RFC 5322 section 4.4 obsolete, and read differently by readers."""
    text = b"".join(text for _, text in tokens).strip()
    if sum(part == b"@" for _, part in tokens) != 1:
        raise OriginatorError("not one address")
    return address.parse(text)
