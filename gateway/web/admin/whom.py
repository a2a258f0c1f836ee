"""Whom an officer's page is about: an address, and one controller or all.

Rule of this file: that is said in a form's body and nowhere else. No address stands in a URL, in a browser's
history, in a proxy's log or in a title, and nothing sealed does either: what the keys can open would outlive
an erasure. So each page carries both on in hidden fields, and every page about a person is asked for by POST.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from gateway.address import AddressError, Mailbox, parse
from gateway.config import Config
from gateway.keys import Keys
from gateway.web.admin.form import form_of

ALL = ""  # what a form says for every controller


@dataclass(frozen=True, slots=True)
class Whom:
    """A mailbox, and the ids of the controllers asked about; `chosen` is one of them, or ALL."""

    mailbox: Mailbox
    controllers: tuple[str, ...]
    chosen: str

    def person(self, keys: Keys, controller: str) -> bytes:
        """The keyed hash under which a controller has them on record."""
        return keys.hash(controller, self.mailbox.comparable)

    def own(self, form: Mapping[str, str]) -> str:
        """The one controller that part of a page is about. Raises HTTPBadRequest for none of those asked."""
        named = form.get("of", "")
        if named not in self.controllers:
            raise web.HTTPBadRequest
        return named


def whom_of(form: Mapping[str, str], config: Config) -> Whom:
    """Whom a form is about. Raises AddressError, and HTTPBadRequest for a controller nobody configured."""
    chosen = form.get("controller", ALL)
    if chosen != ALL and chosen not in config.controllers:
        raise web.HTTPBadRequest
    mailbox = parse(form.get("address", "").strip())
    return Whom(mailbox, (chosen,) if chosen else tuple(config.controllers), chosen)


async def carried(request: web.Request, config: Config) -> tuple[Mapping[str, str], Whom]:
    """A form that an earlier page has filled in, and whom it is about. Raises HTTPBadRequest for another."""
    form = await form_of(request)
    try:
        return form, whom_of(form, config)
    except AddressError:
        raise web.HTTPBadRequest from None
