"""/admin/operators: who may sign in, with which role; for administrators.

Nobody changes their own role or revokes themselves here, so that an administrator is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.operators import ROLES, Accounts, Role, fault_of_name
from gateway.passwords import Passwords, fresh
from gateway.ports import Clock
from gateway.signing_in import is_open
from gateway.web.admin.form import form_of
from gateway.web.admin.operator import Operator
from gateway.web.admin.pages import moved, shown
from gateway.web.admin.route import AdminRoute

PLACE = "/admin/operators"


class Operators:
    """Accounts, as an administrator sees and changes them."""

    def __init__(self, accounts: Accounts, passwords: Passwords, clock: Clock) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._clock = clock

    def routes(self) -> list[AdminRoute]:
        """What it answers."""
        return [
            AdminRoute("GET", PLACE, self.show, "administrator"),
            AdminRoute("POST", f"{PLACE}/add", self.add, "administrator"),
            AdminRoute("POST", f"{PLACE}/role", self.change_role, "administrator"),
            AdminRoute("POST", f"{PLACE}/revoke", self.revoke, "administrator"),
            AdminRoute("POST", f"{PLACE}/end-sessions", self.end_sessions, "administrator"),
            AdminRoute("POST", f"{PLACE}/remove-second-factor", self.remove_factor, "administrator"),
        ]

    async def show(self, _: web.Request, operator: Operator) -> web.Response:
        """Every account."""
        return await self._page(operator)

    async def add(self, request: web.Request, operator: Operator) -> web.Response:
        """Add an account, or restore a revoked one; its password is shown once."""
        form = await form_of(request)
        name, role = form.get("name", "").strip(), _role(form)
        if fault := fault_of_name(name):
            return await self._page(operator, fault=f"Nobody was added: {fault}.", status=422)
        password = fresh()
        hashed = await self._passwords.hash(password)
        if not await self._accounts.add(name, role, hashed, self._clock.now(), operator.name):
            return await self._page(operator, fault=f"There is an operator {name} already.", status=409)
        return await self._page(operator, added=name, password=password)

    async def change_role(self, request: web.Request, operator: Operator) -> web.Response:
        """Give another role."""
        form = await form_of(request)
        role = _role(form)
        return await self._done(
            operator, form, lambda name, by: self._accounts.change_role(name, role, self._clock.now(), by)
        )

    async def revoke(self, request: web.Request, operator: Operator) -> web.Response:
        """Let them sign in no more, and end their sessions."""
        return await self._done(
            operator,
            await form_of(request),
            lambda name, by: self._accounts.revoke(name, self._clock.now(), by),
        )

    async def end_sessions(self, request: web.Request, operator: Operator) -> web.Response:
        """Sign them out wherever they are signed in."""
        form = await form_of(request)
        await self._accounts.end_all(form.get("name", ""), self._clock.now(), operator.name)
        return moved(PLACE)

    async def remove_factor(self, request: web.Request, operator: Operator) -> web.Response:
        """Ask them for no code any more, as when the phone is lost."""
        return await self._done(
            operator,
            await form_of(request),
            lambda name, by: self._accounts.remove_second_factor(name, self._clock.now(), by),
        )

    async def _done(
        self, operator: Operator, form: dict[str, str], change: Callable[[str, str], Awaitable[bool]]
    ) -> web.Response:
        """Change somebody else's account, and go back to the list."""
        name = form.get("name", "")
        if name == operator.name:
            return await self._page(
                operator, fault="Another administrator has to do that for you.", status=409
            )
        if not await change(name, operator.name):
            return await self._page(
                operator, fault="That was done already, or nobody has this name.", status=409
            )
        return moved(PLACE)

    async def _page(
        self, operator: Operator, *, status: int = 200, fault: str = "", added: str = "", password: str = ""
    ) -> web.Response:
        now = self._clock.now()
        sessions = Counter(one.account.id for one in await self._accounts.sessions() if is_open(one, now))
        return shown(
            "operators.html",
            operator,
            status=status,
            accounts=await self._accounts.all(),
            sessions=sessions,
            roles=ROLES,
            fault=fault,
            added=added,
            password=password,
        )


def _role(form: dict[str, str]) -> Role:
    """Raises HTTPBadRequest."""
    role = form.get("role")
    if role not in ROLES:
        raise web.HTTPBadRequest
    return role
