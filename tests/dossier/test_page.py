"""The page: readable, whole, in the controller's language, and harmless whatever is in it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest

from gateway.dossier import Dossier, page, sections
from gateway.texts import LANGUAGES, texts
from tests.dossier.conftest import ANNA, CONSENT, PURCHASE, Desk, history

RunAtDesk = Callable[[Callable[[Desk], Awaitable[Any]]], Awaitable[Any]]
VOID = {"meta", "link", "br", "hr", "img", "input"}
BLOCKS = {"p", "div", "td", "th", "h1", "h2", "li", "dd", "dt", "address", "section", "title"}
EVIL = (
    '=HYPERLINK("http://evil.example")',
    "+cmd|'/C calc'!A0",
    "-2+3",
    "@SUM(1)",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
)


FORMULA = "=1+2@example.org"  # an address, too


class Reader(HTMLParser):
    """What a browser, or a spreadsheet, makes of the page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.blocks: list[str] = [""]
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag in BLOCKS:
            self.blocks.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag in BLOCKS:
            self.blocks.append("")

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.blocks[-1] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.blocks).split())


async def test_it_shows_all_that_is_held(run_at_desk: RunAtDesk) -> None:
    """Who is responsible, each proof, what would be decided, each decision with its article, terms, acts."""

    async def work(desk: Desk) -> str:
        await history(desk)
        return page(await desk.of())

    text = Reader(await run_at_desk(work)).text

    for said in (
        "De Winkel",
        "Markt 1, 2611 GP Delft",
        "privacy@shop.example",
        "https://shop.example/privacy",
        ANNA,
        str(CONSENT["wording"]),
        "192.0.2.7",
        "form-77",
        "order-1",
        "a box on the order form",
        "operator: jo",
        "campaign: spring",
        "message_id: <1@shop.example>",
        "Tw 11.7(1)-(2), GDPR 6(1)(a)",
        "Tw 11.7(4), GDPR 21(2)-(3)",
        "we do not like you",
        "proof of consent",
        "to answer complaints",
        texts("nl").dossier_refusals_stay,
        texts("nl").dossier_rights,
        "2026-04-05 12:01:00 UTC",
    ):
        assert said in text, said
    assert "rumours" not in text  # the rival's (I8)
    assert "bram" not in text


async def test_each_controller_has_its_section_in_its_language(run_at_desk: RunAtDesk) -> None:
    """The shop's in Dutch, the rival's in French, on one page."""

    async def work(desk: Desk) -> str:
        await history(desk)
        return page(await desk.of(ANNA, "shop", "rival"))

    html = await run_at_desk(work)

    assert re.findall(r'<section lang="(..)">', html) == ["nl", "fr"]
    assert texts("nl").dossier_evidence in html
    assert texts("fr").dossier_evidence in html
    assert "J. Jansen" in html
    assert "Moederbedrijf (2025-01-02)" in html


async def test_its_sections_can_stand_in_another_page(run_at_desk: RunAtDesk) -> None:
    """Each section by itself is word for word what the page has of it."""

    async def work(desk: Desk) -> Dossier:
        await history(desk)
        return await desk.of(ANNA, "shop", "rival")

    made = await run_at_desk(work)
    found = sections(made)

    assert [re.match(r'\s*<section lang="(..)">', one)[1] for one in found] == ["nl", "fr"]
    assert all(one.strip() in page(made) for one in found)


async def test_of_whom_nothing_is_held_it_says_so(run_at_desk: RunAtDesk) -> None:
    """An empty dossier is an answer (GDPR 15(1)), and says what would be decided."""
    text = Reader(page(await run_at_desk(lambda desk: desk.of("nobody@example.org")))).text

    assert "De Winkel heeft niets van je vastgelegd." in text
    assert "unknown-person" in text


async def test_whatever_is_in_it_it_is_text(run_at_desk: RunAtDesk) -> None:
    """Markup, templates and formulas stay words: no tag of theirs, no block that begins with a formula."""

    async def work(desk: Desk) -> Dossier:
        for number, evil in enumerate(EVIL):
            words = dict.fromkeys(
                ("source", "wording", "wording_version", "ip", "language", "reference"), evil
            )
            bought = {"product_group": evil, "optout_offered_how": evil}
            await desk.record(*({**row, "email": FORMULA} for row in (CONSENT | words, PURCHASE | bought)))
            await desk.object(FORMULA, via=evil, operator=evil, reference=evil)
            await desk.mail(FORMULA, submission=number + 1)
        return await desk.of(FORMULA)

    made = await run_at_desk(work)
    for one in made.sections[0].held.decisions:
        details = one.stored.details
        details.update(campaign=EVIL[0], message_id=EVIL[4])
    reader = Reader(page(made))

    assert not {"script", "img", "iframe", "object", "form", "link"} & set(reader.tags)
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]
    assert not [block for block in reader.blocks if block.strip().startswith(("=", "+", "-", "@"))]
    for evil in EVIL:
        assert " ".join(evil.split()) in reader.text


async def test_it_is_one_page_that_loads_and_runs_nothing(run_at_desk: RunAtDesk) -> None:
    """No script, no resource, and a policy of its own that allows its one style alone."""
    html = page(await run_at_desk(lambda desk: desk.of()))
    reader = Reader(html)
    (policy,) = (
        value for _, name, value in reader.attributes if name == "content" and "default-src" in value
    )

    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert not [name for _, name, _ in reader.attributes if name in ("src", "style", "srcset", "background")]
    assert "url(" not in html
    assert "@import" not in html
    assert "@media print" in html


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_language_has_the_whole_page(run_at_desk: RunAtDesk, language: str) -> None:
    """Each language fills the page; nothing is left undefined."""

    async def work(desk: Desk) -> Dossier:
        await history(desk)
        return await desk.of()

    made = await run_at_desk(work)
    made = replace(made, sections=[replace(made.sections[0], language=language)])
    html = page(made)

    assert f'<html lang="{language}">' in html
    assert texts(language).dossier_title.format(controller="De Winkel") in html


async def test_an_erased_row_says_that_it_is_erased(run_at_desk: RunAtDesk) -> None:
    """Without details a row still stands, with its facts, and says why there is no more."""

    async def work(desk: Desk) -> Dossier:
        await history(desk)
        return await desk.of()

    made = await run_at_desk(work)
    (section,) = made.sections
    rows = [
        replace(one, stored=replace(one.stored, salt=None, details=None)) for one in section.held.evidence
    ]
    held = replace(section.held, evidence=rows)
    html = page(replace(made, sections=[replace(section, held=held)]))

    assert html.count(texts("nl").dossier_erased) == len(rows) + 1  # the objection is listed twice
    assert str(CONSENT["wording"]) not in html
