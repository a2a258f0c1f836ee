"""One thing that can be asked of the admin pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from aiohttp import web

from gateway.operators import Role
from gateway.web.admin.operator import Operator

Answering: TypeAlias = Callable[[web.Request, Operator], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class AdminRoute:
    """`who` is the role that it takes, or one above it. What a GET asks for changes nothing."""

    method: Literal["GET", "POST"]
    path: str
    handler: Answering
    who: Role
