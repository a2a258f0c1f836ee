"""From a file and the environment to a Config, or to every fault of them at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from gateway.config import fit
from gateway.config.environment import CONFIG, overlay
from gateway.config.faults import ConfigError, Fault
from gateway.config.schema import RETENTION_CLASSES, SECTIONS, TABLES, Retention, Section
from gateway.config.whole import Config, settled

PLACES = (Path("config/gateway.toml"), Path("/etc/sendright/gateway.toml"))
NAMED_BY = ("id", "name", "domain")  # the key by which a fault names a table

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
    reader = _Reader(str(path))
    data = reader.data(path)
    reader.faults += overlay(data, environ)
    parts = reader.parts(data)
    config = settled(Config(folder=path.absolute().parent, **parts))
    reader.faults += [Fault(reader.file, *fault) for fault in fit.faults(config, reader.broken)]
    if reader.faults:
        raise ConfigError(reader.faults)
    return config


def warnings(config: Config) -> tuple[Fault, ...]:
    """What is no fault but worth saying."""
    return tuple(Fault("configuration", *warning) for warning in fit.warnings(config))


class _Reader:
    """Reads one file's sections and collects what is wrong with them."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self.broken: set[str] = set()  # sections and tables with a fault of their own, as fit.faults needs

    def data(self, path: Path) -> dict[str, Any]:
        """What the file says. Raises ConfigError when it cannot be read at all."""
        try:
            return tomllib.loads(path.read_text("utf-8-sig"))
        except OSError as error:
            raise ConfigError(
                [Fault(self.file, "", f"cannot be read: {error.strerror}", "name a file with --config")]
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError([Fault(self.file, "", f"is not TOML: {error}", "mend that line")]) from error

    def parts(self, data: dict[str, Any]) -> dict[str, Any]:
        """Every section and table, those with faults left out or at their defaults."""
        known = {*SECTIONS, *TABLES, "retention"}
        for name in data.keys() - known:
            self._fault(name, "there is no such section", f"one of {', '.join(sorted(known))}")
        parts: dict[str, Any] = {name: self._section(name, model, data) for name, model in SECTIONS.items()}
        parts |= {name: self._tables(name, model, data.get(name, [])) for name, model in TABLES.items()}
        parts["retention"] = self._retention(data.get("retention", {}))
        return parts

    def _section(self, name: str, model: type[S], data: dict[str, Any]) -> S:
        """One section; its defaults stand in for one with faults, so that the rest can be looked at."""
        return self._validated(name, model, data.get(name, {})) or model.model_construct()

    def _tables(self, name: str, model: type[S], tables: object) -> tuple[S, ...]:
        if not isinstance(tables, list):
            self.broken.add(name)
            self._fault(name, "must be a list of tables", f"write [[{name}]] above each")
            return ()
        read = [
            self._validated(_label(name, number, table), model, table)
            for number, table in enumerate(tables, 1)
        ]
        if None in read:
            self.broken.add(name)
        return tuple(one for one in read if one is not None)

    def _retention(self, tables: object) -> dict[str, Retention]:
        if not isinstance(tables, dict):
            self._fault("retention", "must hold tables", "write [retention.consent]")
            return {}
        read = {}
        for name, table in tables.items():
            if name not in RETENTION_CLASSES:
                self._fault(
                    f"retention.{name}", "is no class of data", f"one of {', '.join(RETENTION_CLASSES)}"
                )
            elif (one := self._validated(f"retention.{name}", Retention, table)) is not None:
                read[name] = one
        return read

    def _validated(self, where: str, model: type[S], table: object) -> S | None:
        try:
            return model.model_validate(table)
        except ValidationError as error:
            for one in error.errors(include_url=False, include_input=False, include_context=False):
                key = ".".join([where, *(str(part) for part in one["loc"][:1])])
                self._fault(key, *_in_words(one["type"], one["msg"], model))
            self.broken.add(where)
            return None

    def _fault(self, key: str, fault: str, mend: str) -> None:
        self.faults.append(Fault(self.file, key, fault, mend))


def _label(name: str, number: int, table: object) -> str:
    """A table by its id or name, else by its place."""
    if isinstance(table, dict):
        for key in NAMED_BY:
            if isinstance(table.get(key), str):
                return f"{name}[{table[key]}]"
    return f"{name}[{number}]"


def _in_words(kind: str, message: str, model: type[Section]) -> tuple[str, str]:
    """What pydantic found, and what would be right."""
    if kind == "extra_forbidden":
        return "there is no such key", f"one of {', '.join(model.model_fields)}"
    if kind == "missing":
        return "is missing", "config/gateway.toml says what it is"
    if kind == "value_error":
        return "is not right", message.removeprefix("Value error, ")
    return "is not right", message[:1].lower() + message[1:]
