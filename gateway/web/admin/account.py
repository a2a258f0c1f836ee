"""/admin/account: one's own sessions, password and second factor.

What makes an account harder or easier to take asks for the password, or a code, again: a browser left open is
not its operator.
"""

from __future__ import annotations

import segno
from aiohttp import web
from markupsafe import Markup

from gateway.operators import SHORTEST_PASSWORD, Account, Accounts, fault_of_password
from gateway.passwords import Passwords
from gateway.ports import Clock
from gateway.second_factor import SecondFactors, address_of
from gateway.signing_in import SigningIn, Wait, digest_of, is_open
from gateway.web.admin import cookie
from gateway.web.admin.form import form_of
from gateway.web.admin.operator import Operator
from gateway.web.admin.pages import moved, shown
from gateway.web.admin.route import AdminRoute

PLACE = "/admin/account"
WRONG_PASSWORD = "This is not your present password."  # noqa: S105 -- words
DONE = {
    "password": "Your password is changed.",
    "bound": "From now on you are asked for a code.",
    "removed": "You are asked for no code any more.",
}
WRONG_CODE = "This code is not right, or it was used before. Wait for the next."


class OwnAccount:
    """What operators do with their own account."""

    def __init__(
        self,
        accounts: Accounts,
        signing_in: SigningIn,
        passwords: Passwords,
        factors: SecondFactors,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._signing_in = signing_in
        self._passwords = passwords
        self._factors = factors
        self._clock = clock

    def routes(self) -> list[AdminRoute]:
        """What it answers."""
        return [
            AdminRoute("GET", PLACE, self.show, "viewer"),
            AdminRoute("POST", f"{PLACE}/end-sessions", self.end_sessions, "viewer"),
            AdminRoute("POST", f"{PLACE}/password", self.change_password, "viewer"),
            AdminRoute("POST", f"{PLACE}/second-factor", self.offer_factor, "viewer"),
            AdminRoute("POST", f"{PLACE}/second-factor/bind", self.bind_factor, "viewer"),
            AdminRoute("POST", f"{PLACE}/second-factor/remove", self.remove_factor, "viewer"),
        ]

    async def show(self, request: web.Request, operator: Operator) -> web.Response:
        """The account."""
        return await self._page(request, operator)

    async def end_sessions(self, request: web.Request, operator: Operator) -> web.Response:
        """Sign out everywhere else."""
        own = digest_of(cookie.token_of(request))
        await self._accounts.end_all(operator.name, self._clock.now(), operator.name, but=own)
        return moved(PLACE)

    async def change_password(self, request: web.Request, operator: Operator) -> web.Response:
        """Another password from now on; every session ends, and this browser gets a new one."""
        form = await form_of(request)
        account, new = await self._own(operator), form.get("new", "")
        if fault := fault_of_password(new, operator.name):
            return await self._page(request, operator, fault=f"Nothing was changed: {fault}.", status=422)
        if new != form.get("again", ""):
            return await self._page(request, operator, fault="The new passwords differ.", status=422)
        proven = await self._signing_in.is_owner(account, form.get("password", ""))
        if proven is not True:
            return await self._unproven(request, operator, proven, WRONG_PASSWORD)
        hashed = await self._passwords.hash(new)
        await self._accounts.change_password(operator.name, hashed, self._clock.now())
        begun = await self._signing_in.begin(await self._own(operator))
        answer = moved(f"{PLACE}?done=password")
        if begun:
            cookie.give(answer, request, begun.token)
        return answer

    async def offer_factor(self, request: web.Request, operator: Operator) -> web.Response:
        """A new secret for the phone; nothing is asked of it until a code has come from there."""
        form = await form_of(request)
        account = await self._own(operator)
        proven = await self._signing_in.is_owner(account, form.get("password", ""))
        if proven is not True:
            return await self._unproven(request, operator, proven, WRONG_PASSWORD)
        return self._offer(operator, self._factors.new(operator.name))

    async def bind_factor(self, request: web.Request, operator: Operator) -> web.Response:
        """Ask for codes from now on, since one has proven that the phone makes them."""
        form = await form_of(request)
        account, sealed, now = await self._own(operator), form.get("sealed", ""), self._clock.now()
        if account.second_factor is not None or self._factors.secret(operator.name, sealed) is None:
            raise web.HTTPBadRequest
        step = self._factors.step_of(operator.name, sealed, form.get("code", ""), now)
        if step is None:
            return self._offer(operator, sealed, WRONG_CODE)
        await self._accounts.bind_second_factor(operator.name, sealed, step, now)
        return moved(f"{PLACE}?done=bound")

    async def remove_factor(self, request: web.Request, operator: Operator) -> web.Response:
        """Ask for no code any more."""
        form = await form_of(request)
        proven = await self._signing_in.has_factor(await self._own(operator), form.get("code", ""))
        if proven is not True:
            return await self._unproven(request, operator, proven, WRONG_CODE)
        await self._accounts.remove_second_factor(operator.name, self._clock.now(), operator.name)
        return moved(f"{PLACE}?done=removed")

    async def _own(self, operator: Operator) -> Account:
        account = await self._accounts.named(operator.name)
        if account is None:
            raise web.HTTPForbidden
        return account

    async def _unproven(
        self, request: web.Request, operator: Operator, proven: Wait | bool, fault: str
    ) -> web.Response:
        if not isinstance(proven, Wait):
            return await self._page(request, operator, fault=fault, status=403)
        answer = await self._page(
            request, operator, fault=f"Too many tries. Try again in {proven.seconds} seconds.", status=429
        )
        answer.headers["Retry-After"] = str(proven.seconds)
        return answer

    def _offer(self, operator: Operator, sealed: str, fault: str = "") -> web.Response:
        secret = self._factors.secret(operator.name, sealed) or ""
        code = segno.make(address_of(operator.name, secret), error="m", micro=False)
        return shown(
            "second_factor.html",
            operator,
            status=403 if fault else 200,
            sealed=sealed,
            secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
            drawn=Markup(code.svg_inline(scale=5, light="#fff", title="QR code")),  # noqa: S704 -- drawn here
            fault=fault,
        )

    async def _page(
        self, request: web.Request, operator: Operator, *, status: int = 200, fault: str = ""
    ) -> web.Response:
        now, own = self._clock.now(), digest_of(cookie.token_of(request))
        account = await self._own(operator)
        sessions = [
            (one, one.token == own)
            for one in await self._accounts.sessions()
            if one.account.id == account.id and is_open(one, now)
        ]
        return shown(
            "account.html",
            operator,
            status=status,
            account=account,
            sessions=sessions,
            shortest=SHORTEST_PASSWORD,
            done="" if fault else DONE.get(request.query.get("done", ""), ""),
            fault=fault,
        )
