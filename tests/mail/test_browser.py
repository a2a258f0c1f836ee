"""A real browser shows the notice in every HTML golden, on a wide screen and a narrow one, day and night.

Screenshots of all of them are left in build/screenshots/mail, for people to look at.
"""

from __future__ import annotations

import email
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message as Parsed
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, Route, ViewportSize, sync_playwright

from gateway.mail.notice import Notice, as_html
from tests.chromium import FLAGS, emptied, program
from tests.mail.reader import is_text, text_of

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.eml"))
WIDTHS = {800: "light", 320: "dark"}  # CSS pixels, and by which light the screenshot is taken
EMPTY = "data:text/html,"  # about:blank is black at night
READABLE = 4.5  # WCAG 2.2 success criterion 1.4.3: contrast of ordinary text

# Each element of the page: its tag, its box, and whether something of the notice is in it.
BOXES = """urls => [...document.querySelectorAll('body *')].map(e => {
  const r = e.getBoundingClientRect();
  return {
    tag: e.tagName, x: r.left + scrollX, y: r.top + scrollY, width: r.width, height: r.height,
    notice: [...e.querySelectorAll('a')].some(a => urls.includes(a.getAttribute('href'))),
  };
})"""

# Each link to a URL: how it would strike the eye once scrolled to.
LINKS = """url => [...document.querySelectorAll('a')].filter(a => a.getAttribute('href') === url).map(a => {
  const numbers = colour => (colour.match(/[\\d.]+/g) ?? [0, 0, 0, 0]).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const sheet = document.body.appendChild(document.createElement('i'));
  sheet.style.color = 'Canvas';
  let behind = numbers(getComputedStyle(sheet).color);
  sheet.remove();
  for (let e = a; e; e = e.parentElement) {
    const colour = numbers(getComputedStyle(e).backgroundColor);
    if ((colour[3] ?? 1) > 0.99) { behind = colour; break; }
  }
  const [dark, bright] = [light(numbers(getComputedStyle(a).color)), light(behind)].sort((x, y) => x - y);
  a.scrollIntoView({block: 'center'});
  const r = a.getClientRects()[0] ?? new DOMRect();
  const hit = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);
  return {
    hidden: !a.checkVisibility({opacityProperty: true, visibilityProperty: true}),
    size: Math.min(r.width, r.height, parseFloat(getComputedStyle(a).fontSize)),
    inside: r.left >= 0 && r.right <= innerWidth,
    on_top: a.contains(hit),
    contrast: (bright + 0.05) / (dark + 0.05),
    text: a.innerText.trim(),
  };
})"""


@dataclass(frozen=True)
class Shown:
    """An HTML part of a golden copy, and the part as it came (none for the notice's own part)."""

    name: str
    before: str | None
    after: str


def html_leaves(parsed: Parsed) -> list[str]:
    """The HTML parts a person reads, as text."""
    return [text_of(leaf) for leaf in parsed.walk() if is_text(leaf) and leaf.get_content_subtype() == "html"]


def shown(path: Path) -> Iterator[Shown]:
    """The HTML parts of a golden that its copy has changed or added."""
    before = html_leaves(email.message_from_bytes(path.read_bytes()))
    after = html_leaves(email.message_from_bytes(path.with_suffix(".expected").read_bytes()))
    for index, text in enumerate(after):
        came = before[index] if index < len(before) else None
        if came is None or text.strip() != came.strip():
            yield Shown(f"{path.stem}-{index}", came, text)


PAGES = [part for path in GOLDEN for part in shown(path)]
each_page = pytest.mark.parametrize("part", PAGES, ids=lambda part: part.name)
each_width = pytest.mark.parametrize("width", WIDTHS)


def refuse_network(route: Route) -> None:
    """Nothing is fetched: a page is what is in the mail."""
    if route.request.url.startswith(("data:", "about:")):
        route.continue_()
    else:
        route.abort()


@pytest.fixture(scope="module")
def screenshots() -> Path:
    """Where they are left."""
    return emptied("mail")


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """One page of one browser for all, without scripts as in mail readers."""
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"),
            executable_path=program(),
            args=FLAGS,
            java_script_enabled=False,
        )
        context.route("**/*", refuse_network)
        context.pages[0].goto(EMPTY)
        yield context.pages[0]
        context.close()


def shows(screen: Page, text: str, width: int) -> None:
    """Have the browser lay the page out at that width."""
    size: ViewportSize = {"width": width, "height": 600}
    if screen.viewport_size != size:
        screen.set_viewport_size(size)
    if "color-scheme" in screen.content():  # it would stay in force for the next page
        screen.goto(EMPTY)
    screen.set_content(text)


def is_readable(link: dict[str, Any]) -> bool:
    """Whether a person sees the link, whole and unhidden, and can read it."""
    return (
        not link["hidden"]
        and link["size"] >= 9
        and link["inside"]
        and link["on_top"]
        and link["contrast"] >= READABLE
        and bool(link["text"])
    )


@each_page
@each_width
def test_the_way_out_is_seen(
    screen: Page, screenshots: Path, notice: Notice, part: Shown, width: int
) -> None:
    """The link is visible, uncovered, readable by day and by night, and leads where it should."""
    shows(screen, part.after, width)
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        screen.emulate_media(color_scheme=scheme)
        if WIDTHS[width] == scheme:
            screen.screenshot(path=screenshots / f"{part.name}-{width}-{scheme}.png", full_page=True)
        for url in (notice.link, notice.privacy_policy_url):
            links = screen.evaluate(LINKS, url)
            assert any(map(is_readable, links)), (scheme, url, links)


SHEETS = (
    "a{text-decoration:none !important;color:#fff !important}",
    "a{display:none !important} div{visibility:hidden !important}",
    "a{font-size:0 !important;opacity:0 !important;background:#0b57d0 !important}",
    "div{display:none !important;max-height:0 !important;overflow:hidden !important}",
    "div{position:absolute !important;left:-9999px;height:0 !important;opacity:0 !important}",
    "@media (prefers-color-scheme:dark){a{color:#ffffff !important}}",
    "@media (prefers-color-scheme:dark){body,div,td{background:#000 !important;color:#eee !important}}",
)


@pytest.mark.parametrize("sheet", SHEETS)
def test_no_style_sheet_hides_the_way_out(screen: Page, notice: Notice, sheet: str) -> None:
    """What a page's style sheet says of links and blocks, even !important, leaves the notice readable."""
    page = (
        f"<html><head><style>{sheet}</style></head><body bgcolor=#000000>Brood{as_html(notice)}</body></html>"
    )
    shows(screen, page, 800)
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        screen.emulate_media(color_scheme=scheme)
        for url in (notice.link, notice.privacy_policy_url):
            links = screen.evaluate(LINKS, url)
            assert any(map(is_readable, links)), (scheme, url, links)


@pytest.mark.parametrize("part", [part for part in PAGES if part.before], ids=lambda part: part.name)
@each_width
def test_nothing_else_moves(screen: Page, notice: Notice, part: Shown, width: int) -> None:
    """Each element of the page as it came has the same box in the copy."""
    urls = [notice.link, notice.privacy_policy_url]
    boxes = []
    for text in (part.before, part.after):
        shows(screen, text or "", width)
        boxes.append(screen.evaluate(BOXES, urls))
    before, after = boxes

    last = max((index for index, it in enumerate(after) if it["notice"]), default=0)
    left = iter(enumerate(after))
    for old in before:
        assert any(in_place(old, new, follows=index > last) for index, new in left), old


def in_place(old: dict[str, Any], new: dict[str, Any], *, follows: bool) -> bool:
    """Whether this is that element, where it was.

    What the notice stands in may grow, and what comes after `</body>` comes after the notice.
    """
    if new["notice"]:
        return (old["tag"], old["y"]) == (new["tag"], new["y"])
    if follows:
        old, new = old | {"y": 0}, new | {"y": 0}
    return old == new | {"notice": old["notice"]}
