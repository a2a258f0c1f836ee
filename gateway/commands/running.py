"""Commands that keep running: serve, demo."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from gateway.commands.terminal import ConfigFile, configuration, fail
from gateway.config import find, load


def serve(config: ConfigFile = None) -> None:
    """Serve SMTP and HTTP until SIGTERM, when open transactions finish; SIGHUP reads everything anew."""
    from gateway.app import AlreadyServingError  # here, since no other command needs the edges
    from gateway.workers.supervisor import serve

    loaded, path = configuration(config), find(config, os.environ)
    try:
        code = serve(loaded, lambda: load(path, os.environ))
    except AlreadyServingError as error:
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
