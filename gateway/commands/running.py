"""Commands that keep running: serve, demo."""

from __future__ import annotations

from typing import Annotated

import typer

from gateway.commands.terminal import ConfigFile, configuration


def serve(config: ConfigFile = None) -> None:
    """Serve SMTP and HTTP until SIGTERM; open transactions finish."""
    from gateway.app import serve as serve_until_told  # here, since no other command needs the edges

    raise typer.Exit(serve_until_told(configuration(config)))


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End by itself, with status 0 if all went well.")
    ] = False,
) -> None:
    """Show the main job on real mail, with a catch-all mail server beside it."""
    from gateway.demo import main  # here, since no other command needs it

    raise typer.Exit(main(once=once))
