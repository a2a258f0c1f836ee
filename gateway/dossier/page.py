"""A dossier as one page of HTML that anybody can read and print: no script, nothing from elsewhere.

Rules of this file:

1. All text is escaped by construction, and the page's own policy lets nothing run or load.
2. No block begins with text from outside: a label of ours does, so that a spreadsheet which opens the page
   takes nothing for a formula.
3. Each controller's section is in that controller's language; what the law calls a thing is in English.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from markupsafe import Markup

from gateway import look
from gateway.dossier.consents import lacks
from gateway.dossier.gathering import Answer, Dossier, Section, article_of
from gateway.dossier.records import DecisionRecord, EvidenceRecord
from gateway.dossier.words import facts_of, sentence_of
from gateway.ids import ref
from gateway.law.decision import Send
from gateway.texts import texts

_TEMPLATES = look.templates(Path(__file__).parent / "templates")
_TEMPLATES.globals["style_source"] = look.source(look.WIDE_STYLE)


def page(made: Dossier) -> str:
    """The page: a section for each controller."""
    languages = {section.language for section in made.sections}
    language = languages.pop() if len(languages) == 1 else "en"
    return _TEMPLATES.get_template("dossier.html").render(dossier=made, language=language)


def sections(made: Dossier) -> list[Markup]:
    """The same sections without a page around them, for a page of another look."""
    template = _TEMPLATES.get_template("section.html")
    return [
        Markup(template.render(dossier=made, section=section))  # noqa: S704 -- escaped by construction
        for section in made.sections
    ]


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _code(section: Section) -> str:
    return section.person.hex()


def _pairs(said: Mapping[str, object] | None) -> Iterator[tuple[str, str]]:
    """Names and values as text, without those that say nothing."""
    for name, value in (said or {}).items():
        if value not in (None, "", [], {}):
            yield name, _until(value) if name == "until" and isinstance(value, int) else _said(value)


def _until(microseconds: int) -> str:
    """When a legal term on what an erasure kept ends (store/acts.py)."""
    return _time(datetime.fromtimestamp(microseconds // 1_000_000, UTC))


def _said(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {one}" for name, one in _pairs(value))
    if isinstance(value, list | tuple):
        return "; ".join(map(_said, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _evidence(one: EvidenceRecord, section: Section, now: datetime) -> Iterator[tuple[str, str]]:
    """The facts of a row and its proof; where both have a name, the proof says more. Then what lacks (L2)."""
    yield from _pairs({"id": one.fact.id} | facts_of(one.fact) | dict(one.stored.details or {}))
    yield from _pairs({"does not count": lacks(section, one.fact, now)})


def _decision(one: DecisionRecord) -> Iterator[tuple[str, str]]:
    """What a decision was about, then its copy's details."""
    about = {"ref": ref(one.submission), "login": one.login, "category_asked": one.category_asked}
    yield from _pairs(about | {"customer": one.customer, "evidence": list(one.evidence)})
    yield from _pairs(one.stored.details)
    if one.fate:
        yield from _pairs(
            {"code": one.fate.code or None, "enhanced": one.fate.enhanced, "text": one.fate.text}
        )


def _why(one: DecisionRecord, section: Section) -> tuple[str, str, str]:
    """The code, the sentence and the article."""
    return one.ground or one.reason or "", sentence_of(one) or "", article_of(one, section.held) or ""


def _answer(one: Answer) -> tuple[str, str, str]:
    """The same of what would be decided now."""
    decision = one.decision
    outcome = decision.ground if isinstance(decision, Send) else decision.reason
    return outcome.value, outcome.sentence, decision.article


_TEMPLATES.globals.update(
    words_of=lambda section: texts(section.language),
    time=_time,
    linked=look.linked,
    code=_code,
    evidence_pairs=_evidence,
    decision_pairs=_decision,
    pairs=_pairs,
    why=_why,
    answer_why=_answer,
)
