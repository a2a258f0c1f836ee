"""What the next hop forces: 8-bit content it does not take, and lines too long for it, are re-encoded.

RFC 6152 section 3 and RFC 5322 section 2.1.1. A leaf that is changed gets another
Content-Transfer-Encoding and nothing else; what is inside a signed or encrypted entity stays (I6).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway.mail.message import Message
from gateway.mail.structure import CannotCarryNoticeError, Part, read
from gateway.mail.transfer import LINE, encode_base64, encode_qp

IDENTITY = ("7bit", "8bit", "binary")  # RFC 2045 section 6.2
_SEALED = ("multipart/signed", "multipart/encrypted")  # RFC 1847


def transportable(message: Message, *, eight_bit: bool) -> Message:
    """The message as the next hop takes it: itself, when nothing forces a change.

    Raises CannotCarryNoticeError when 8-bit content stands where it cannot be re-encoded.
    """
    content, body = message.content, message.body
    ascii_only = content.isascii()
    if (eight_bit or ascii_only) and not has_long_line(content, body, len(content)):
        return message

    def forced(part: Part) -> bool:
        too_wide = not eight_bit and not content[part.body : part.end].isascii()
        return too_wide or has_long_line(content, part.body, part.end)

    changed = recoded(message, tree(message), forced, to_7bit=not eight_bit)
    if not eight_bit and not changed.content[changed.body :].isascii():
        raise CannotCarryNoticeError("8-bit content cannot be re-encoded for the next hop")
    return changed


def tree(message: Message) -> Part:
    """The message's MIME parts."""
    return read(message.content, message.fields_all, message.header_end, message.body)


def recoded(
    message: Message, root: Part, wanted: Callable[[Part], bool], *, to_7bit: bool = False
) -> Message:
    """The message with those leaves that are `wanted` in quoted-printable (text) or base64 (all else)."""
    content = message.content
    out: list[bytes] = []
    at = 0
    for part in _open_parts(root):
        header = None
        if part.is_multipart and to_7bit and part.encoding in ("8bit", "binary"):
            header = _relabelled(part, b"7bit")
        elif not part.is_multipart and _can_recode(part) and wanted(part):
            as_text = part.type.startswith("text/") and not part.charset.startswith(("utf-16", "utf-32"))
            header = _relabelled(part, b"quoted-printable" if as_text else b"base64")
        if header is None:
            continue
        out += [content[at : part.start], header]
        at = part.body
        if not part.is_multipart:
            raw = content[part.body : part.end]
            out.append(encode_qp(raw) if as_text else _base64(raw))
            at = part.end
    return Message.parse(b"".join([*out, content[at:]])) if out else message


def _base64(raw: bytes) -> bytes:
    return encode_base64(raw) + (b"\r\n" if raw.endswith(b"\r\n") else b"")


def _can_recode(part: Part) -> bool:
    """RFC 2046 section 5.2.1: message/* has no encoding of its own to change."""
    return part.sure and part.encoding in IDENTITY and not part.type.startswith("message/")


def _open_parts(part: Part) -> Iterator[Part]:
    """The parts that are nobody's seal to break."""
    if part.type in _SEALED:
        return
    yield part
    for child in part.parts:
        yield from _open_parts(child)


def _relabelled(part: Part, encoding: bytes) -> bytes:
    """The part's header and its empty line, with another Content-Transfer-Encoding."""
    key = "content-transfer-encoding"
    label = b"Content-Transfer-Encoding: %s\r\n" % encoding
    header = b"".join(label if field.key == key else field.raw for field in part.fields)
    if not any(field.key == key for field in part.fields):
        header += label
    return header + b"\r\n"


def has_long_line(content: bytes, start: int, end: int) -> bool:
    """Whether a line is longer than 998 octets (RFC 5322 section 2.1.1)."""
    while end - start > LINE:
        found = content.rfind(b"\r\n", start, start + LINE + 2)
        if found < 0:
            return True
        start = found + 2
    return False
