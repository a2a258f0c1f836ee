"""An admin page from its template: escaped by construction, in English, with what this operator may use."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from aiohttp import web

from gateway import __version__, look
from gateway.ids import ref
from gateway.law.reason import Reason
from gateway.operators import Role
from gateway.web.admin.operator import Operator

# Where the header leads: path, words, and the role it takes.
PLACES: Final[tuple[tuple[str, str, Role], ...]] = (
    ("/admin", "Overview", "viewer"),
    ("/admin/withheld", "Withheld", "viewer"),
    ("/admin/campaigns", "Campaigns", "viewer"),
    ("/admin/people", "People", "officer"),
    ("/admin/configuration", "Configuration", "viewer"),
    ("/admin/operators", "Operators", "administrator"),
    ("/admin/audit", "Audit", "administrator"),
    ("/admin/account", "Account", "viewer"),
)


def sentence_of(reason: str) -> str:
    """A reason in a plain sentence; empty for one of another version."""
    return Reason(reason).sentence if reason in set(Reason) else ""


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _wait(time: timedelta) -> str:
    """How long, in the two largest units."""
    seconds = round(time.total_seconds())
    for unit, name, less, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= unit:
            return f"{seconds // unit} {name} {seconds % unit // less} {smaller}"
    return f"{seconds} s"


_TEMPLATES = look.templates(Path(__file__).parent / "templates")
_TEMPLATES.filters["when"] = _when
_TEMPLATES.filters["ref"] = ref
_TEMPLATES.filters["wait"] = _wait
_TEMPLATES.filters["sentence"] = sentence_of
_TEMPLATES.globals |= {"linked": look.linked, "version": __version__}


def shown(template: str, operator: Operator | None, *, status: int = 200, **data: object) -> web.Response:
    """The page of this template; `operator` is None for who has yet to sign in.

    A template extends admin.html, and says where it belongs by `{% set here = "/admin/..." %}`.
    """
    return web.Response(text=text_of(template, operator, **data), status=status, content_type="text/html")


def text_of(template: str, operator: Operator | None, **data: object) -> str:
    """The template filled in."""
    places = [(path, words) for path, words, who in PLACES if operator and operator.may(who)]
    return _TEMPLATES.get_template(template).render(operator=operator, places=places, **data)


def moved(path: str) -> web.Response:
    """Go on there, with a GET (RFC 9110 section 15.4.4); `path` is one of ours."""
    return web.Response(status=303, headers={"Location": path})


def failed(operator: Operator | None, status: int, title: str, text: str) -> web.Response:
    """The page for what cannot be done."""
    return shown("failed.html", operator, status=status, title=title, text=text)
