"""The command line: which commands there are, and what a user sees when one fails (contract section 2)."""

from __future__ import annotations

import os
import sqlite3
import sys
import traceback
from typing import Any

import structlog
import typer
from typer.core import TyperGroup

from gateway.commands import (
    asking,
    campaign,
    dossier,
    ending,
    operators,
    proving,
    recording,
    running,
    setting_up,
    signing,
)
from gateway.commands.terminal import DONE, DOWN, INTERRUPTED, WRONG, fail
from gateway.keys import KeysError
from gateway.opening import NoStoreError, OpeningError
from gateway.ports import StoreUnavailableError
from gateway.store.database import KeysMismatchError, SchemaError

_ERRORS = 40  # the level from which on libraries and rooms are heard; serve and demo set their own

# What a user can mend comes first; everything else means that a part is down.
_EXITS: tuple[tuple[type[Exception], int], ...] = (
    (NoStoreError, DOWN),
    (OpeningError, WRONG),
    (KeysError, WRONG),
    (KeysMismatchError, WRONG),
    (SchemaError, WRONG),
    (StoreUnavailableError, DOWN),
    (sqlite3.Error, DOWN),
    (OSError, DOWN),
)


class Commands(TyperGroup):
    """Ends every failure with one plain sentence and an exit code, never with a traceback."""

    def invoke(self, ctx: Any) -> Any:  # typer does not export the context that its own groups are given
        """Run the command."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # the reader of our output has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(DONE) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except (typer.Exit, typer.Abort, typer.TyperException):
            raise
        except Exception as error:
            _end(error)


def _end(error: Exception) -> None:
    for kind, code in _EXITS:
        if isinstance(error, kind):
            fail(str(error) or type(error).__name__, code)
    place = traceback.extract_tb(error.__traceback__)[-1]
    fail(f"unexpected fault: {type(error).__name__} in {place.name}, line {place.lineno}: {error}", DOWN)


app = typer.Typer(
    name="sendright",
    cls=Commands,
    help="An SMTP gateway that lets marketing mail through only where the law allows it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _quietly() -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(_ERRORS),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # results alone go to standard output
        cache_logger_on_first_use=False,
    )


app.command()(running.serve)
app.command("check-config")(setting_up.check_config)
app.command()(setting_up.secret)
app.add_typer(operators.operator, name="operator")
app.add_typer(signing.dkim, name="dkim")
app.command("import")(recording.import_)
app.command("decide")(asking.decide_)
app.command("precheck")(campaign.precheck_)
app.command("object")(recording.object_)
app.command("dossier")(dossier.dossier_)
app.command()(asking.log)
app.command()(proving.verify)
app.command()(ending.erase)
app.add_typer(ending.retention, name="retention")
app.add_typer(setting_up.store, name="db")
app.command()(running.demo)


def main() -> None:
    """The `sendright` program."""
    app()
