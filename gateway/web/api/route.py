"""One thing that can be asked over HTTP: where, who may, what is asked and what may be answered.

The application and its OpenAPI document are both made from these: neither says what the other does not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from aiohttp import web
from pydantic import BaseModel

from gateway.web.api.bearer import Caller

Answering: TypeAlias = Callable[[web.Request, Caller], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """`answer` is the model of a 200; `refusals` are statuses beyond those that any such route may give."""

    method: str
    path: str  # below /api
    scope: str
    summary: str
    handler: Answering
    answer: type[BaseModel]
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)  # of the path: what each is
    headers: Mapping[str, str] = field(default_factory=dict)  # of the request: what each is
    links: Mapping[str, str] = field(default_factory=dict)  # headers of the answer
    refusals: tuple[int, ...] = ()
    exports_csv: bool = False


def answered(answer: BaseModel) -> web.Response:
    """A 200 with this answer."""
    return web.Response(text=answer.model_dump_json(), content_type="application/json")
