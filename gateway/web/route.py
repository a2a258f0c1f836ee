"""One thing that can be asked of the pages: where, of whom it is asked who they are, and from which sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler

# anyone; link: who holds a link of ours; visitor: an operator who has yet to sign in; an operator of a role
# or of one above it.
Who: TypeAlias = Literal["anyone", "link", "visitor", "viewer", "officer", "administrator"]

# What becomes of a request that a page of another site sends: harmless, since it changes nothing; counted,
# since an objection counts whatever it comes from (RFC 8058 section 3.2), and a form that asks nobody who
# they are does no more for one site than for another; refused.
CrossSite: TypeAlias = Literal["harmless", "counted", "refused"]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path, and who may ask; what asks for more than it says is refused before its handler."""

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    who: Who
    cross_site: CrossSite


def added(app: web.Application, routes: list[Route]) -> None:
    """Let the application answer these; HEAD is answered wherever GET is."""
    for route in routes:
        if route.method == "GET":
            app.router.add_get(route.path, route.handler)
        else:
            app.router.add_route(route.method, route.path, route.handler)
