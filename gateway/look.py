"""How pages look, and how they are filled in: one style, no script, everything escaped."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from gateway.address import AddressError, parse

STYLE = files(__package__).joinpath("look.css").read_text("utf-8")


def templates(folder: Path) -> Environment:
    """The templates of a folder: escaped by construction, and nothing left undefined."""
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


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
