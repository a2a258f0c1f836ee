"""What the commands share: exit codes, options, printing, and what a failure looks like.

Results go to standard output, all else to standard error. What comes from outside is printed without
anything a terminal would obey.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeAlias

import typer
from rich.console import Console
from rich.table import Table

from gateway.cells import guarded as guarded  # beside the other ways to print
from gateway.config import Config, ConfigError, Fault, find, load

DONE, NO, WRONG, DOWN = 0, 1, 2, 3  # contract section 2
INTERRUPTED = 130  # as shells say it of SIGINT

ConfigFile: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config", help="The configuration; else $SENDRIGHT_CONFIG, ./config/gateway.toml, /etc/sendright."
    ),
]
AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


class Format(StrEnum):
    """How a list is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def configuration(option: Path | None, *, as_json: bool = False) -> Config:
    """The configuration, or the end of the command with every fault named."""
    path = find(option, os.environ)
    try:
        return load(path, os.environ)
    except ConfigError as error:
        tell_faults(error.faults, as_json=as_json, result=as_json)
        raise typer.Exit(WRONG) from None


def tell_faults(faults: Sequence[Fault], *, as_json: bool, result: bool) -> None:
    """Print faults as a table or as JSON; as the `result` of the command or as the reason why it has none."""
    if as_json:
        tell_json({"faults": [{name: str(value) for name, value in _parts(fault)} for fault in faults]})
        return
    table = Table("file", "key", "what is wrong", "what would be right", show_lines=True)
    for fault in faults:
        table.add_row(*(printable(str(value)) for _, value in _parts(fault)))
    Console(stderr=not result, markup=False, width=None if sys.stdout.isatty() else 160).print(table)


def _parts(fault: Fault) -> list[tuple[str, Any]]:
    return [(name, getattr(fault, name)) for name in ("file", "key", "fault", "mend")]


def tell(text: str) -> None:
    """Print a line of the result."""
    typer.echo(text)


def tell_json(value: object) -> None:
    """Print the result as one line of JSON."""
    typer.echo(json.dumps(value))


def remark(text: str) -> None:
    """Print what is no result on standard error."""
    typer.echo(printable(text), err=True)


def fail(text: str, code: int = WRONG) -> NoReturn:
    """End the command: one plain sentence on standard error, and the exit code."""
    remark(f"sendright: {text}")
    raise typer.Exit(code)


def printable(text: str) -> str:
    """Text without anything a terminal would obey, or turn around."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)
