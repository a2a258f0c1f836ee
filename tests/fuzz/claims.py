"""What must hold for any octets at all, as asserts; no fuzzer is needed to run it.

Where the independent reader finds a message malformed, the two may see other trees, and only the weaker
claims are made: a way out is found, and what is wrapped is whole.
"""

from __future__ import annotations

import re
import warnings
from email.message import Message as Parsed

import dkim
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.mail.message import Message, UnparsableError
from gateway.mail.notice import Notice, as_html, as_text
from gateway.mail.rewrite import CannotCarryNoticeError, prepare, service_copy
from gateway.mail.signature import Signer, record
from gateway.mail.transport import has_long_line
from gateway.texts import texts
from tests.fuzz.reader import AMP, is_amp, is_malformed, is_page, leaves, octets, read, shown, text_of

LINK = "https://gw.example/u/" + "Ab_-" * 16
PLAIN = Notice(
    controller="Bakkerij De Zon",
    postal_address="Dorpsstraat 1, 1234 AB Zonstad",
    privacy_policy_url="https://zon.example/privacy",
    category="Nieuwsbrief",
    link=LINK,
    words=texts("nl"),
    ground="consent",
)
WIDE = Notice(
    controller="Café <Öl> & Söhne 日本",
    postal_address="Straße 1, 1234 Ålesund",
    privacy_policy_url="https://zon.example/privacy?a=1&b=2",
    category="Angebote für „Gäste“",
    link=LINK,
    words=texts("de"),
    ground="soft-opt-in",
    advertising="Publicité",
    profiled=True,
)
RECEIVED = b"Received: by gw.example\r\n"
KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
SIGNER = Signer("zon.example", "s", KEY)
PUBLISHED = "".join(record("zon.example", "s", KEY)[1]).encode()
AT = 1_700_000_000
WRAPPING = "=_sendright_"
_CLOSED = re.compile(r"(?:</[a-z0-9]+>)*")  # elements that were open where the notice stands
_LINE_END = re.compile(rb"\r?\n")


def check(data: bytes) -> None:
    """Put one message through all of mail/; any error is a finding.

    Files have LF so that they can be read; a CR that stands alone stays one, to be refused.
    """
    try:
        message = Message.parse(_LINE_END.sub(b"\r\n", data))
    except UnparsableError:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the email package, on odd charsets
        check_answers(message)
        for eight_bit in (True, False):
            check_service(message, eight_bit=eight_bit)
            for notice in (PLAIN, WIDE):
                check_marketing(message, notice, eight_bit=eight_bit)


def check_answers(message: Message) -> None:
    """Everything the gateway asks of a message has an answer that is fit to record."""
    assert message.from_domains()
    assert message.campaign().isprintable()
    assert message.message_id.isprintable()
    assert isinstance(message.hidden_recipients(), bool)
    assert all(isinstance(category, str) for category in message.category_asked())
    assert message.fingerprint_content().endswith(message.content[message.header_end :])


def check_service(message: Message, *, eight_bit: bool) -> None:
    """Service mail passes octet for octet, unless the next hop forces otherwise."""
    try:
        copy = service_copy(message, received=RECEIVED, eight_bit=eight_bit)
    except CannotCarryNoticeError:
        assert not eight_bit
        return
    check_wire(copy, message, eight_bit=eight_bit)
    if not is_forced(message, eight_bit=eight_bit):
        assert copy.endswith(message.content[message.header_end :])


def check_marketing(message: Message, notice: Notice, *, eight_bit: bool) -> None:
    """A copy goes out as it must, and says what it must; else the refusal is a named one."""
    try:
        prepared = prepare(message, eight_bit=eight_bit, received=RECEIVED)
    except CannotCarryNoticeError:
        return
    try:
        copy = prepared.copy(notice)
    except CannotCarryNoticeError:  # late: people have been decided on; known of AMP alone
        assert has_amp(message)
        return
    check_wire(copy, message, eight_bit=eight_bit)
    form = prepared.form(notice)
    parts = SIGNER.sign_parts(form.covered(notice.link), form.body_digest(notice.link), signed_at=AT)
    assert parts == SIGNER.sign(copy, signed_at=AT)
    if notice is WIDE and eight_bit:  # once is enough: it takes as long as all the rest
        check_signature(copy)
    before, after = read(message.content), read(copy)
    wrapped = is_wrapped(before, after)
    check_way_out(after, notice, wrapped=wrapped)
    if wrapped and not is_forced(message, eight_bit=eight_bit) and not has_amp(message):
        assert message.content[message.body :] in copy
    if not is_malformed(before):
        assert wrapped or all(LINK in text_of(page) for page in shown(after, LINK))
        check_kept(before, after, notice, wrapped=wrapped)


def check_way_out(copy: Parsed, notice: Notice, *, wrapped: bool) -> None:
    """Both fields, once; and the link where it is seen, in the part of ours or in some page."""
    assert copy.get_all("List-Unsubscribe") == [f"<{notice.link}>"]
    assert copy.get_all("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]
    pages = (
        copy.get_payload()[-1:] if wrapped else [one for one in leaves(copy) if is_page(one) or is_amp(one)]
    )
    assert any(LINK in text_of(page) for page in pages)


def check_wire(copy: bytes, message: Message, *, eight_bit: bool) -> None:
    """What goes out may travel, can be signed, and is from whom it was."""
    assert copy.count(b"\r\n") == copy.count(b"\r") == copy.count(b"\n")
    assert b"\0" not in copy
    assert eight_bit or copy.partition(b"\r\n\r\n")[2].isascii()
    if not has_long_line(message.content, 0, len(message.content)):
        assert not has_long_line(copy, 0, len(copy))
    signed = SIGNER.sign(copy, signed_at=AT) + copy
    assert Message.parse(signed).from_domains() == message.from_domains()


def check_signature(copy: bytes) -> None:
    """Stock dkimpy verifies what we sign."""
    signed = SIGNER.sign(copy, signed_at=AT) + copy
    assert dkim.verify(signed, dnsfunc=lambda name, timeout: PUBLISHED)


def has_amp(message: Message) -> bool:
    """Whether a part may be dropped."""
    return AMP.encode() in message.content.lower()


def is_forced(message: Message, *, eight_bit: bool) -> bool:
    """Whether the next hop may force a re-encoding (RFC 6152, RFC 5322 section 2.1.1)."""
    content = message.content
    is_labelled = not content.isascii() or b"8bit" in content.lower() or b"binary" in content.lower()
    return (not eight_bit and is_labelled) or has_long_line(content, message.body, len(content))


def is_wrapped(before: Parsed, after: Parsed) -> bool:
    """Whether the notice is a part of its own; a message that came in wrapped has that boundary already."""
    boundary = str(after.get_boundary(""))
    return boundary.startswith(WRAPPING) and boundary != before.get_boundary()


def check_kept(before: Parsed, after: Parsed, notice: Notice, *, wrapped: bool) -> None:
    """Every leaf is in its place: files octet for octet, pages with the notice taken out."""
    old = [part for part in leaves(before) if part.get_content_type() != AMP]
    new = [part for part in leaves(after) if part.get_content_type() != AMP]
    assert len(new) == len(old) + wrapped
    for one, other in zip(old, new, strict=False):
        assert one.get_content_type() == other.get_content_type()
        if wrapped or not is_page(one):
            assert octets(one) == octets(other)
        else:
            check_words(one, other, notice)


def check_words(one: Parsed, other: Parsed, notice: Notice) -> None:
    """The words of a page are unchanged, where the link did not take the place of some."""
    try:
        words = squeezed(text_of(one, "strict"))
    except (ValueError, LookupError):
        return  # no reader knows what they are
    html = one.get_content_type() == "text/html"
    spell = as_html if html else as_text
    found = squeezed(text_of(other))
    for block in (squeezed(spell(notice, "full")), squeezed(spell(notice, "identity"))):
        if block in words:
            return  # a notice of ours came in
        head, there, tail = found.rpartition(block)
        if there:
            kept = words[: len(words) - len(tail)]
            # A text that ends in a Japanese state is brought back to ASCII first (RFC 1468).
            closed = _CLOSED.fullmatch(head.removeprefix(kept)) if html else head in (kept, kept + "\x1b(B")
            assert LINK in head + tail or (closed and words == kept + tail)
            return
    assert found == words or LINK in found


def squeezed(text: str) -> str:
    """A text without blanks."""
    return "".join(text.split())
