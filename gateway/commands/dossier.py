"""The command for a person's right of access: dossier (GDPR 15, 20)."""

from __future__ import annotations

import asyncio
import json
from enum import StrEnum
from typing import Annotated

import typer

from gateway.address import Mailbox
from gateway.commands.recording import ControllerId, known_controller, mailbox_of
from gateway.commands.terminal import AsJson, ConfigFile, configuration, remark, tell
from gateway.config import Config
from gateway.dossier import Dossier, document, dossier, page
from gateway.opening import rooms


class Form(StrEnum):
    """How a dossier is printed."""

    JSON = "json"
    HTML = "html"


def dossier_(
    address: Annotated[str, typer.Argument(help="Whose dossier.")],
    controller: ControllerId = None,
    form: Annotated[Form, typer.Option("--format", help="As data, or as a page to read.")] = Form.JSON,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Print all that is held on a person, and every decision made about them.

    Without --controller it has a section for each. A person of whom nothing is held has a dossier too, which
    says so (GDPR 15(1)).
    """
    loaded = configuration(config, as_json=as_json)
    mailbox = mailbox_of(address)
    asked = [known_controller(loaded, controller)] if controller else list(loaded.controllers)
    made, seal_key = asyncio.run(_dossier(loaded, asked, mailbox))
    if form is Form.JSON or as_json:
        tell(json.dumps(document(made, seal_key), indent=2))  # ASCII: nothing that a terminal would obey
    else:
        tell(page(made))
    if made.is_empty:
        remark("nothing is held on this person")


async def _dossier(config: Config, controllers: list[str], mailbox: Mailbox) -> tuple[Dossier, bytes]:
    """The dossier, and the key to sign it with."""
    async with rooms(config) as place:
        return await dossier(place, controllers, mailbox), place.keys.seed("seal")
