"""What is passed over unread in a page is just what would have changed nothing."""

from __future__ import annotations

import re
from unittest.mock import patch

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.mail.markup import is_regular
from gateway.mail.page import Page, page
from gateway.mail.shapes import StrangeError, Wrapping

PLACE = "{{unsubscribe_url}}"
COMMON = (
    *(
        "<p>",
        "</p>",
        "<div>",
        "</div>",
        "<table>",
        "</table>",
        "<TR>",
        "</tr>",
        "<td>",
        "</td>",
        "<li>",
        "<br/>",
    ),
    *(
        f"<a href='{PLACE}'>",
        f'<a href="{PLACE}" style="font-size: 1px">',
        "</a>",
        PLACE,
        "<a name=x>",
        "word",
    ),
    *(
        "<div hidden>",
        '<div style="display:none">',
        "<td style='font-size:0px'>",
        '<p style="font-size:.2px">',
    ),
    *('<font style="font-size:13px">', "</font>", '<table style="font-size:0">', "<p style=max-height:0>"),
    *("<p style='VISIBILITY : Hidden'>", '<b style="mso-hide:all">', "</b>", "<p x='&#58;'>", "<p x='\\'>"),
    *("<style>.x{display:none}</style>", "<style>p{opacity:0}</style>", "<style>p{}</style>", "<b class=x>"),
    *("<!-- x -->", "<!--[if mso]>", "<![endif]-->", "<!--[if !mso]><!-->", "<!--<![endif]-->", "<?xml >"),
    *("<img src=x>", "<img hidden>", "<svg>", "</svg>", "<template>", "</template>", "<title>t</title>"),
    *("left:-9999px", "display:none", "\r\n", "&nbsp;", "</body>", "</BODY >", "<body>", "<frameset>"),
)
ODD = (
    "<",
    ">",
    "=",
    '"',
    "'",
    "< b",
    "<p x='a>b'>",
    "<p title='",
    "<style>",
    "<a",
    "<table",
    "<!",
    "<p x= '>'>",
)


def told(text: bytes, places: list[tuple[int, int]]) -> Page | Wrapping:
    """What comes of reading a page."""
    try:
        return page(text, places)
    except StrangeError as error:
        return error.why


@settings(deadline=None, max_examples=400)
@given(
    st.lists(st.one_of(st.sampled_from(COMMON), st.sampled_from(COMMON + ODD)), max_size=30),
    st.sampled_from(["", "</body></html>", "</table></body>"]),
)
@example(["<p title='", "</body>", "'>"], "")
@example(
    ["<!--[if mso]>", "<div hidden>", "<![endif]-->", f"<a href='{PLACE}'>", "word", "</a>"], "</body></html>"
)
@example(["<title><p hidden></title>", PLACE], "</body></html>")
@example(["<p title='a>b<body", "'>", "</body>", "<p x='", "</body>", "'>"], "")
def test_a_page_is_read_alike_tag_by_tag(pieces: list[str], end: str) -> None:
    """A page of which most tags are passed over has its end and its places where it has them tag by tag."""
    text = ("".join(pieces) + end).encode()
    places = [match.span() for match in re.finditer(re.escape(PLACE.encode()), text)]

    with patch("gateway.mail.page.is_regular", return_value=False):
        every_tag = told(text, places)

    assert told(text, places) == every_tag


def test_so_is_one_with_many_tables_of_small_letters() -> None:
    """Many a newsletter sets `font-size:0` on most cells, after a hidden line; its link is seen."""
    row = b"<table><tr><td style='font-size:0px'><div style='font-size:14px'>Brood</div></td></tr></table>"
    text = b"<body><div style='display:none'>Mei</div>%b<p><a href='%b'>weg</a></p></body>" % (
        row * 50,
        PLACE.encode(),
    )
    at = text.index(PLACE.encode())

    read = page(text, [(at, at + len(PLACE))])

    assert (read.shows_place, read.end) == (True, text.index(b"</body>"))


@pytest.mark.parametrize(
    ("text", "regular"),
    [
        ("<p>1 &gt; 0</p>", True),
        ("<a href='/?a=b'>x</a>", True),
        ("<!--<![endif]--><p>", True),
        ("<p title='a>b'>", False),
        ('<p title = "a>b">', False),
        ("<p title='a<b>c'>", False),
        ("<p title='a", False),
        ("<p <b>", False),
        ("1 < 2 <p>", False),
        ("<p", False),
    ],
)
def test_a_page_is_regular_only_where_no_tag_can_be_missed(text: str, regular: bool) -> None:
    """A bracket within a value, or a tag without its end, makes every tag be read."""
    assert is_regular(text.encode()) is regular
