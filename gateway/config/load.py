"""From a file and the environment to a Config, or to every fault of them at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from gateway.config import caution, fit, wiring
from gateway.config.environment import CONFIG, overlay
from gateway.config.faults import NAMED_BY, ConfigError, Fault, label
from gateway.config.schema import RETENTION_CLASSES, SECTIONS, TABLES, Retention, Section
from gateway.config.whole import Config, settled

PLACES = (Path("config/gateway.toml"), Path("/etc/sendright/gateway.toml"))
UNSHOWN = {"password", "secret_hash", "url"}  # a fault does not repeat what may be a secret
STAND_IN = {"from_domains": frozenset[str](), "private_key_file": Path()}  # for a required key; else ""

S = TypeVar("S", bound=Section)


def find(option: Path | None, environ: Mapping[str, str]) -> Path:
    """The file to use: --config, else $SENDRIGHT_CONFIG, else the first of PLACES that is there."""
    if option:
        return option
    if environ.get(CONFIG):
        return Path(environ[CONFIG])
    return next((place for place in PLACES if place.exists()), PLACES[0])


def load(path: Path, environ: Mapping[str, str]) -> Config:
    """The configuration. Raises ConfigError with every fault."""
    folder = path.absolute().parent
    reader = _Reader(str(path))
    data = reader.data(path)
    behind, faults = overlay(data, environ, folder)
    config = settled(Config(folder=folder, **reader.parts(data)))
    unfit = [*fit.faults(config, reader.broken), *wiring.faults(config, reader.broken)]
    reader.faults += [Fault(reader.file, *found) for found in unfit if found[0] not in reader.broken]
    for one in reader.faults:  # told where it is to be mended
        faults.append(replace(one, file="environment", key=behind[one.key]) if one.key in behind else one)
    if faults:
        raise ConfigError(dict.fromkeys(faults))  # a list may hold the same fault twice
    return config


def warnings(config: Config) -> tuple[Fault, ...]:
    """What is no fault but worth saying."""
    return tuple(Fault("configuration", *warning) for warning in caution.warnings(config))


class _Reader:
    """Reads one file's sections and collects what is wrong with them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.broken: set[str] = set()  # keys with a fault of their own; tables of which one could not be read

    def data(self, path: Path) -> dict[str, Any]:
        """What the file says. Raises ConfigError when it cannot be read at all."""
        try:
            return tomllib.loads(path.read_text("utf-8-sig"))
        except OSError as error:
            raise ConfigError(
                [Fault(self.file, "", f"cannot be read: {error.strerror}", "name a file with --config")]
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ConfigError([Fault(self.file, "", f"is not TOML: {error}", "mend that line")]) from error

    def parts(self, data: dict[str, Any]) -> dict[str, Any]:
        """Every section and table; a key with a fault is at its default, so that the rest is looked at."""
        known = {*SECTIONS, *TABLES, "retention"}
        for name in data.keys() - known:
            self._fault(name, "there is no such section", f"one of {', '.join(sorted(known))}")
        parts: dict[str, Any] = {
            name: self._read(name, model, data.get(name, {})) for name, model in SECTIONS.items()
        }
        parts |= {name: self._tables(name, model, data.get(name, [])) for name, model in TABLES.items()}
        parts["retention"] = self._retention(data.get("retention", {}))
        return parts

    def _tables(self, name: str, model: type[S], tables: object) -> tuple[S, ...]:
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self.broken.add(name)
            self._fault(name, "must be a list of tables", f"write [[{name}]] above each")
            return ()
        called = [label(number, table) for number, table in enumerate(tables, 1)]
        return tuple(
            self._read(f"{name}[{own}]", model, table, own) for own, table in zip(called, tables, strict=True)
        )

    def _retention(self, tables: object) -> dict[str, Retention]:
        if not isinstance(tables, dict):
            self._fault("retention", "must hold tables", "write [retention.consent]")
            return {}
        for name in tables.keys() - set(RETENTION_CLASSES):
            self._fault(f"retention.{name}", "is no class of data", f"one of {', '.join(RETENTION_CLASSES)}")
        return {
            name: self._read(f"retention.{name}", Retention, tables[name])
            for name in RETENTION_CLASSES
            if name in tables
        }

    def _read(self, where: str, model: type[S], table: object, called: str = "") -> S:
        """One table; what is wrong with it becomes faults."""
        if not isinstance(table, dict):
            self._fault(where, "must be a table", f"write [{where}] above its keys")
            table = {}
            self.broken |= {f"{where}.{key}" for key in model.model_fields}
            return _salvaged(model, table, called)
        try:
            return model.model_validate(table)
        except ValidationError as error:
            wrong = set()
            for one in error.errors(include_url=False, include_context=False):
                key = str(one["loc"][0])
                wrong.add(key)
                self._fault(f"{where}.{key}", *_in_words(one, key, model))
        self.broken |= {f"{where}.{key}" for key in wrong}
        return _salvaged(model, {key: table[key] for key in table.keys() - wrong}, called)

    def _fault(self, key: str, fault: str, mend: str) -> None:
        self.faults.append(Fault(self.file, key, fault, mend))


def _salvaged(model: type[S], sound: dict[str, Any], called: str) -> S:
    """A table from its sound keys alone, so that how these fit with others is told at once too."""
    values: dict[str, Any] = {}
    for key, about in model.model_fields.items():
        if key in sound:
            values[key] = TypeAdapter(about.rebuild_annotation()).validate_python(sound[key])
        elif about.is_required():
            values[key] = called if key in NAMED_BY and called else STAND_IN.get(key, "")
    return model.model_construct(**values)


def _in_words(error: ErrorDetails, key: str, model: type[Section]) -> tuple[str, str]:
    """What pydantic found, and what would be right."""
    if error["type"] == "extra_forbidden":
        near = get_close_matches(key, model.model_fields, 1)
        return "there is no such key", f"one of {', '.join(near or model.model_fields)}"
    if error["type"] == "missing":
        return "is missing", "config/gateway.toml says what it is"
    if error["type"].endswith("too_short"):
        return "is empty", "at least one, not blank"
    right = error["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    shown = "" if key in UNSHOWN else f": {str(error['input'])[:60]!r}"
    return f"is not right{shown}", right[:1].lower() + right[1:]
