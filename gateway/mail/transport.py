"""What the next hop forces: 8-bit content it does not take, and lines too long for it, are re-encoded.

RFC 6152 section 3 and RFC 5322 section 2.1.1. A leaf that is changed gets another
Content-Transfer-Encoding and nothing else; what is inside a signed or encrypted entity stays (I6).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from gateway.mail.message import Message, read_fields
from gateway.mail.shapes import CannotCarryNoticeError, Refusal, StrangeError, Wrapping
from gateway.mail.structure import Part, content_type, read
from gateway.mail.transfer import LINE, encode_base64, encode_qp

IDENTITY = ("7bit", "8bit", "binary")  # RFC 2045 section 6.2
_SEALED = ("multipart/signed", "multipart/encrypted")  # RFC 1847


def transportable(message: Message, *, eight_bit: bool) -> Message:
    """The message as the next hop takes it: itself, when nothing forces a change.

    Raises CannotCarryNoticeError when 8-bit content stands where it cannot be re-encoded.
    """
    content, body = message.content, message.body
    if eight_bit and not has_long_line(content, body, len(content)):
        return message

    def forced(part: Part) -> bool:
        too_wide = not eight_bit and not content[part.body : part.end].isascii()
        return too_wide or has_long_line(content, part.body, part.end)

    changed = recoded(message, tree(message), forced, to_7bit=not eight_bit)
    if not eight_bit and not changed.content[changed.body :].isascii():
        raise CannotCarryNoticeError(Refusal.EIGHT_BIT)
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
        if not part.is_multipart and _can_recode(part) and wanted(part):
            as_text = part.type.startswith("text/") and not part.charset.startswith(("utf-16", "utf-32"))
            header = _relabelled(part, b"quoted-printable" if as_text else b"base64")
            raw = content[part.body : part.end]
            out += [content[at : part.start], header, encode_qp(raw) if as_text else _base64_as(raw, raw)]
            at = part.end
        elif to_7bit and part.encoding in ("8bit", "binary") and _is_7bit(part, content):
            out += [content[at : part.start], _relabelled(part, b"7bit")]
            at = part.body
    return _changed(message, [*out, content[at:]]) if out else message


def _changed(message: Message, octets: list[bytes]) -> Message:
    """The message in other octets; its header may have gained the fields that MIME needs."""
    return Message.parse(b"".join(octets), most_fields=len(message.fields_all) + 3)


def _is_7bit(part: Part, content: bytes) -> bool:
    """Whether its label claims too much: a relay goes by that, encodes anew and so breaks our signature.

    A multipart is 7bit once its parts are (RFC 2045 section 6.4).
    """
    return part.is_multipart or (part.sure and content[part.body : part.end].isascii())


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


def _relabelled(part: Part, encoding: bytes, content_type: bytes = b"") -> bytes:
    """The part's header and its empty line, with another Content-Transfer-Encoding (and Content-Type)."""
    labels = {"content-transfer-encoding": b"Content-Transfer-Encoding: %b\r\n" % encoding}
    if content_type:
        labels["content-type"] = content_type
    if part.line < 0:  # RFC 2045 section 4: without it, a strict reader would take no note of the labels
        labels["mime-version"] = b"MIME-Version: 1.0\r\n"
    for field in part.fields:
        if field.key == "mime-version":
            labels[field.key] = field.raw
    header = b"".join(labels.pop(field.key, field.raw) for field in part.fields)
    return header + b"".join(labels[key] for key in sorted(labels, reverse=True)) + b"\r\n"


def in_utf8(message: Message, root: Part, moving: Mapping[int, str]) -> Message:
    """The message with leaves in UTF-8 (RFC 2045 section 5.1): by where they start, and with what they say.

    Raises StrangeError where a header cannot be changed to say so.
    """
    content, at = message.content, 0
    out: list[bytes] = []
    for part in _open_parts(root):
        if part.is_multipart or part.start not in moving:
            continue
        raw = moving[part.start].encode("utf-8")
        is_lines = raw.count(b"\r\n") == raw.count(b"\r") == raw.count(b"\n")
        if part.encoding != "base64" and is_lines:
            encoding, body = b"quoted-printable", encode_qp(raw)
        else:
            encoding, body = b"base64", _base64_as(content[part.body : part.end], raw)
        out += [content[at : part.start], _relabelled(part, encoding, _labelled_utf8(part)), body]
        at = part.end
    return _changed(message, [*out, content[at:]])


def _base64_as(old: bytes, raw: bytes) -> bytes:
    """Base64 that ends its last line where the part did."""
    return encode_base64(raw) + (b"\r\n" if old.endswith(b"\r\n") else b"")


def _labelled_utf8(part: Part) -> bytes:
    """The part's Content-Type field with UTF-8 for its charset, all else as it was."""
    raw = next((field.raw for field in part.fields if field.key == "content-type"), None)
    if raw is None:
        return b"Content-Type: text/plain; charset=utf-8\r\n"
    for labelled in (
        _CHARSET.sub(rb"\1utf-8", raw, count=1),
        _KIND.sub(rb"\1; charset=utf-8", raw, count=1),
    ):
        fields, _ = read_fields(labelled)
        kind, params, sure = content_type(fields[0].value.decode("latin-1"))
        if sure and kind == part.type and params == {**part.params, "charset": "utf-8"}:
            return labelled
    raise StrangeError(Wrapping.HEADER)


_CHARSET = re.compile(rb'(;\s*charset\s*=\s*)("[^"\\]*"|[^\s;"]+)', re.IGNORECASE)
_KIND = re.compile(rb"(?<=:)(\s*[^\s;]+)")


def has_long_line(content: bytes, start: int, end: int) -> bool:
    """Whether a line is longer than 998 octets (RFC 5322 section 2.1.1)."""
    while end - start > LINE:
        found = content.rfind(b"\r\n", start, start + LINE + 2)
        if found < 0:
            return True
        start = found + 2
    return False
