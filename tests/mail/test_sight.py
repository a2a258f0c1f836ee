"""A way out that is not surely seen is none (L10): it is filled in, and the whole notice is added."""

from __future__ import annotations

import email

import pytest

from gateway.mail.message import Message
from gateway.mail.notice import Notice
from gateway.mail.page import page
from gateway.mail.rewrite import prepare
from gateway.mail.shapes import StrangeError, Wrapping

MIME = "From: a@zon.example\r\nMIME-Version: 1.0\r\nContent-Type: text/%s\r\n\r\n%s\r\n"
LINK = '<a href="{{unsubscribe_url}}">weg</a>'


def copied(text: str, notice: Notice, kind: str = "html") -> str:
    """The body of the copy."""
    copy = prepare(Message.parse((MIME % (kind, text)).encode()), eight_bit=True).copy(notice)
    body: bytes = email.message_from_bytes(copy).get_payload(decode=True)
    return body.decode()


UNSEEN = (
    '<a href="{{unsubscribe_url}}"></a>',
    '<a href="{{unsubscribe_url}}"> &nbsp;&#8203;\xa0\u200b<b> </b><!-- weg --></a>',
    '<a href="{{unsubscribe_url}}"><img hidden src=x></a>',
    '<a href="{{unsubscribe_url}}"><span style="display:none">weg</span></a>',
    '<a href="{{unsubscribe_url}}"><a href="/">weg</a>',
    '<a style="display:none" href="{{unsubscribe_url}}">weg</a>',
    '<a hidden href="{{unsubscribe_url}}">weg</a>',
    '<a href="{{unsubscribe_url}}" style="opacity: 0">weg</a>',
    f'<div style="DISPLAY : NONE !important">{LINK}</div>',
    f'<div style="display:/**/none">{LINK}</div>',
    f'<div style="display&#58;none">{LINK}</div>',
    f"<div hidden><p>x</p>{LINK}</div>",
    f'<div style="visibility:hidden"><div>x</div>{LINK}</div>',
    f'<div style="max-height:0;overflow:hidden">{LINK}</div>',
    f'<div style="position:absolute;left:-9999px">{LINK}</div>',
    f'<div style="font-size:0px">{LINK}</div>',
    f'<div style="font-size:0"><p style="font-size:13px">x</p>{LINK}</div>',
    f'<div style="font-size:1px;line-height:1px">{LINK}</div>',
    f'<div hidden><table><tr><td></div>{LINK}</td></tr></table></div>',
    f"<div hidden></span>{LINK}</div>",
    '<div hidden>{{unsubscribe_url}}</div>',
    "<select><option>{{unsubscribe_url}}</option></select>",
    f"<details><summary>meer</summary>{LINK}</details>",
    f"<dialog>{LINK}</dialog>",
    "<datalist><option>{{unsubscribe_url}}</datalist>",
    f"<noscript>{LINK}</noscript>",
    f"<object>{LINK}</object>",
    f"<!--[if !mso]><!-->{LINK}<!--<![endif]-->",
    "<title>{{unsubscribe_url}}</title>",
    f"<style>.off {{ display:none }}</style><div class='x OFF'>{LINK}</div>",
    f"<style>@media print {{ a, #p td.off:hover {{ opacity:0 }} }}</style><td id=a class=off>{LINK}</td>",
    f"<style>*[class=off]{{/* ; */max-height:0}}</style><a></a><div class=off>{LINK}</div>",
    f"<style>a{{display:none}}</style>{LINK}",
    "<img alt='{{unsubscribe_url}}'>",
)  # fmt: skip


@pytest.mark.parametrize("text", UNSEEN)
def test_a_way_out_that_may_not_be_seen(notice: Notice, text: str) -> None:
    """It is filled in all the same, and the whole notice comes after it."""
    shown = copied(f"<html><body>{text}</body></html>", notice)

    assert "unsubscribe_url" not in shown
    assert shown.count(notice.link) >= 2
    assert notice.words.unsubscribe in shown


SEEN = (
    LINK,
    '<a href="{{unsubscribe_url}}"><b>é</b></a>',
    '<a href="{{unsubscribe_url}}"><img src=x alt=weg></a>',
    "{{unsubscribe_url}}",
    f'<div style="display:none;font-size:1px">preheader</div>{LINK}',
    f'<p style="display:none">preheader<p>{LINK}',
    f"<table><tr><td hidden>x<td>{LINK}</table>",
    f"<table><tr><td><span hidden></table>{LINK}",
    f'<div hidden><table><tr><td></div></td></tr></table></div>{LINK}',
    f'<input hidden><img style="display:none">{LINK}',
    f'<td style="font-size:0px;padding:0"><div style="font-size:13px">{LINK}</div></td>',
    f'<div style="opacity:0.8;max-width:0;overflow:hidden;font-size:0.9em" aria-hidden="false">{LINK}</div>',
    f"<div hidden>{LINK}</div>{LINK}",
    f"<style>.off a.x{{display:none}} br{{display:none}}</style><br class=x><div class=off>{LINK}</div>",
    f"<style>body{{display:none}} .on{{overflow: hidden }} .off{{}}</style><div class='on off'>{LINK}</div>",
    f"<select><option>1</option></select><details>x</details>{LINK}",
)  # fmt: skip


@pytest.mark.parametrize("text", SEEN)
def test_a_way_out_that_is_seen(notice: Notice, text: str) -> None:
    """No second link is added beside it, whatever else of the page is hidden."""
    shown = copied(f"<html><body>{text}</body></html>", notice)

    assert "unsubscribe_url" not in shown
    assert notice.words.unsubscribe not in shown


@pytest.mark.parametrize("end", ["", "</body></html>"])
@pytest.mark.parametrize(
    "text",
    [
        "<details><summary>meer</summary><p>x",
        "<dialog><p>x",
        "<datalist><p>x",
        "<div style='display:none'>preheader",
        "<div hidden><div>x</div>",
        "<div style='visibility:hidden'><table><tr><td></div></table>",
    ],
)
def test_hidden_elements_that_stay_open(text: str, end: str) -> None:
    """A notice at the end of the page would be hidden with them."""
    with pytest.raises(StrangeError) as strange:
        page(f"<p>Brood</p>{text}{end}".encode())

    assert strange.value.why is Wrapping.UNFINISHED


def test_small_type_that_stays_open_hides_no_notice() -> None:
    """The notice has a size of its own; a </body> that is hidden is not the page's."""
    text = b"<div hidden></body></div><td style='font-size:0'>x</body>"

    assert page(text).end == text.rindex(b"</body>")


def test_a_way_out_below_a_signature_line(notice: Notice) -> None:
    """Readers fold a signature away: the whole notice stands above it (RFC 3676 section 4.3)."""
    below = copied("Brood\r\n-- \r\nDe Zon {{unsubscribe_url}}", notice, "plain")
    above = copied("Brood {{unsubscribe_url}}\r\n-- \r\nDe Zon", notice, "plain")

    assert below.count(notice.link) == 2
    assert below.index(notice.words.unsubscribe) < below.index("-- \r\n")
    assert above.count(notice.link) == 1


def test_a_page_of_nothing_but_hidden_elements_is_read_in_linear_time() -> None:
    """Deep nesting, stray end tags and tables are each passed once: a quadratic reader would not end here."""
    for piece in (b"<b hidden>", b"<table hidden>", b"<div hidden></p></table>", b"<td style='font-size:0'>"):
        with pytest.raises(StrangeError):
            page(piece * 50_000 + b"<div hidden>")
