"""Messages to measure with: a newsletter as people send it, and what only an enemy would send."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping

from gateway.mail.transfer import encode_qp

HEAD = b"From: Bakkerij De Zon <nieuws@zon.example>\r\nTo: lezers@zon.example\r\nSubject: Mei\r\n"
MIME = b"MIME-Version: 1.0\r\n"
OWN = b"http://zon.example/u"
PHRASES = (
    "De speculaas is terug, warm uit de oven. ",
    "Één dag per week bakken wij desembrood; bestel vóór donderdag. ",
    "Haal het af in de winkel, of laat het bezorgen voor € 2,50. ",
    "Nieuw: crème brûlée naar recept van oma. ",
    "Kijk op https://zon.example/winkel?id=42&amp;bron=nieuws voor alles. ",
)
KB, MB = 1000, 1_000_000


def leaf(kind: bytes, encoding: bytes, body: bytes, charset: bytes = b"utf-8") -> bytes:
    """A text entity."""
    head = b"Content-Type: text/%b; charset=%b\r\nContent-Transfer-Encoding: %b\r\n\r\n"
    return head % (kind, charset, encoding) + body


def multipart(kind: bytes, parts: list[bytes], boundary: bytes = b"=_b1") -> bytes:
    """An entity of these parts."""
    head = b'Content-Type: multipart/%b; boundary="%b"\r\n\r\n' % (kind, boundary)
    opened = [b"--%b\r\n%b\r\n" % (boundary, part) for part in parts]
    return head + b"".join(opened) + b"--%b--\r\n" % boundary


def words(size: int) -> str:
    """About so many octets of Dutch, the same each time."""
    chosen = random.Random(7).choices(PHRASES, k=size // 50 + 1)
    return "\r\n".join("".join(chosen[at : at + 4]) for at in range(0, len(chosen), 4))[:size]


def page(size: int) -> str:
    """An HTML page as a newsletter editor makes it, tables and inline styles, about so many octets."""
    row = (
        '<tr><td style="padding:12px 24px;font-family:Arial,sans-serif;color:#333333" align="left">\r\n'
        '<img src="https://zon.example/i/{n}.png" width="280" alt="Brood" style="display:block" />\r\n'
        "<h2 style='margin:0'>Aanbieding {n}</h2><p>{text}</p>\r\n"
        '<a href="https://zon.example/a/{n}?utm_source=nieuws&amp;utm_medium=mail">Bestel</a></td></tr>\r\n'
    )
    rows = "".join(row.format(n=n, text="".join(PHRASES[:4])) for n in range(size // 700 + 1))
    style = "<style>td{mso-line-height-rule:exactly}</style><!--[if mso]><xml></xml><![endif]-->"
    return f"<html><head>{style}</head>\r\n<body><table>\r\n{rows}</table>\r\n</body></html>\r\n"


def newsletter(size: int) -> bytes:
    """Text and HTML in quoted-printable, about so many octets, a fifth of them text."""
    text = leaf(b"plain", b"quoted-printable", encode_qp(words(size // 5).encode()))
    html = leaf(b"html", b"quoted-printable", encode_qp(page(size * 4 // 5).encode()))
    return HEAD + MIME + multipart(b"alternative", [text, html])


def attachment(size: int) -> bytes:
    """A short text and one large file."""
    raw = random.Random(7).randbytes(3 * MB // 4) * (size // MB + 1)
    file = b"Content-Type: application/pdf; name=folder.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    file += base64.encodebytes(raw[: size * 54 // 74]).replace(b"\n", b"\r\n")
    return HEAD + MIME + multipart(b"mixed", [leaf(b"plain", b"8bit", b"Zie de folder.\r\n"), file])


def base64_page(size: int) -> bytes:
    """One page in base64, with a placeholder near its start, so that nearly all is encoded anew."""
    html = page(size * 54 // 74).replace("Aanbieding 1<", '<a href="{{unsubscribe_url}}">weg</a><', 1)
    body = base64.encodebytes(html.encode()).replace(b"\n", b"\r\n")
    return HEAD + MIME + leaf(b"html", b"base64", body)


def wide_text(size: int) -> bytes:
    """8-bit text in which some letters need four octets, with a placeholder."""
    return HEAD + MIME + leaf(b"plain", b"8bit", (words(size) + "😀 {{unsubscribe_url}}\r\n").encode())


def us_ascii_text(size: int) -> bytes:
    """Text in which the notice's own letters cannot stand."""
    return HEAD + MIME + leaf(b"plain", b"7bit", b"Brood en taart.\r\n" * (size // 17), b"us-ascii")


def japanese_text(size: int) -> bytes:
    """Text that shifts in and out of ASCII in every line."""
    line = "パンは美味しい\r\n".encode("iso-2022-jp")
    return HEAD + MIME + leaf(b"plain", b"7bit", line * (size // len(line)), b"iso-2022-jp")


def sealed(size: int) -> bytes:
    """A signed newsletter, which is wrapped."""
    seal = b"Content-Type: application/pgp-signature\r\n\r\nx"
    inside = newsletter(size).removeprefix(HEAD + MIME)
    return HEAD + MIME + multipart(b"signed", [inside, seal], b"=_s1")


ORDINARY: Mapping[str, Callable[[int], bytes]] = {
    "newsletter, quoted-printable": newsletter,
    "large attachment": attachment,
    "page in base64, placeholder": base64_page,
    "8-bit text, placeholder": wide_text,
    "signed newsletter": sealed,
    "US-ASCII text, moved to UTF-8": us_ascii_text,
    "Japanese text in ISO-2022-JP": japanese_text,
}


def html(unit: bytes, *, before: bytes = b"", after: bytes = b"") -> Callable[[int], bytes]:
    """A page of one thing over and over."""
    return lambda size: (
        HEAD
        + MIME
        + leaf(b"html", b"8bit", before + b"\r\n".join([unit * 50] * (size // len(unit) // 50)) + after)
    )


def text(unit: bytes, encoding: bytes = b"8bit", head: bytes = HEAD) -> Callable[[int], bytes]:
    """A text of one thing over and over."""
    return lambda size: head + MIME + leaf(b"plain", encoding, unit * (size // len(unit)))


def header(start: bytes, unit: bytes, end: bytes = b"", head: bytes = HEAD) -> Callable[[int], bytes]:
    """A header field of one thing over and over, and a short text."""
    return lambda size: head + start + unit * (size // len(unit)) + end + b"\r\n\r\nBrood\r\n"


def parts(number: int) -> bytes:
    """So many small parts, one of them read, the rest files."""
    file = b"Content-Type: image/png; name=x.png\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"A" * 76
    return HEAD + MIME + multipart(b"mixed", [leaf(b"plain", b"8bit", b"Brood\r\n"), *[file] * (number - 1)])


def alternatives(number: int) -> bytes:
    """So many alternatives, each to be re-encoded before a notice outside ASCII can stand in it."""
    return HEAD + MIME + multipart(b"alternative", [leaf(b"plain", b"7bit", b"Brood\r\n")] * number)


COUNTED: Mapping[str, Callable[[int], bytes]] = {
    "parts, one read": parts,
    "alternatives, all read": alternatives,
}


def nested(size: int) -> bytes:
    """Multiparts in one another, each boundary the beginning of the next."""
    return (
        HEAD
        + MIME
        + b"".join(
            b"Content-Type: multipart/mixed; boundary=%b\r\n\r\n--%b\r\n" % (name, name)
            for name in (b"b" * (depth % 60 + 1) for depth in range(size // 100))
        )
    )


def boundary_lines(unit: bytes) -> Callable[[int], bytes]:
    """Lines that begin like a delimiter, in one part."""
    return lambda size: (
        HEAD
        + MIME
        + multipart(b"mixed", [leaf(b"plain", b"8bit", (unit + b"\r\n") * (size // (len(unit) + 2)))])
    )


_FROM = b"Subject: x\r\nFrom: "
HOSTILE: Mapping[str, Callable[[int], bytes]] = {
    "lines like a boundary": boundary_lines(b"--=_b1x"),
    "lines like a boundary, none": boundary_lines(b"--=_b1\x01"),
    "delimiters without a part": boundary_lines(b"--=_b1"),
    "multiparts in one another": nested,
    "one line": text(b"x"),
    "one line of blanks": text(b" "),
    "signature separators": text(b"-- \r\n"),
    "header fields": header(b"A: b", b"\r\nX-Y: z"),
    "header fields that are signed": header(b"List-Id: <a>", b"\r\nList-Id: <a>"),
    "folded lines of a field": header(b"X-Y: z", b"\r\n\t"),
    "encoded words": header(b"Subject: x\r\nX-Campaign: ", b"=?utf-8?q?=C3=A9?= ", head=HEAD[:44]),
    "parameters of RFC 2231": header(b"Content-Type: text/plain", b";\r\n name*1*=utf-8''%41"),
    "parameters, quotes open": header(b"Content-Type: text/plain", b';a="\\";'),
    "parameters, blanks": header(b"Content-Type: text/plain; a", b" "),
    "comments in From, nested": header(_FROM, b"(", b"a@zon.example", head=b""),
    "comments in From, one by one": header(_FROM, b"(x)", b"a@zon.example", head=b""),
    "mailboxes in From": header(_FROM, b"a@zon.example,", b"a@zon.example", head=b""),
    "colons in From": header(_FROM + b'"a" ' * 1_000 + b"@", b":", head=b""),
    "names in From": header(_FROM, b'"a"\t', b"<a@zon.example>", head=b""),
    "own URLs claimed": header(b"List-Unsubscribe: <" + OWN + b">", b", <https://a.example/b"),
    "JSON that nests": header(b"X-SMTPAPI: ", b'{"a":['),
    "<": html(b"<"),
    "<x": html(b"<x "),
    "<!--": html(b"<!--"),
    "<!-->": html(b"<!-->"),
    "<![CDATA[": html(b"<![CDATA["),
    "<!--[if mso]>": html(b"<!--[if mso]>"),
    "unclosed tags": html(b"<p><b>"),
    "unclosed values": html(b'<p a="', after=b">"),
    "unclosed scripts": html(b"<script>"),
    "ends of a body": html(b"</body>"),
    "&": html(b"&", after=b"{{unsubscribe_url}}"),
    "tags after a placeholder": html(b"<i>", after=b"{{unsubscribe_url}}"),
    "placeholders": html(b"{{unsubscribe_url}} "),
    "placeholders, nearly": html(b"{{{ unsubscribe_urk"),
    "own URLs": text(OWN + b" ", head=HEAD + b"List-Unsubscribe: <" + OWN + b">\r\n"),
    "own URLs, nearly": text(OWN + b"x", head=HEAD + b"List-Unsubscribe: <" + OWN + b">\r\n"),
    "own URLs in quoted-printable": text(
        OWN + b" =\r\n", b"quoted-printable", HEAD + b"List-Unsubscribe: <" + OWN + b">\r\n"
    ),
    "soft line breaks": text(b"=\r\n", b"quoted-printable"),
    "padded soft line breaks": text(b"=    \r\n", b"quoted-printable"),
    "broken quoted-printable": text(b"= ", b"quoted-printable"),
    "base64 of one line": text(b"QUJD", b"base64"),
    "base64 of lines unlike": text(b"QUJD\r\nQUJDQUJD\r\n", b"base64"),
}

# Beyond so many octets these are refused or wrapped without a further look: how it grows shows below.
BOUNDS: Mapping[str, int] = {
    "header fields": 29 * KB,
    "header fields that are signed": 68 * KB,
    "comments in From, nested": 9 * KB,
    "mailboxes in From": 9 * KB,
    "colons in From": 5 * KB,
    "placeholders": 38 * KB,
    "placeholders, nearly": 36 * KB,
    "own URLs": 40 * KB,
}
