"""The pages themselves: who sends this, in the reader's language, without script, and safe with any words."""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape
from html.parser import HTMLParser

import pytest

from gateway.look import linked
from gateway.texts import LANGUAGES
from gateway.web.pages import language
from tests.web.conftest import BAKERY, NEWS, ON_CONSENT, TO_CUSTOMER, Site

UNDO = re.compile(r'action="../undo/([^"]+)"')


async def pages_of(site: Site, client, accepted: str = "nl") -> dict[str, str]:
    """Every kind of page a link can lead to."""
    headers = {"Accept-Language": accepted}
    shown = {}
    for name, token in {"consent": ON_CONSENT, "customer": TO_CUSTOMER}.items():
        for choice in ("default", "category", "marketing", "profiling"):
            async with client.get(f"{site.link(token)}?choice={choice}", headers=headers) as answer:
                shown[f"ask {name} {choice}"] = await answer.text()
            form = {"choice": choice, "via": "page"}
            async with client.post(site.link(token), data=form, headers=headers) as answer:
                shown[f"done {name} {choice}"] = await answer.text()
                undo = UNDO.findall(shown[f"done {name} {choice}"])
    site.clock.advance(minutes=1)
    async with client.post(f"{site.url}/undo/{undo[-1]}", headers=headers) as answer:
        shown["undone"] = await answer.text()
    site.clock.advance(minutes=15)
    async with client.post(f"{site.url}/undo/{undo[-1]}", headers=headers) as answer:
        shown["late"] = await answer.text()
    async with client.get(site.link(page="p"), headers=headers) as answer:
        shown["preferences"] = await answer.text()
    async with client.post(site.link(page="p"), data={"stop": "category:news"}, headers=headers) as answer:
        shown["preferences, stopped"] = await answer.text()
    site.ledger.down = True
    async with client.post(site.link(), headers=headers) as answer:
        shown["unavailable"] = await answer.text()
    site.ledger.down = False
    async with client.get(f"{site.url}/u/forged", headers=headers) as answer:
        shown["not found"] = await answer.text()
    async with client.put(site.link(), headers=headers) as answer:
        shown["not allowed"] = await answer.text()
    return shown


class Outline(HTMLParser):
    """The elements of a page and what they point at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note the element."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attributes]


@pytest.mark.parametrize("spoken", LANGUAGES)
async def test_every_page_stands_by_itself(site: Site, client, spoken: str) -> None:
    """In each language: no script, nothing fetched, one h1, at most 30 kB, no word left out."""
    for name, text in (await pages_of(site, client, spoken)).items():
        outline = Outline(text)
        assert text.startswith(f'<!doctype html>\n<html lang="{spoken}">'), name
        assert outline.tags.count("h1") == 1, name
        assert not {"script", "img", "link", "iframe", "object", "video"} & set(outline.tags), name
        assert not [each for each, _ in outline.attributes if each.startswith("on") or each == "src"], name
        assert len(text.encode()) <= 30_000, name
        assert "{" not in re.sub(r"<style>.*</style>", "", text, flags=re.DOTALL), name
        assert "://" not in text.replace(BAKERY.privacy_policy_url, ""), name


async def test_every_page_of_a_link_says_who_sends(site: Site, client) -> None:
    """Name, postal address, contact, officer and privacy policy stand on each of them (L22, L30)."""
    for name, text in (await pages_of(site, client)).items():
        if name.startswith("not "):
            continue
        for said in (
            BAKERY.name,
            "Dorpsstraat 1",
            BAKERY.contact,
            "+31 20 123 4567",
            BAKERY.privacy_policy_url,
        ):
            assert said in text, (name, said)


async def test_the_page_says_what_it_is_about(site: Site, client) -> None:
    """The category stands on the page for it, and on the answer that it is stopped."""
    shown = await pages_of(site, client)

    for name in ("ask consent default", "done consent default", "ask customer category"):
        assert NEWS.title in shown[name]


async def test_every_choice_reads_differently(site: Site, client) -> None:
    """What is asked and what is recorded are said in other words for each choice."""
    shown = await pages_of(site, client)

    for page in ("ask", "done"):
        assert (
            len({shown[f"{page} consent {choice}"] for choice in ("category", "marketing", "profiling")}) == 3
        )
    assert shown["ask consent default"] == shown["ask consent category"]
    assert shown["ask customer default"] == shown["ask customer marketing"]


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></style><svg onload=alert(1)>",
    "a\r\nSet-Cookie: x=1\r\n\r\n<b>",
    "nul\x00 and \u202e right to left",
    "{{ 7 * 7 }}{controller.__class__}{0}",
    "x" * 4096,
]


@pytest.mark.parametrize("words", HOSTILE)
async def test_words_of_the_configuration_stay_words(serving, client, words: str) -> None:
    """Markup, line ends and braces in names reach neither the page's structure nor a header (C6)."""
    controller = replace(
        BAKERY,
        name=words,
        postal_address=words,
        contact=words,
        officer=words,
        privacy_policy_url="https://x.example/" + words,
    )
    site: Site = await serving(
        controllers={"bakery": controller}, categories={"news": replace(NEWS, title=words)}
    )
    plain: Site = await serving()

    hostile, expected = await pages_of(site, client), await pages_of(plain, client)
    async with client.get(site.link()) as answer:
        assert "Set-Cookie" not in answer.headers

    for name, text in hostile.items():
        tags = [tag for tag in Outline(text).tags if tag != "a"]
        assert tags == [tag for tag in Outline(expected[name]).tags if tag != "a"], name
    # HTML has no line end but LF; everything else is there to the letter.
    assert (
        str(escape(words)).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
        in hostile["ask consent default"]
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("hallo@bakery.example", '<a href="mailto:hallo@bakery.example">hallo@bakery.example</a>'),
        (
            "https://a.example/?x=1&y=2",
            '<a href="https://a.example/?x=1&amp;y=2">https://a.example/?x=1&amp;y=2</a>',
        ),
        ("a?bcc=b@c.example", '<a href="mailto:a%3Fbcc%3Db@c.example">a?bcc=b@c.example</a>'),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("data:text/html,x", "data:text/html,x"),
        ("020 123 4567", "020 123 4567"),
        ("<b>", "&lt;b&gt;"),
    ],
)
def test_only_mailboxes_and_web_addresses_become_links(text: str, shown: str) -> None:
    """No other scheme can come in by a contact."""
    assert linked(text) == shown


@pytest.mark.parametrize(
    ("accepted", "spoken"),
    [
        ("", "nl"),
        ("en", "en"),
        ("en-GB,en;q=0.9,nl;q=0.8", "en"),
        ("fr-BE, nl-BE;q=0.9", "fr"),
        ("nl;q=0.5, de;q=0.7", "de"),
        ("DE-at", "de"),
        ("ja, zh;q=0.9, fr;q=0.1", "fr"),
        ("ja, zh", "nl"),
        ("en;q=0", "nl"),
        ("*", "nl"),
        ("en;q=nonsense, fr", "fr"),
        ("../../etc/passwd", "nl"),
        (";;;,,,=\x00", "nl"),
        ("en," * 100_000, "en"),
    ],
)
def test_the_reader_chooses_the_language(accepted: str, spoken: str) -> None:
    """The best liked of the languages we have, else the sender's (RFC 9110 section 12.5.4)."""
    assert language(accepted, "nl") == spoken


async def test_without_a_wish_the_sender_speaks_its_own_language(serving, client) -> None:
    """A controller that writes German has a German page for those who ask for nothing we have."""
    site: Site = await serving(controllers={"bakery": replace(BAKERY, language="de")})

    async with client.get(site.link(), headers={"Accept-Language": "ja"}) as answer:
        assert '<html lang="de">' in await answer.text()
