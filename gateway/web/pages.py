"""The public pages as functions of their data: escaped by construction, without script, one round trip."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Literal, TypeAlias
from urllib.parse import quote

from gateway import look
from gateway.law.category import Category, Controller
from gateway.law.evidence import Consent, Purchase
from gateway.law.reason import Ground
from gateway.objecting import About, Choice, Recorded
from gateway.ports import Proof
from gateway.preferring import Preferences
from gateway.texts import LANGUAGES, Texts, texts
from gateway.undoing import Offer, Undone

_TEMPLATES = look.templates(Path(__file__).parent / "templates")

# What came of the last choice: an objection on record, a text of ours by its name, or nothing was chosen.
Told: TypeAlias = Recorded | Literal["page_mailed", "choose_not_mailed", "choose_unchanged", ""]

# What is left open in a page that is made once for many.
LINK, ADDRESS, AT, UNTIL, UNDO = "\0link\0", "\0address\0", "\0at\0", "\0until\0", "\0undo\0"
_OPEN = re.compile(f"({LINK}|{ADDRESS}|{AT}|{UNTIL}|{UNDO})")
_LINK, _ADDRESS, _AT, _UNTIL, _UNDO = (mark.encode() for mark in (LINK, ADDRESS, AT, UNTIL, UNDO))
Open: TypeAlias = tuple[bytes, ...]  # such a page, in pieces

# RFC 9110 section 12.5.4: language ranges, each with a weight.
_RANGE = re.compile(r"([A-Za-z]{1,8})(?:-[A-Za-z0-9-]*)?[ \t]*(?:;[ \t]*[qQ]=([01](?:\.[0-9]{0,3})?))?")


@lru_cache(maxsize=1024)
def language(accepted: str, otherwise: str) -> str:
    """The language we have words in that an Accept-Language field likes best, else `otherwise`."""
    best, most = otherwise, 0.0
    for each in accepted[:500].split(","):
        if (found := _RANGE.fullmatch(each.strip())) and found[1].lower() in LANGUAGES:
            weight = float(found[2] or 1)
            if weight > most:
                best, most = found[1].lower(), weight
    return best


def ask(about: About, choice: Choice, spoken: str, *, to: bool) -> Open:
    """The page behind a link: who sends what, one button, and links to the other choices.

    `to` is whether it says to whom the message went. What differs from reader to reader is left open, for
    `filled` to put in.
    """
    words = texts(spoken)
    chosen = about.choice if choice == "default" else choice
    made = _page(
        "ask.html",
        words,
        spoken,
        about.controller,
        choice=chosen,
        subject=_fill("page_about", words, about),
        to=_fill("page_to", words, about, address=ADDRESS) if to else "",
        explained=_fill(f"page_about_{chosen}", words, about),
        labels=_labels(words, about),
        others=[other for other in _choices(about) if other != chosen],
        link=LINK,
        choose=_fill("page_choose", words, about),
    )
    return _pieces(made)


def filled(made: Open, link: str, address: str) -> bytes:
    """A page of `ask` for one reader: the token of the link, and the address, of which most is hidden."""
    own = {_LINK: link.encode(), _ADDRESS: escape(masked(address)).encode()}
    return b"".join([own.get(part, part) for part in made])


def _pieces(made: str) -> Open:
    return tuple(part.encode() for part in _OPEN.split(made))


def masked(address: str) -> str:
    """An address by which its owner, and nobody else, knows it."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1] if len(local) > 2 else ''}••@{domain}"


def done(about: About, kind: str, spoken: str, offer: Offer | None = None) -> Open:
    """What is now on record and since when, what else the person may want, and the way back.

    `kind` is the first word of the objection's scope. What differs from reader to reader is left open, for
    `done_for` to put in.
    """
    words = texts(spoken)
    made = _page(
        "done.html",
        words,
        spoken,
        about.controller,
        explained=_fill(f"page_done_{kind}", words, about),
        at=AT,
        labels=_labels(words, about),
        others=[other for other in _choices(about) if other not in _COVERED[kind]],
        link=LINK,
        choose=_fill("page_choose", words, about),
        undo=UNDO if offer else "",
        undone=_undo(offer, words, about) if offer else "",
        wording=offer.topic.wording if offer else "",
        again=_fill("page_button_undo", words, about),
    )
    return _pieces(made)


def done_for(made: Open, recorded: Recorded, link: str, offer: Offer | None = None) -> bytes:
    """A page of `done` for one reader: the token of the link, the time of record, and the way back."""
    own = {_LINK: link.encode(), _AT: _moment(recorded.at).encode()}
    if offer:
        own[_UNDO] = offer.token.encode()
        own[_UNTIL] = f"{offer.until:%H:%M} UTC".encode()
        own[_ADDRESS] = escape(masked(recorded.address)).encode()
    return b"".join([own.get(part, part) for part in made])


def undone(what: Undone, spoken: str) -> str:
    """A consent given anew and its words, a mail that asks for one, or why there is neither."""
    words, about = texts(spoken), what.about
    said = {
        "consented": "page_undone",
        "mailed": "page_mailed",
        "unmailed": "page_unmailed",
        "late": "page_late",
    }[what.outcome]
    return _page(
        "undone.html",
        words,
        spoken,
        about.controller,
        title=getattr(words, f"{said}_title"),
        explained=_fill(said, words, about, address=masked(what.address)),
        what=what,
        at=_moment(what.at) if what.at else "",
        stop=_fill("page_button_category", words, about),
        choose=_fill("page_choose", words, about),
    )


def preferences(shown: Preferences, told: Told, spoken: str) -> str:
    """What one gets and why, with a button for each choice; `told` is what came of the last one."""
    words, about, to = texts(spoken), shown.about, masked(shown.address)
    return _page(
        "preferences.html",
        words,
        spoken,
        about.controller,
        title=_fill("choose_title", words, about),
        told=_told(told, words, shown),
        done=isinstance(told, Recorded),
        at=_moment(told.at) if isinstance(told, Recorded) else "",
        choices=[
            (one, {name: _fill(name, words, _of(about, one.category), address=to) for name in _CHOOSING})
            for one in shown.categories
        ],
        preferences=shown,
        labels=_labels(words, about),
        why=_why(words, shown),
    )


_CHOOSING = ("page_button_category", "choose_start", "choose_start_how", "choose_elsewhere")


def _told(told: Told, words: Texts, shown: Preferences) -> str:
    """What came of a choice, in a sentence."""
    about = shown.about
    if not isinstance(told, Recorded):
        return _fill(told, words, about, address=masked(shown.address)) if told else ""
    kind, _, name = told.scope.partition(":")
    category = next((one.category for one in shown.categories if name in _names(one.category)), None)
    return _fill(f"page_done_{kind}", words, _of(about, category))


def _why(words: Texts, shown: Preferences) -> list[str]:
    """Why the mail of this link came: its ground, and of what that rested on the date and the source."""
    about, sent = shown.about, shown.sent
    if sent is None or sent.at is None:
        return [words.why_gone]
    because = {Ground.CONSENT: "because_consent", Ground.SOFT_OPT_IN: "because_customer"}
    said = ["why_message", because.get(sent.ground, "because_other")]  # type: ignore[call-overload]
    sentences = [_fill(name, words, about, time=f"{sent.at:%Y-%m-%d}") for name in said]
    for proof in shown.rests_on:
        sentences += _rests_on(words, proof, shown.address)
    return sentences


def _rests_on(words: Texts, proof: Proof, address: str) -> Iterator[str]:
    kinds = {Consent: words.why_consent, Purchase: words.why_purchase}
    if sentence := kinds.get(type(proof.fact)):
        yield sentence.format(time=f"{proof.fact.occurred_at:%Y-%m-%d}")
        if proof.source != "":
            source = _masked_in(proof.source or "", address)
            yield words.why_source.format(source=source) if source else words.why_erased


def _masked_in(text: str, address: str) -> str:
    """A text of whatever words, the address masked wherever it spells it, also as in a URL."""
    spelled = "|".join(re.escape(one) for one in (address, quote(address, safe="")))
    return re.sub(spelled, lambda _: masked(address), text, flags=re.IGNORECASE) if address else text


def _of(about: About, category: Category | None) -> About:
    return replace(about, category=category)


def _names(category: Category) -> frozenset[str]:
    return category.formerly | {category.id}


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


_LINKS = {"u", "p", "undo", "confirm"}  # where the links lead that come in a mail


def refused(status: int, path: str, spoken: str) -> str:
    """The page for a request that leads nowhere: the same for every link that does (research C10)."""
    words = texts(spoken)
    what = "refused"
    if status == 404:
        what = "not_found" if path.strip("/").partition("/")[0] in _LINKS else "nowhere"
    return _page(
        "failed.html",
        words,
        spoken,
        None,
        title=getattr(words, f"page_{what}_title"),
        text=getattr(words, f"page_{what}_text"),
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


def _undo(offer: Offer, words: Texts, about: About) -> str:
    return _fill("page_undo_mail" if offer.mails else "page_undo", words, about, time=UNTIL, address=ADDRESS)


def _fill(name: str, words: Texts, about: About, **more: str) -> str:
    text: str = getattr(words, name)
    return text.format(
        controller=_name(about.controller) or words.page_this_sender,
        category=_title(about.category) or words.page_this_mail,
        **more,
    )


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"


def _name(controller: Controller | None) -> str:
    return controller.name if controller else ""


def _title(category: Category | None) -> str:
    return category.title if category else ""


def _page(template: str, words: Texts, spoken: str, controller: Controller | None, **data: object) -> str:
    return _TEMPLATES.get_template(template).render(
        words=words, language=spoken, controller=controller, linked=look.linked, **data
    )


def shown(template: str, spoken: str, controller: Controller | None, **data: object) -> str:
    """A page of this template, in this language; of no controller, without one's footer."""
    return _page(template, texts(spoken), spoken, controller, **data)


def failed(title: str, text: str, spoken: str, controller: Controller | None) -> str:
    """A page that says what did not happen, in these words."""
    return shown("failed.html", spoken, controller, title=title, text=text, choice=None)


def not_recorded(spoken: str, controller: Controller | None, *, retry: bool) -> str:
    """Nothing was recorded, and says so; `retry`: with a button to try again."""
    words = texts(spoken)
    return shown(
        "failed.html",
        spoken,
        controller,
        title=words.page_unavailable_title,
        text=words.page_unavailable_text,
        choice="default" if retry else None,
    )
