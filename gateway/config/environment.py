"""Keys set by environment: SENDRIGHT_SECTION__KEY, and a secret also as SENDRIGHT_SECTION__KEY_FILE.

SENDRIGHT_RETENTION__CLASS__KEY sets a term. A key of the only [[login]] is SENDRIGHT_LOGIN__KEY; of
several, SENDRIGHT_LOGIN__NAME__KEY names one, with "_" for what is no letter or digit.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.config.faults import Fault, label
from gateway.config.schema import RETENTION_CLASSES, SECTIONS, TABLES, Retention, Section

PREFIX = "SENDRIGHT_"
CONFIG = "SENDRIGHT_CONFIG"  # names the file, not a key
SECRETS = {("smarthost", "password")}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a variable's value goes: the table, what faults call it, and its model."""

    table: dict[str, Any]
    where: str
    model: type[Section]


class _UnsettableError(Exception):
    """A variable that sets nothing: what is wrong, and what would be right."""


def overlay(
    data: dict[str, Any], environ: Mapping[str, str], folder: Path
) -> tuple[dict[str, str], list[Fault]]:
    """Set in `data` what the environment says: the variable behind each key set, and the faults of that."""
    behind: dict[str, str] = {}
    faults = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and name != CONFIG:
            try:
                key = _set(data, name, environ[name], folder)
            except _UnsettableError as error:
                faults.append(Fault("environment", name, *error.args))
                continue
            if key in behind:
                faults.append(Fault("environment", name, f"{behind[key]} sets the same key", "one of them"))
            behind[key] = name
    return behind, faults


def _set(data: dict[str, Any], name: str, value: str, folder: Path) -> str:
    """The key set, as faults call it. Raises _UnsettableError."""
    section, *rest = name.removeprefix(PREFIX).lower().split("__")
    *between, key = rest or [""]
    place = _place(data, section, between)
    if key.endswith("_file") and (section, key.removesuffix("_file")) in SECRETS:
        key, value = key.removesuffix("_file"), _secret(folder / value)
    if key not in place.model.model_fields:
        raise _UnsettableError(
            f"[{section}] has no key {key!r}", f"one of {', '.join(place.model.model_fields)}"
        )
    place.table[key] = _value(place.model, key, value)
    return f"{place.where}.{key}"


def _place(data: dict[str, Any], section: str, between: list[str]) -> _Place:
    if section in SECTIONS and not between:
        return _Place(_table(data, section), section, SECTIONS[section])
    if section in TABLES and len(between) < 2:
        return _of_several(data, section, between)
    if section == "retention" and len(between) == 1 and between[0] in RETENTION_CLASSES:
        terms = _table(data, section)
        return _Place(_table(terms, between[0]), f"retention.{between[0]}", Retention)
    raise _UnsettableError(
        f"there is no section [{'.'.join([section, *between])}] to set",
        f"SENDRIGHT_SECTION__KEY, a section being one of {', '.join([*SECTIONS, *TABLES, 'retention'])}",
    )


def _table(data: dict[str, Any], name: str) -> dict[str, Any]:
    """A table of the file, or a new one; one that is none is told of elsewhere."""
    table = data.setdefault(name, {})
    return table if isinstance(table, dict) else {}


def _of_several(data: dict[str, Any], section: str, between: list[str]) -> _Place:
    tables = data.get(section, [])
    read = enumerate(tables if isinstance(tables, list) else [], 1)
    named = [(label(number, table), table) for number, table in read if isinstance(table, dict)]
    meant = [one for one in named if not between or _spelt(one[0]) == between[0]]
    if len(meant) != 1:
        names = ", ".join(name for name, _ in named) or "add one to the file"
        raise _UnsettableError(
            f"names {'none' if not meant else 'more than one'} of [[{section}]]",
            f"SENDRIGHT_{section.upper()}__NAME__KEY, a name being one of: {names}",
        )
    ((name, table),) = meant
    return _Place(table, f"{section}[{name}]", TABLES[section])


def _spelt(name: str) -> str:
    """A name as a variable can spell it."""
    return re.sub(r"[^a-z0-9]", "_", name.lower())


def _secret(path: Path) -> str:
    try:
        return path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise _UnsettableError(f"the file cannot be read: {error}", "a readable file") from None


def _value(model: type[Section], key: str, text: str) -> object:
    """A list as TOML writes it or with commas; other text is read by its key's type."""
    if not re.search(r"tuple\[|frozenset\[", str(model.model_fields[key].annotation)):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"] if text.startswith("[") else _split(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return _split(text)  # "[::1]:25" is no list


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
