"""The way in and out: /admin/sign-in and /admin/sign-out."""

from __future__ import annotations

import re

from aiohttp import web

from gateway.operators import Accounts
from gateway.ports import Clock
from gateway.signing_in import SigningIn, Wait, digest_of
from gateway.web.admin import cookie
from gateway.web.admin.form import form_of
from gateway.web.admin.gate import SIGN_IN, Gate
from gateway.web.admin.operator import Operator
from gateway.web.admin.pages import moved, shown
from gateway.web.admin.route import AdminRoute
from gateway.web.guard import from_elsewhere
from gateway.web.peers import Networks, peer_of
from gateway.web.route import Route

HOME = "/admin"
WRONG = "The name, the password or the code is not right."

_OURS = re.compile(r"/admin(?:[/?][!-\[\]-~]*)?", re.ASCII)  # a path of ours: of no other host


class WayIn:
    """The pages by which one signs in and out."""

    def __init__(
        self, signing_in: SigningIn, accounts: Accounts, clock: Clock, trusted_proxies: Networks
    ) -> None:
        self._signing_in = signing_in
        self._accounts = accounts
        self._clock = clock
        self._proxies = trusted_proxies

    def open_routes(self, gate: Gate) -> list[Route]:
        """What it answers who has yet to sign in."""
        return [gate.open("GET", SIGN_IN, self.ask), gate.open("POST", SIGN_IN, self.sign_in)]

    def routes(self) -> list[AdminRoute]:
        """What it answers who is signed in."""
        return [AdminRoute("POST", "/admin/sign-out", self.sign_out, "viewer")]

    async def ask(self, request: web.Request) -> web.Response:
        """The form."""
        then = _ours(request.query.get("then", HOME))
        # SameSite=Strict: what a link of another site leads to is asked for without the cookie.
        return _form(then, maybe_signed_in=from_elsewhere(request))

    async def sign_in(self, request: web.Request) -> web.Response:
        """Begin a session, whatever session there was before."""
        form = await form_of(request)
        name, then = form.get("name", "").strip(), _ours(form.get("then", HOME))
        peer = peer_of(request, self._proxies)
        done = await self._signing_in.sign_in(name, form.get("password", ""), form.get("code", ""), peer)
        if isinstance(done, Wait):
            answer = _form(then, name, f"Too many tries. Try again in {done.seconds} seconds.", 429)
            answer.headers["Retry-After"] = str(done.seconds)
            return answer
        if done is None:
            return _form(then, name, WRONG, 403)
        await self._end(request)
        answer = moved(then)
        cookie.give(answer, request, done.token)
        return answer

    async def sign_out(self, request: web.Request, _: Operator) -> web.Response:
        """End the session."""
        await self._end(request)
        answer = moved(SIGN_IN)
        cookie.take_back(answer, request)
        return answer

    async def _end(self, request: web.Request) -> None:
        if token := cookie.token_of(request):
            await self._accounts.end(digest_of(token), self._clock.now())


def _form(
    then: str, name: str = "", fault: str = "", status: int = 200, *, maybe_signed_in: bool = False
) -> web.Response:
    return shown(
        "sign_in.html",
        None,
        status=status,
        then=then,
        name=name,
        fault=fault,
        maybe_signed_in=maybe_signed_in,
    )


def _ours(path: str) -> str:
    return path if _OURS.fullmatch(path) else HOME
