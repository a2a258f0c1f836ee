"""The public pages as functions of their data: escaped by construction, without script, one round trip."""

from __future__ import annotations

import re
from pathlib import Path

from gateway import look
from gateway.law.category import Category, Controller
from gateway.objecting import About, Choice, Recorded
from gateway.texts import LANGUAGES, Texts, texts

_TEMPLATES = look.templates(Path(__file__).parent / "templates")

# RFC 9110 section 12.5.4: language ranges, each with a weight.
_RANGE = re.compile(r"([A-Za-z]{1,8})(?:-[A-Za-z0-9-]*)?[ \t]*(?:;[ \t]*[qQ]=([01](?:\.[0-9]{0,3})?))?")


def language(accepted: str, otherwise: str) -> str:
    """The language we have words in that an Accept-Language field likes best, else `otherwise`."""
    best, most = otherwise, 0.0
    for each in accepted[:500].split(","):
        if (found := _RANGE.fullmatch(each.strip())) and found[1].lower() in LANGUAGES:
            weight = float(found[2] or 1)
            if weight > most:
                best, most = found[1].lower(), weight
    return best


def ask(about: About, choice: Choice, spoken: str) -> str:
    """The page behind a link: who sends what, one button, and links to the other choices."""
    words = texts(spoken)
    chosen = about.choice if choice == "default" else choice
    return _page(
        "ask.html",
        words,
        spoken,
        about.controller,
        choice=chosen,
        subject=_fill("page_about", words, about),
        explained=_fill(f"page_about_{chosen}", words, about),
        labels=_labels(words, about),
        others=[other for other in _choices(about) if other != chosen],
    )


def done(about: About, recorded: Recorded, spoken: str) -> str:
    """What is now on record and since when, and what else the person may want."""
    words = texts(spoken)
    kind = recorded.scope.partition(":")[0]
    return _page(
        "done.html",
        words,
        spoken,
        about.controller,
        explained=_fill(f"page_done_{kind}", words, about),
        at=recorded.at,
        labels=_labels(words, about),
        others=[other for other in _choices(about) if other not in _COVERED[kind]],
    )


def unavailable(about: About | None, choice: Choice | None, spoken: str) -> str:
    """Nothing was recorded, and says so; with a `choice`, a button to try again."""
    words = texts(spoken)
    return _page(
        "failed.html",
        words,
        spoken,
        about.controller if about else None,
        title=words.page_unavailable_title,
        text=words.page_unavailable_text,
        choice=choice,
    )


def refused(status: int, spoken: str) -> str:
    """The page for a request that leads nowhere: the same for every such request (research C10)."""
    words = texts(spoken)
    known = status == 404
    return _page(
        "failed.html",
        words,
        spoken,
        None,
        title=words.page_not_found_title if known else words.page_refused_title,
        text=words.page_not_found_text if known else words.page_refused_text,
        choice=None,
    )


# What each objection leaves nothing to add to.
_COVERED = {
    "category": {"category"},
    "marketing": {"category", "marketing"},
    "profiling": {"profiling"},
}


def _choices(about: About) -> list[str]:
    """What a link offers: a removed category has no name to choose by; profiling where it is done (L19)."""
    profiled = about.category is not None and about.category.profiled
    offered = {"marketing": True, "category": about.category is not None, "profiling": profiled}
    return [choice for choice, there in offered.items() if there]


def _labels(words: Texts, about: About) -> dict[str, str]:
    return {choice: _fill(f"page_button_{choice}", words, about) for choice in _COVERED}


def _fill(name: str, words: Texts, about: About) -> str:
    text: str = getattr(words, name)
    return text.format(
        controller=_name(about.controller) or words.page_this_sender,
        category=_title(about.category) or words.page_this_mail,
    )


def _name(controller: Controller | None) -> str:
    return controller.name if controller else ""


def _title(category: Category | None) -> str:
    return category.title if category else ""


def _page(template: str, words: Texts, spoken: str, controller: Controller | None, **data: object) -> str:
    return _TEMPLATES.get_template(template).render(
        words=words, language=spoken, controller=controller, linked=look.linked, **data
    )
