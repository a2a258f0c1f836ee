"""Texts in any charset: the notice in the text's own, or the text in UTF-8; the words as they were."""

from __future__ import annotations

import base64
import binascii
import email
import re
from dataclasses import replace
from email.message import Message as Parsed

import pytest

from gateway.mail import charset
from gateway.mail.charset import MoveError
from gateway.mail.message import Message
from gateway.mail.notice import Notice
from gateway.mail.rewrite import prepare
from gateway.mail.shapes import StrangeError

HEAD = "From: a@zon.example\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
ACCENT = "Café De Zon"

# A declared charset, Python's codec for it, and words whose octets might be taken for markup.
CHARSETS = {
    "shift_jis": ("cp932", "ソ表能ー予"),
    "windows-31j": ("cp932", "①ソ表"),
    "gb2312": ("gbk", "丂亅侢"),
    "gbk": ("gbk", "丂亅侢"),
    "gb18030": ("gb18030", "丂\U00020000㐀"),
    "big5": ("cp950", "功許蓋"),
    "ks_c_5601-1987": ("cp949", "똠방각하"),
    "euc-kr": ("euc-kr", "한국"),
    "euc-jp": ("euc-jp", "日本語"),
    "iso-2022-jp": ("iso-2022-jp", "日本語"),
    "koi8-r": ("koi8-r", "Хлеб"),
    "koi8-u": ("koi8-u", "Хліб"),
    "windows-1251": ("cp1251", "Хлеб"),
    "windows-1250": ("cp1250", "chléb"),
    "iso-8859-2": ("iso-8859-2", "chléb"),
    "iso-8859-7": ("iso-8859-7", "ψωμί"),
    "iso-8859-8-i": ("iso-8859-8", "לחם"),
    "utf-16": ("utf-16", "brød 日\U00020000"),
    "utf-16le": ("utf-16-le", "brød"),
    "utf-16be": ("utf-16-be", "brød"),
    "utf-32": ("utf-32", "brød\U00020000"),
    "utf-7": ("utf-7", "brød"),
    "hz-gb-2312": ("hz", "面包"),
}
WITHOUT_MARK = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}
IN_UTF8 = {"utf-7", "hz-gb-2312"}


def mailed(kind: str, name: str, raw: bytes, encoding: str) -> Message:
    """A message of one part."""
    head = f"{HEAD}Content-Type: text/{kind}; charset={name}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    body = {
        "base64": base64.encodebytes(raw).replace(b"\n", b"\r\n"),
        "quoted-printable": binascii.b2a_qp(raw, istext=False).replace(b"=\n", b"=\r\n"),
        "8bit": raw,
    }[encoding]
    return Message.parse(head.encode() + body)


def copied(message: Message, notice: Notice) -> Parsed:
    """Its copy, as an independent reader reads it."""
    return email.message_from_bytes(prepare(message, eight_bit=True).copy(notice))


def words(parsed: Parsed, codec: str) -> str:
    """The decoded text, in the codec unless it moved to UTF-8."""
    octets = parsed.get_payload(decode=True)
    return octets.decode("utf-8" if parsed.get_content_charset() == "utf-8" else codec)


# UTF-16 in 8bit would hold NUL, which is refused at the door.
CASES = [
    (name, encoding)
    for name in CHARSETS
    for encoding in ("8bit", "quoted-printable", "base64")
    if encoding != "8bit" or not name.startswith(("utf-16", "utf-32"))
]


@pytest.mark.parametrize(("name", "encoding"), CASES)
def test_the_notice_is_in_the_charset_of_its_part(notice: Notice, name: str, encoding: str) -> None:
    """The link stands in a page before </body> and after a text, decoded by the charset the copy declares."""
    codec, said = CHARSETS[name]
    page = f"<html><body>{said}</body></html>\r\n"
    shown = words(copied(mailed("html", name, page.encode(codec), encoding), notice), codec)
    text = words(copied(mailed("plain", name, f"{said}\r\n".encode(codec), encoding), notice), codec)

    assert f'<a href="{notice.link}"' in shown
    assert re.sub(r"\r\n<div.*</div>\r\n", "", shown, flags=re.DOTALL) == page
    assert text.startswith(f"{said}\r\n\r\n____")
    assert notice.link in text


@pytest.mark.parametrize("name", sorted(set(CHARSETS) - IN_UTF8))
def test_octets_of_the_sender_stay(notice: Notice, name: str) -> None:
    """Before and after the notice each octet is the sender's own; none is decoded and encoded again."""
    codec, said = CHARSETS[name]
    before, after = f"<html><body>{said}".encode(codec), "</body></html>"
    raw = before + after.encode(WITHOUT_MARK.get(codec, codec))
    octets = copied(mailed("html", name, raw, "base64"), notice).get_payload(decode=True)

    assert octets.startswith(before)
    assert octets.endswith(raw[len(before) :])


@pytest.mark.parametrize("name", ["koi8-r", "shift_jis", "iso-2022-jp", "windows-1251", "us-ascii"])
def test_a_text_moves_to_utf8_for_a_notice_its_charset_lacks(notice: Notice, name: str) -> None:
    """Its words are unchanged, its other parameters kept; a page stays, since it has entities."""
    codec, said = CHARSETS.get(name, ("ascii", "Brood"))
    notice = replace(notice, controller="Café Ştefan")
    text = copied(
        mailed("plain", f'"{name}"; format=flowed', f"{said} =3D\r\n".encode(codec), "8bit"), notice
    )
    page = copied(mailed("html", name, f"<p>{said}".encode(codec), "8bit"), notice)

    assert words(text, codec).startswith(f"{said} =3D\r\n")
    assert "Café Ştefan" in words(text, codec)
    assert (text.get_content_charset(), text.get_param("format")) == ("utf-8", "flowed")
    assert page.get_content_charset() == name
    assert "Caf&#233; &#350;tefan" in words(page, codec)


@pytest.mark.parametrize(
    ("name", "raw"),
    {
        "utf-8": "brød".encode("latin-1"),
        "shift_jis": b"br\xfdd\xff",
        "us-ascii": "brød".encode(),
        "x-unknown": "brød".encode(),
        "iso-2022-jp": "日本語".encode("cp932"),
    }.items(),
)
def test_octets_of_another_charset_than_declared_stay(notice: Notice, name: str, raw: bytes) -> None:
    """A wrong declaration corrupts nothing: octets stay, the notice is ASCII, or a part of its own."""
    for kind in ("plain", "html"):
        parsed = copied(mailed(kind, name, raw + b"\r\n", "8bit"), notice)
        accented = copied(
            mailed(kind, name, raw + b"\r\n", "8bit"), replace(notice, controller=ACCENT)
        ).as_bytes()

        assert parsed.get_payload(decode=True).startswith(raw + b"\r\n\r\n")
        assert notice.link.encode() in parsed.get_payload(decode=True)
        assert raw in accented.replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("utf-16", b"Brood"),  # ASCII, or two characters and a half
        ("utf-16", "日本".encode("utf-16-be")),  # no telling in which order
        ("utf-16be", b"\xff\xfea\0"),  # its mark says otherwise
        ("iso-2022-jp", b"\x1b$B%Q%s\r\n%Q"),  # a line that ends in kanji
        ("iso-2022-jp-2", b"\x1b.A\x1bNi"),  # single shifts
        ("x-unknown", b"\x1b$Bx"),
    ],
)
def test_strange_texts_are_not_edited(name: str, raw: bytes) -> None:
    """Where readers differ on what is ASCII in a text, it is strange."""
    with pytest.raises(StrangeError):
        charset.view(raw, name)


def test_utf16_in_quoted_printable_moves() -> None:
    """Its line breaks cannot be told from the encoding's own, so it is read anew in UTF-8."""
    view = charset.view("brød\r\n".encode("utf-16-le"), "utf-16")

    assert view.codec == "utf-16-le"
    assert view.move("brød".encode("utf-16-le")).words == "brød"


def test_insertion_in_kanji_returns_to_kanji() -> None:
    """ISO-2022-JP: ASCII that goes in where the text is in another state has its own; that one is kept."""
    view = charset.view(b"\x1b$B%Q%s", "iso-2022-jp")

    assert view.octets == b"\x80" * 7
    assert view.shifts(7) == (b"\x1b(B", b"\x1b$B")
    assert view.shifts(0) == (b"", b"")


def test_codecs_that_are_no_charsets_of_mail() -> None:
    """Python's own codecs are no charsets: rot13, idna or unicode_escape decode nothing here."""
    for name in ("rot13", "idna", "unicode_escape", "punycode", "hex", "undefined"):
        assert charset.view(b"Brood", name).codec == ""
    with pytest.raises(MoveError, match="UTF-8"):
        charset.view(b"br+APg-d", "utf-7")
