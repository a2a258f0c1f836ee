"""What the copies of one message have in common, service mail, and what the next hop forces."""

from __future__ import annotations

import base64
import email
import quopri
from dataclasses import replace

import pytest

from gateway.mail.message import Message
from gateway.mail.notice import Notice, as_html, as_text, shows_identity
from gateway.mail.rewrite import CannotCarryNoticeError, prepare, service_copy

HEAD = "From: a@zon.example\r\nSubject: x\r\n"
MIME = (
    HEAD + "MIME-Version: 1.0\r\nContent-Type: text/%s; charset=%s\r\nContent-Transfer-Encoding: %s\r\n\r\n"
)
SEALED = (
    HEAD + 'Content-Type: multipart/signed; boundary="s"\r\n\r\n--s\r\nContent-Type: text/plain\r\n\r\n%s\r\n'
    "--s\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--s--\r\n"
)


def mail(text: str) -> Message:
    """A message from UTF-8 text."""
    return Message.parse(text.encode())


def copy(message: Message, notice: Notice, *, eight_bit: bool = True) -> bytes:
    """Its marketing copy."""
    return prepare(message, eight_bit=eight_bit).copy(notice)


def test_copies_differ_in_the_link_alone(notice: Notice) -> None:
    """Two people's copies are equal but for their links, of equal length, in every encoding of a link."""
    other = replace(notice, link=notice.link.replace("A", "Q"))
    for encoding in ("8bit", "quoted-printable", "base64"):
        body = base64.encodebytes(b"Brood\r\n").decode() if encoding == "base64" else "Brood\n"
        prepared = prepare(
            mail(MIME % ("html", "utf-8", encoding) + body.replace("\n", "\r\n")), eight_bit=True
        )
        one, two = prepared.copy(notice), prepared.copy(other)

        assert one != two
        assert len(one) == len(two)
        if encoding != "base64":
            assert two.replace(b"Q", b"A") == one


def test_one_prepared_message_serves_unlike_notices(notice: Notice) -> None:
    """A notice with other words is not answered with the words of the one before."""
    prepared = prepare(mail(HEAD + "\r\nBrood\r\n"), eight_bit=True)
    first = prepared.copy(notice)

    assert b"bought" in prepared.copy(replace(notice, ground="soft-opt-in"))
    assert prepared.copy(notice) == first


def test_notice_that_a_7bit_text_cannot_spell(notice: Notice) -> None:
    """UTF-8 text in 7bit moves to quoted-printable; us-ascii text, which has no such letter, to UTF-8."""
    notice = replace(notice, controller="Café De Zon")
    for charset in ("utf-8", "us-ascii"):
        parsed = email.message_from_bytes(
            copy(mail(MIME % ("plain", charset, "7bit") + "Brood = 3\r\n"), notice)
        )

        assert parsed["Content-Transfer-Encoding"] == "quoted-printable"
        assert parsed["Content-Type"] == "text/plain; charset=utf-8"
        assert parsed.get_payload(decode=True).decode().startswith("Brood = 3\r\n")
        assert "Café De Zon" in parsed.get_payload(decode=True).decode()


def test_link_in_a_long_line_fits(notice: Notice) -> None:
    """A placeholder in a line with no room for a link moves the leaf to quoted-printable (RFC 5322 2.1.1)."""
    content = copy(mail(HEAD + "\r\n" + "x" * 950 + " {{unsubscribe_url}}\r\n"), notice)

    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert notice.link in email.message_from_bytes(content).get_payload(decode=True).decode()


@pytest.mark.parametrize("placeholder", [
    "{{unsubscribe_url}}", "{{ unsubscribe_url }}", "{{{unsubscribe_url}}}", "%unsubscribe_url%",
    "{{{ pm:unsubscribe }}}", "{{{pm:unsubscribe_url}}}", "{{amazonSESUnsubscribeUrl}}",
    "%7B%7Bunsubscribe_url%7D%7D",
])  # fmt: skip
def test_placeholders(notice: Notice, placeholder: str) -> None:
    """Every spelling of the placeholders gives way to the link, and no second link is added."""
    content = copy(mail(MIME % ("html", "utf-8", "8bit") + f'<a href="{placeholder}">weg</a>\r\n'), notice)

    assert f'<a href="{notice.link}">weg</a>'.encode() in content
    assert content.count(notice.link.encode()) == 2  # in the page and in List-Unsubscribe


def test_other_urls_of_the_sender_stay(notice: Notice) -> None:
    """Only the exact URL of the sender's own List-Unsubscribe is replaced: no longer one, no home page."""
    head = "List-Unsubscribe: <https://zon.example/>, <https://zon.example/u/1>\r\n" + HEAD
    text = "https://zon.example/ https://zon.example/u/12 https://zon.example/u/1/a (https://zon.example/u/1).\r\n"
    body = copy(mail(head + "\r\n" + text), notice).split(b"\r\n\r\n", 1)[1].decode()

    assert body.startswith(
        f"https://zon.example/ https://zon.example/u/12 https://zon.example/u/1/a ({notice.link}).\r\n"
    )


def test_service_mail_passes_octet_for_octet() -> None:
    """Service mail loses control fields and gains a Received field, and nothing else (L12)."""
    kept = b"DKIM-Signature: v=1\r\nfrom:  a@zon.example \r\nSubject: =?x?=\r\n\ty\r\n"
    kept += b"List-Unsubscribe: <mailto:x>\r\n"
    body = b"\r\n caf\xe9 {{unsubscribe_url}}\t\r\n\r\n"
    message = Message.parse(b"Bcc: x\r\n y\r\n" + kept + b"X-Sendright-Category: f\r\n" + body)

    assert service_copy(message, received=b"Received: r\r\n") == b"Received: r\r\n" + kept + body


def test_absent_date_and_message_id_are_added() -> None:
    """RFC 6409 section 8: only where the client left them out."""
    given = service_copy(mail("Date: d\r\n" + HEAD + "\r\nx\r\n"), date=b"D", message_id=b"<m>")

    assert given == f"Date: d\r\n{HEAD}Message-ID: <m>\r\n\r\nx\r\n".encode()


def test_next_hop_without_8bitmime() -> None:
    """8-bit text becomes quoted-printable, 8-bit files base64, their labels with them (RFC 6152)."""
    parts = (
        'Content-Type: multipart/mixed; boundary="b"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n'
        "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ncafé =\r\n"
        "--b\r\nContent-Type: image/x\r\nContent-Transfer-Encoding: 8bit\r\nX-A: 1\r\n\r\n"
        "café\r\n\r\n--b--\r\n"
    )
    passed = service_copy(mail(HEAD + "DKIM-Signature: v=1\r\n" + parts), eight_bit=False)
    parsed = email.message_from_bytes(passed)
    text, image = parsed.get_payload()

    assert passed.isascii()
    assert parsed["Content-Transfer-Encoding"] == "7bit"
    assert parsed["DKIM-Signature"] is None  # it signed other octets
    assert quopri.decodestring(text.get_payload()) == "café =".encode()
    assert (image["Content-Transfer-Encoding"], image["X-A"]) == ("base64", "1")
    assert image.get_payload(decode=True) == "café\r\n".encode()


def test_labels_that_claim_8bit_content(notice: Notice) -> None:
    """ASCII labelled 8bit or binary is relabelled for a 7-bit hop, else a relay would encode it anew (I6)."""
    parts = (
        'Content-Type: multipart/mixed; boundary="b"\r\nContent-Transfer-Encoding: binary\r\n\r\n'
        "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nBrood =\r\n"
        "--b\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        "Subject: x\r\n\r\nx\r\n--b--\r\n"
    )
    message = mail(HEAD + "MIME-Version: 1.0\r\n" + parts)
    unlike = service_copy(message, eight_bit=False)
    labels = [part["Content-Transfer-Encoding"] for part in email.message_from_bytes(unlike).walk()]

    assert labels == ["7bit", "7bit", "7bit", None]
    assert unlike == message.content.replace(b"binary", b"7bit").replace(b"8bit", b"7bit")
    assert service_copy(message) == message.content
    assert b"8bit" not in copy(message, notice, eight_bit=False).lower()


@pytest.mark.parametrize(("kind", "text"), [("html", "<p>x</p>\r\n \t</body>\r\n"), ("plain", "Brood  ")])
def test_blanks_before_the_notice_stay_in_quoted_printable(notice: Notice, kind: str, text: str) -> None:
    """Blanks that end an encoded line are no content (RFC 2045 6.7 rule 3): a soft break keeps them."""
    content = copy(mail(MIME % (kind, "utf-8", "quoted-printable") + text), notice)
    body = content.split(b"\r\n\r\n", 1)[1]

    assert not [line for line in body.split(b"\r\n") if line.endswith((b" ", b"\t"))]
    assert text.split("</body>")[0].encode() + b"\r\n" in quopri.decodestring(body)


def test_identity_alone_follows_its_rule(notice: Notice) -> None:
    """Nothing said before it: no empty line either."""
    rule, name, *_ = as_text(notice, "identity").split("\r\n")

    assert set(rule) == {"_"}
    assert name.startswith(notice.controller)


def test_sealed_8bit_content_is_not_broken_open(notice: Notice) -> None:
    """Signed 8-bit content that the next hop does not take is refused, for service mail as well (I6)."""
    message = mail(SEALED % "café")

    assert "café".encode() in service_copy(message)
    for attempt in (
        lambda: service_copy(message, eight_bit=False),
        lambda: prepare(message, eight_bit=False),
    ):
        with pytest.raises(CannotCarryNoticeError):
            attempt()


def test_notice_says_all_the_law_wants(notice: Notice) -> None:
    """Advertising, profiling, who and where stand in both forms, also beside the sender's own link."""
    notice = replace(notice, advertising="Reclame", profiled=True, controller='<Zon> & "Maan"')
    for form in ("full", "identity"):
        text, page = as_text(notice, form), as_html(notice, form)
        for words in ("Reclame", "A profile chose you", "Dorpsstraat 1", "https://zon.example/privacy"):
            assert words in text
            assert words in page
        assert "&lt;Zon&gt; &amp; &quot;Maan&quot;" in page
        assert "<Zon>" not in page
    content = copy(mail(HEAD + "\r\n%unsubscribe_url% " + " ".join(as_text(notice).split()) + "\r\n"), notice)
    assert content.count(b"Reclame") == 2


def test_notice_lines(notice: Notice) -> None:
    """Lines stay short and have no blank at either end, so that none flows or is stripped (RFC 3676)."""
    long = replace(notice, controller="De Zon " * 30, postal_address=" Dorpsstraat 1 \n\tZonstad ")
    lines = as_text(long).split("\r\n")

    assert all(line == line.strip() for line in lines)
    assert all(len(line) <= 72 for line in lines if "/" not in line)


@pytest.mark.parametrize(
    "link", ["", "javascript:x", 'https://a/"', "https://a/\r\nX: y", "https://a/ b", "https://a/>"]
)
def test_link_must_be_a_plain_url(notice: Notice, link: str) -> None:
    """Nothing that could end an attribute or a header field gets into a notice as its link."""
    with pytest.raises(ValueError, match="link"):
        replace(notice, link=link)


def test_identity_is_recognised(notice: Notice) -> None:
    """Name, address and policy shown in markup of the sender's own count; one of them missing does not."""
    page = "<b>Bakkerij De&#32;Zon</b><br>Dorpsstraat 1<br>1234 AB  Zonstad <a href='https://zon.example/privacy'>p</a>"

    assert shows_identity(notice, page, html=True)
    assert not shows_identity(notice, page.replace("1234", "1235"), html=True)
    assert not shows_identity(notice, page.replace("/privacy", "/"), html=True)
