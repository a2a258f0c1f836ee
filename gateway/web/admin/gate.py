"""The gate before every admin page.

Rules of this file:

1. Nothing that changes anything is done for a page of another site (origin.py).
2. Who is not signed in sees nothing but the way in; who lacks the role, only that they lack it.
3. The session is looked up at every request (signing_in.py, rule 4).
4. A fault of ours is temporary (I4): 503, and nothing is said to be done.
"""

from __future__ import annotations

from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.signing_in import SigningIn
from gateway.web.admin import cookie, origin
from gateway.web.admin.operator import Operator
from gateway.web.admin.pages import failed, moved
from gateway.web.admin.route import AdminRoute
from gateway.web.guard import RETRY_AFTER, log_fault
from gateway.web.route import Route, Who

SIGN_IN = "/admin/sign-in"

_REFUSALS = {
    403: ("Not allowed", "This takes a role that you do not have; an administrator can give it to you."),
    404: ("Not found", "There is no such page, or what it was about is no longer there."),
}
_FROM_ELSEWHERE = (
    "Not allowed",
    "This was not sent by a page of this gateway, or your browser did not say so. Nothing was done: open the "
    "page here, and send its form again.",
)
_ANY_REFUSAL = ("Not possible", "What was sent is not what this page asks for.")


class Gate:
    """Lets those through to a page who may see it."""

    def __init__(self, signing_in: SigningIn) -> None:
        self._signing_in = signing_in

    def guarded(self, route: AdminRoute) -> Route:
        """The route, behind the gate."""

        async def handler(request: web.Request) -> web.StreamResponse:
            operator = await self.operator(request)
            if operator is None:
                return moved(_way_in(request))
            try:
                return await _let_in(request, operator, route)
            except Exception as fault:
                return _answer(fault, operator)

        return _at(route.method, route.path, handler, route.who)

    def open(self, method: str, path: str, handler: Handler) -> Route:
        """A route for who has yet to sign in."""
        return _at(method, path, handler, "visitor")

    async def operator(self, request: web.Request) -> Operator | None:
        """Who asks, if they are signed in. Raises StoreUnavailableError."""
        token = cookie.token_of(request)
        session = await self._signing_in.session(token) if token else None
        if session is None:
            return None
        return Operator(session.account.id, session.account.name, session.account.role)


async def _let_in(request: web.Request, operator: Operator, route: AdminRoute) -> web.StreamResponse:
    if not operator.may(route.who):
        raise web.HTTPForbidden
    return await route.handler(request, operator)


def _at(method: str, path: str, handler: Handler, who: Who) -> Route:
    async def get(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Exception as fault:
            return _answer(fault, None)

    async def post(request: web.Request) -> web.StreamResponse:
        return await get(request) if origin.is_ours(request) else failed(None, 403, *_FROM_ELSEWHERE)

    if method == "POST":
        return Route("POST", path, post, who, "refused")
    return Route("GET", path, get, who, "harmless")


def _answer(fault: Exception, operator: Operator | None) -> web.Response:
    if isinstance(fault, web.HTTPException):
        return failed(operator, fault.status, *_REFUSALS.get(fault.status, _ANY_REFUSAL))
    log_fault(fault)
    answer = failed(
        operator,
        503,
        "Not now",
        "A part that this needs is down: try again. Nothing was done that this page did not say.",
    )
    answer.headers["Retry-After"] = str(RETRY_AFTER)
    return answer


def _way_in(request: web.Request) -> str:
    """The sign-in page; it leads back to what was to be read."""
    return f"{SIGN_IN}?then={quote(request.path_qs, safe='/')}" if request.method != "POST" else SIGN_IN
