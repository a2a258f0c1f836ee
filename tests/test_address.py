"""One mailbox, one comparable spelling: nothing else survives the door (I9; research cases A7 and A8)."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.address import AddressError, parse, person_hash


def comparable(text: str | bytes) -> str | None:
    """The comparable spelling, or None for what is refused."""
    try:
        return parse(text).comparable
    except AddressError:
        return None


# --- what is no mailbox

REFUSED = {
    "nothing": "",
    "no at": "kim.example.org",
    "no local part": "@example.org",
    "no domain": "kim@",
    "two at": "kim@@example.org",
    "two addresses": "kim@lee@example.org",
    "list": "kim@example.org,lee@example.org",
    "brackets": "<kim@example.org>",
    "closing bracket": "kim@example.org>",
    "source route": "@relay.example:kim@example.org",
    "comment in the local part": "kim(c)@example.org",
    "comment within a word": "v(i)ctim@example.org",
    "comment in the domain": "kim@example(c).org",
    "blank before the at": "kim @example.org",
    "blank after the at": "kim@ example.org",
    "leading blank": " kim@example.org",
    "trailing blank": "kim@example.org ",
    "display name": "Kim <kim@example.org>",
    "encoded word": "=?utf-8?q?victim=40x.org?=@example.org",
    "encoded word in a domain": "kim@=?utf-8?q?example?=.org",
    "encoded word, quoted": '"=?utf-8?q?x?="@example.org',
    "encoded word, quoted pair": r'"=\?utf-8\?q\?x\?="@example.org',
    "NUL": "kim\0@example.org",
    "CR": "kim\r@example.org",
    "LF": "kim@example.org\n",
    "CR LF and a command": "kim@example.org\r\nRCPT TO:<lee@example.org",
    "tab": "kim\t@example.org",
    "DEL": "kim\x7f@example.org",
    "CR in a quoted pair": '"kim\\\r"@example.org',
    "NUL in quotes": '"kim\0"@example.org',
    "C1 control": "kim\x85@example.org",
    "soft hyphen": "k\u00adim@example.org",
    "soft hyphen in the domain": "kim@exam\u00adple.org",
    "line separator": "kim\u2028@example.org",
    "paragraph separator": "kim\u2029@example.org",
    "no-break space in quotes": '"kim\u00a0"@example.org',
    "zero-width space": "k\u200bim@example.org",
    "zero-width joiner": "k\u200dim@example.org",
    "zero-width joiner in the domain": "kim@क\u094d\u200dष.example",
    "right-to-left override": "\u202ekim@example.org",
    "byte order mark": "\ufeffkim@example.org",
    "variation selector": "kim\ufe0f@example.org",
    "variation selector in the domain": "kim@exam\ufe0fple.org",
    "combining grapheme joiner": "k\u034fim@example.org",
    "hangul filler": "kim\u3164@example.org",
    "braille blank": "kim\u2800@example.org",
    "private use": "kim\ue000@example.org",
    "unassigned": "kim\U000e0fff@example.org",
    "lone surrogate": "kim\ud800@example.org",
    "escaped octet": "kim\udcff@example.org",
    "lone surrogate in the domain": "kim@exam\udcffple.org",
    "mark that joins the bracket": "\u0338kim@example.org",
    "empty quotes": '""@example.org',
    "open quotes": '"kim@example.org',
    "quotes within": 'k"i"m@example.org',
    "two quoted words": '"kim"."lee"@example.org',
    "pair outside quotes": "k\\im@example.org",
    "leading dot": ".kim@example.org",
    "trailing dot of the local part": "kim.@example.org",
    "two dots": "kim..lee@example.org",
    "trailing dot": "kim@example.org.",
    "trailing dot of a U-label": "kim@bücher.example.",
    "empty label": "kim@example..org",
    "underscore": "kim@exam_ple.org",
    "leading hyphen": "kim@-example.org",
    "trailing hyphen": "kim@example-.org",
    "port": "kim@example.org:25",
    "symbol in the domain": "kim@☃.example",
    "address as a name": "kim@192.0.2.1",
    "address cut short": "kim@127.1",
    "address as a number": "kim@2130706433",
    "address in hexadecimal": "kim@0x7f000001",
    "number as top-level domain": "kim@example.123",
    "bare address in brackets, wrong": "kim@[192.0.2.256]",
    "address with leading zeros": "kim@[192.0.2.01]",
    "IPv6 without its tag": "kim@[::1]",
    "IPv6 with a zone": "kim@[IPv6:fe80::1%eth0]",
    "IPv4 dressed as IPv6": "kim@[IPv6:::ffff:192.0.2.1]",
    "open literal": "kim@[192.0.2.1",
    "general literal": "kim@[x-tag:content]",
    "A-label of nothing": "kim@xn--.example",
    "A-label of ASCII": "kim@xn--example-.example",
    "A-label of a symbol": "kim@xn--n3h.example",
    "A-label of a capital": "kim@xn--bcher-2pa.example",
    "A-label that stands for none": "kim@xn--a.example",
    "A-label that is not canonical": "kim@xn---bbk.example",
    "local part of 65": "x" * 65 + "@example.org",
    "local part of 66 octets": "é" * 33 + "@example.org",
    "address of 255": "kim@" + ".".join(["x" * 49] * 5) + "." + "y" * 1,
    "label of 64": "kim@" + "x" * 64 + ".org",
    "A-label over 63": "kim@" + "ü" * 61 + ".org",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_not_exactly_one_mailbox_is_refused(text: str) -> None:
    """Encoded words, controls, comments, routes, blanks, invisible or overlong text: refused."""
    with pytest.raises(AddressError):
        parse(text)


@pytest.mark.parametrize("octets", [b"k\xffm@example.org", b"k\xc3@example.org", b"\xed\xa0\x80@example.org"])
def test_octets_that_are_not_utf8_are_refused(octets: bytes) -> None:
    """UTF-8 is the only 8-bit charset there is (RFC 6531 section 3.1)."""
    assert comparable(octets) is None


# --- what one server folds and another does not (rule 3)

TWO_READINGS = {
    "sharp s": "weiß@example.org",
    "capital sharp s": "WEIẞ@example.org",
    "long s": "\u017fam@example.org",
    "dotless i": "m\u0131ke@example.org",
    "dotted capital i": "\u0130nfo@example.org",
    "ligature": "\ufb01n@example.org",
    "fullwidth letter": "\uff4bim@example.org",
    "fullwidth at": "kim\uff20example.org@example.org",
    "superscript": "kim²@example.org",
    "ordinal": "kimª@example.org",
    "roman numeral": "kimⅳ@example.org",
    "micro sign": "\u00b5@example.org",
    "half-width katakana": "\uff76@example.org",
    "digraph": "\u01c6@example.org",
    "greek question mark": "kim\u037elee@example.org",
    "iota subscript": "\u03b1\u0345@example.org",
    "slashed equals sign": "kim=\u0338@example.org",
    "fullwidth domain": "kim@\uff45xample.org",
    "fullwidth stop": "kim@example\uff0eorg",
    "ideographic stop": "kim@example\u3002org",
    "half-width stop": "kim@example\uff61org",
    "long s in the domain": "kim@\u017fhop.example",
    "ligature in the domain": "kim@\ufb01n.example",
    "capital sigma in the domain": "kim@ΛΌΓΟΣ.example",
}


@pytest.mark.parametrize("text", TWO_READINGS.values(), ids=TWO_READINGS)
def test_what_servers_read_in_two_ways_is_refused(text: str) -> None:
    """Neither does one person's consent serve another's spelling, nor is an objection passed by."""
    assert comparable(text) is None


# --- one mailbox, several spellings

SAME = {
    "victim@x.org": [
        "VICTIM@X.ORG",
        '"victim"@x.org',
        '"VicTim"@x.org',
        r'"v\i\c\tim"@x.org',
        "victim@X.org",
    ],
    "a.b@x.org": ['"a.b"@x.org', r'"a\.b"@x.org', "A.B@x.org"],
    "a b@x.org": ['"a b"@x.org', r'"a\ b"@x.org'],
    'a"b\\c@x.org': [r'"a\"b\\c"@x.org'],
    "josé@x.org": ["JOSÉ@x.org", "jose\u0301@x.org", "JOSE\u0301@X.ORG", '"jose\u0301"@x.org'],
    "k@x.org": ["K@x.org", "\u212a@x.org"],
    "å@x.org": ["\u212b@x.org", "a\u030a@x.org"],
    "γιώργοσ@x.org": ["γιώργος@x.org", "ΓΙΏΡΓΟΣ@x.org"],
    "क\u093c@x.org": ["\u0958@x.org"],
    "kim@xn--bcher-kva.example": [
        "kim@bücher.example",
        "kim@BÜCHER.example",
        "kim@bu\u0308cher.example",
        "kim@XN--BCHER-KVA.Example",
        "Kim@xn--bcher-KVA.example",
    ],
    "kim@xn--strae-oqa.example": ["kim@straße.example", "kim@xn--strae-oqa.example"],
    "kim@xn--bcher-kva.xn--fa-hia.example": ["kim@xn--bcher-kva.faß.example"],
    "kim@[192.0.2.1]": ["kim@[192.0.2.1]", "KIM@[192.0.2.1]"],
    "kim@[ipv6:2001:db8::1]": ["kim@[IPv6:2001:db8::1]", "kim@[IPV6:2001:0DB8:0:0:0:0:0:1]"],
}


@pytest.mark.parametrize(("spelling", "others"), SAME.items(), ids=SAME)
def test_spellings_of_one_mailbox_compare_equal(spelling: str, others: list[str]) -> None:
    """Case, needless quotes and pairs, NFC and NFD, A-label and U-label: an objection binds them all."""
    assert {comparable(other) for other in others} == {spelling}


DIFFERENT = [
    ("kim@example.org", "k.im@example.org"),
    ("kim@example.org", "kim+tag@example.org"),
    ("kim@example.org", "kim-tag@example.org"),
    ("kim@example.org", "kím@example.org"),
    ("kim@example.org", "кim@example.org"),
    ("kim@example.org", '" kim"@example.org'),
    ("kim@example.org", "kim@mail.example.org"),
    ("kim@strasse.example", "kim@straße.example"),
    ("kim%x.org@example.org", "kim@x.org"),
    ('"kim@x.org"@example.org', "kim@x.org"),
    ('"a@b"@c.example', "a@b.c.example"),
    ("kim@[192.0.2.1]", "kim@[192.0.2.2]"),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_mailboxes_compare_different(one: str, other: str) -> None:
    """Nothing is guessed at dots, tags, accents, scripts or domains: one's consent is not another's."""
    assert comparable(one) != comparable(other)
    assert comparable(one)
    assert comparable(other)


def test_what_is_quoted_to_inject_stays_one_local_part() -> None:
    """A quoted local part that looks like the end of a command is decided on, and mailed, as it stands."""
    mailbox = parse('"foo@evil> ORCPT=x"@d.example')

    assert mailbox.wire == '"foo@evil> ORCPT=x"@d.example'
    assert (mailbox.local_part, mailbox.domain) == ("foo@evil> orcpt=x", "d.example")


def test_the_greatest_lengths_are_taken() -> None:
    """64 octets before the @ and 254 in all (RFC 5321 section 4.5.3.1)."""
    domain = ".".join(["x" * 62] * 3)
    text = f"{'é' * 32}@{domain}"

    assert len(text.encode()) == 253
    assert parse(text + "x").wire == text + "x"
    assert comparable(text + "xx") is None


def test_only_an_address_beyond_ascii_needs_smtputf8() -> None:
    """An A-label travels anywhere; a U-label or a local part beyond ASCII does not (RFC 6531)."""
    needs = [
        parse(text).needs_smtputf8 for text in ("k@x.org", "k@xn--bcher-kva.org", "k@bücher.org", "é@x.org")
    ]

    assert needs == [False, False, True, True]


# --- properties

ATEXT = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+/=?^_`{|}~-"
LETTERS = st.characters(categories=["Ll", "Lu", "Lo", "Lm", "Mn", "Mc", "Nd"])
WORDS = st.text(st.one_of(st.sampled_from(ATEXT), LETTERS), min_size=1, max_size=12)
QUOTED = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=12).map(
    lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
)
LOCALS = st.one_of(st.lists(WORDS, min_size=1, max_size=3).map(".".join), QUOTED)
DOMAINS = st.one_of(
    st.sampled_from(
        ["example.org", "Mail.Shop.Example", "bücher.example", "XN--BCHER-KVA.example", "[192.0.2.1]"]
    ),
    st.text(st.one_of(st.sampled_from("abcdxn-"), LETTERS), min_size=1, max_size=10).map("{}.example".format),
    st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyz0123456789-"), min_size=1, max_size=10).map(
        "xn--{}.example".format
    ),
)
MAILBOXES = st.builds("{}@{}".format, LOCALS, DOMAINS)
ANYTHING = st.one_of(
    MAILBOXES,
    st.text(max_size=40),
    st.text(st.characters(codec=None), max_size=40).map("{}@example.org".format),  # lone surrogates too
    st.text(st.characters(codec=None), max_size=40).map("kim@{}".format),
    st.binary(max_size=40),
    st.binary(max_size=40).map(lambda octets: octets + b"@example.org"),
)


@given(ANYTHING)
def test_any_text_is_one_mailbox_or_refused(text: str | bytes) -> None:
    """No text or octets raise anything but AddressError, and what is taken goes out unchanged."""
    try:
        mailbox = parse(text)
    except AddressError:
        return
    assert mailbox.wire == (text.decode() if isinstance(text, bytes) else text)
    assert mailbox.comparable == f"{mailbox.local_part}@{mailbox.domain}"
    assert mailbox.domain.isascii()
    assert mailbox.domain == mailbox.domain.lower()
    assert not any(char in mailbox.comparable for char in "\r\n\0")


@given(MAILBOXES)
def test_the_comparable_spelling_is_its_own(text: str) -> None:
    """Parsed again, quoted where it must be, the comparable spelling compares as itself."""
    assume(comparable(text))
    mailbox = parse(text)
    escaped = mailbox.local_part.replace("\\", "\\\\").replace('"', '\\"')

    assert comparable(mailbox.comparable) in (None, mailbox.comparable)
    assert comparable(f'"{escaped}"@{mailbox.domain}') in (None, mailbox.comparable)
    if mailbox.comparable.isascii() and len(escaped) <= 62:
        assert comparable(f'"{escaped}"@{mailbox.domain}') == mailbox.comparable


def other_case(char: str) -> str:
    """The same letter in its other case, where it has just one other."""
    other = char.swapcase()
    return other if other.swapcase() == char and len(other) == 1 else char


@given(MAILBOXES, st.data())
def test_spellings_that_differ_in_case_compare_equal(text: str, data: st.DataObject) -> None:
    """However the letters of a mailbox are cased, it is one mailbox, or the odd spelling is refused."""
    assume(comparable(text))
    swapped = data.draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text)))
    cased = "".join(other_case(char) if swap else char for char, swap in zip(text, swapped, strict=True))

    assert comparable(cased) in (None, comparable(text))
    if text.isascii():
        assert comparable(cased) == comparable(text)


@given(MAILBOXES, st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_spellings_that_differ_in_normal_form_compare_equal(text: str, form: str) -> None:
    """Whatever form of Unicode a tool or a smarthost writes, it is the same mailbox or refused."""
    assume(comparable(text))

    assert comparable(unicodedata.normalize(form, text)) in (None, comparable(text))  # type: ignore[arg-type]


EQUAL_TO_SOME: list[Callable[[str], str]] = [
    str.lower,
    str.upper,
    str.casefold,
    lambda char: unicodedata.normalize("NFKC", char),
    lambda char: unicodedata.normalize("NFKC", char).casefold(),
    lambda char: char.upper().lower(),  # as Java's equalsIgnoreCase compares
]


def test_no_character_is_folded_away_by_another_server() -> None:
    """Every character of Unicode: if taken, then lowered, raised, folded or NFKC it is the same mailbox.

    These are the foldings mail servers are known to use: Postfix folds by ICU, Java and SQL otherwise.
    """
    wrong = []
    for char in map(chr, range(0x80, sys.maxunicode + 1)):
        spelled = comparable(f"a{char}@x.org")
        if spelled is None:
            continue
        folded = {change(char) for change in EQUAL_TO_SOME} - {char}
        if any(comparable(f"a{other}@x.org") != spelled for other in folded):
            wrong.append(char)

    assert ascii("".join(wrong)) == "''"


# --- the hash

COMPARABLE = "kim@example.org"


def test_a_person_has_another_hash_with_each_controller_and_key() -> None:
    """16 octets; records of two controllers or two installations cannot be joined (I8)."""
    key = bytes(32)
    hashes = {
        person_hash(key, "shop", COMPARABLE),
        person_hash(key, "club", COMPARABLE),
        person_hash(b"\1" * 32, "shop", COMPARABLE),
        person_hash(key, "shop", "lee@example.org"),
    }

    assert {len(one) for one in hashes} == {16}
    assert len(hashes) == 4


def test_a_persons_hash_never_changes() -> None:
    """The hash under which refusals stand on record is pinned: with another, none would be found again."""
    assert (
        person_hash(bytes(range(32)), "shop", "josé@xn--bcher-kva.example").hex()
        == "bf42354602daf5860a5e4beba1e0a4bd"
    )
