"""Commands that keep running: serve, demo."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.commands.terminal import ConfigFile, configuration, fail


def serve(config: ConfigFile = None) -> None:
    """Serve SMTP and HTTP until SIGTERM; open transactions finish."""
    from gateway import app  # here, since no other command needs the edges

    loaded = configuration(config)
    try:
        code = app.serve(loaded)
    except app.AlreadyServingError as error:
        fail(str(error))
    raise typer.Exit(code)


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End by itself, with status 0 if all went well.")
    ] = False,
) -> None:
    """Show the main job on real mail, with a catch-all mail server beside it."""
    from gateway.demo import main  # here, since no other command needs it

    raise typer.Exit(main(once=once))
