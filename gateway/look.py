"""How pages look, and how they are filled in: one style, no script, everything escaped."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from gateway.address import AddressError, parse


def _packed(name: str) -> str:
    """A style sheet of ours without its comments, which no reader of a page needs."""
    sheet = files(__package__).joinpath(name).read_text("utf-8")
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)).strip()


STYLE = _packed("look.css")
WIDE_STYLE = f"{STYLE}\n{_packed('wide.css')}"  # of the operator's pages and the dossier


def source(style: str) -> str:
    """A policy's name for a style sheet that stands in the page (CSP level 3, hash-source)."""
    return f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'"


def templates(folder: Path) -> Environment:
    """The templates of a folder: escaped by construction, and nothing left undefined."""
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals |= {"style": Markup(STYLE), "wide_style": Markup(WIDE_STYLE)}  # noqa: S704 -- our own files
    return made


def linked(text: str) -> Markup:
    """A contact as people can use it: a mailbox or a web address becomes a link, anything else stays text."""
    target = text if text.startswith(("https://", "http://")) else _mailto(text)
    if not target:
        return escape(text)
    return Markup('<a href="{}">{}</a>').format(target, text)


def _mailto(text: str) -> str:
    try:
        return f"mailto:{quote(parse(text).wire, safe='@')}"
    except AddressError:
        return ""
