"""What the public forms share: an address that somebody typed, and how often one peer may send a form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from aiohttp import web

from gateway.address import AddressError, Mailbox, parse
from gateway.law.category import Controller
from gateway.ports import Clock
from gateway.texts import texts
from gateway.tries import Tries
from gateway.web import pages
from gateway.web.guard import page
from gateway.web.peers import Networks, peer_of

MOST = 30  # forms of one peer in a WINDOW; an office or a household may be one peer
WINDOW = timedelta(hours=1)
SHOWN = 320  # characters of what was typed that are shown again; no address is longer


class Asked:
    """How often each peer sent a form of late; the forms of one gateway share it."""

    def __init__(self, proxies: Networks, clock: Clock) -> None:
        self._proxies = proxies
        self._clock = clock
        self._forms = Tries(MOST, WINDOW)

    def too_often(self, request: web.Request, controller: Controller, spoken: str) -> web.Response | None:
        """The answer to a peer that sends more forms than it may; None for others. Counts this one."""
        peer, now = peer_of(request, self._proxies), self._clock.now()
        if wait := self._forms.wait(peer, now):
            return too_often(controller, spoken, wait)
        self._forms.count(peer, now)
        return None


def too_often(controller: Controller, spoken: str, wait: int = int(WINDOW.total_seconds())) -> web.Response:
    """A page that asks to come back after so many seconds, and says how to be heard else."""
    words = texts(spoken)
    text = words.form_too_often.format(controller=controller.name)
    answer = page(pages.failed(words.form_too_often_title, text, spoken, controller), 429)
    answer.headers["Retry-After"] = str(wait)
    return answer


def typed_in(form: Mapping[str, str]) -> tuple[str, Mailbox | None]:
    """What was typed as the address, to be shown again, and the mailbox it spells, if it is one."""
    typed = form.get("address", "").strip()
    try:
        return typed, parse(typed)
    except AddressError:
        return "".join(one if one.isprintable() else "\ufffd" for one in typed[:SHOWN]), None
