"""Keys set by environment: SENDRIGHT_SECTION__KEY, and a secret also as SENDRIGHT_SECTION__KEY_FILE."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.config.faults import Fault
from gateway.config.schema import SECTIONS, Section

PREFIX = "SENDRIGHT_"
CONFIG = "SENDRIGHT_CONFIG"  # names the file, not a key
SECRETS = {("smarthost", "password")}


def overlay(data: dict[str, Any], environ: Mapping[str, str]) -> list[Fault]:
    """Set in `data` what the environment says; the faults of that."""
    faults = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and name != CONFIG:
            fault = _set(data, name, environ[name])
            if fault:
                faults.append(Fault("environment", name, *fault))
    return faults


def _set(data: dict[str, Any], name: str, value: str) -> tuple[str, str] | None:
    section, _, key = name.removeprefix(PREFIX).lower().partition("__")
    model = SECTIONS.get(section)
    if model is None:
        return f"there is no section [{section}] to set", f"one of {', '.join(SECTIONS)}"
    if key.endswith("_file") and (section, key.removesuffix("_file")) in SECRETS:
        try:
            key, value = key.removesuffix("_file"), Path(value).read_text("utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            return f"the file cannot be read: {error}", "a readable file with the secret"
    if key not in model.model_fields:
        return f"[{section}] has no key {key!r}", f"one of {', '.join(model.model_fields)}"
    table = data.setdefault(section, {})
    if isinstance(table, dict):
        table[key] = _value(model, key, value)
    return None


def _value(model: type[Section], key: str, text: str) -> object:
    """A list as TOML writes it or with commas, a number or a boolean as TOML does, else the text itself."""
    annotation = str(model.model_fields[key].annotation)
    if text.startswith("["):
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return text  # "[::1]:25" is no list
    if "tuple[" in annotation:
        return [part.strip() for part in text.split(",") if part.strip()]
    if text in ("true", "false"):
        return text == "true"
    return text
