"""What a request that fails is answered with (RFC 9457), and the reference by which it is found in the log.

Rules of this file:

1. Every error under /api is a problem, also those that no handler raised.
2. A fault of ours is temporary (I4): 503, nothing is said to be recorded. Its words stay inside (guard.py).
   Only an erasure may be half done by then, and says so itself (people.py).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import BaseModel, Field

from gateway.ports import StoreUnavailableError
from gateway.web.guard import RETRY_AFTER, log_fault

CONTENT_TYPE = "application/problem+json"

log = structlog.get_logger()


class Fault(BaseModel):
    """One thing that is wrong with a request."""

    where: str = Field(description="JSON pointer into the body (RFC 6901), or the name of a parameter.")
    fault: str = Field(description="What is wrong with it.")


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str = Field(description="about:blank: the status says what kind of problem it is.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What is wrong with this very request.")
    ref: str = Field(description="By which the request is found in the gateway's log.")
    faults: list[Fault] = Field(description="Everything that is wrong, where there is more to say.")


class ProblemError(Exception):
    """A request that cannot be done; the words are for the client."""

    def __init__(
        self,
        status: int,
        detail: str,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.faults = list(faults)
        self.headers = dict(headers or {})


def faults_to_problems(new_ref: Callable[[], str]) -> Middleware:
    """Middleware that turns refusals and faults into problems; `new_ref` makes a reference."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except Exception as error:
            return _answer(_problem(error), new_ref())

    return guarded


def _problem(error: Exception) -> ProblemError:
    """What to say of an exception."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, web.HTTPException):
        allowed = error.headers.get("Allow")  # RFC 9110 section 15.5.6
        words = HTTPStatus(error.status).description or error.reason
        return ProblemError(error.status, words, headers={"Allow": allowed} if allowed else None)
    if not isinstance(error, StoreUnavailableError):
        log_fault(error)
    later = {"Retry-After": str(RETRY_AFTER)}
    return ProblemError(503, "This cannot be done now, and nothing of it was. Try again later.", (), later)


def _answer(error: ProblemError, ref: str) -> web.Response:
    log.info("api.refused", status=error.status, ref=ref)
    problem = Problem(
        type="about:blank",
        title=HTTPStatus(error.status).phrase,
        status=error.status,
        detail=error.detail,
        ref=ref,
        faults=error.faults,
    )
    return web.Response(
        text=json.dumps(problem.model_dump()),
        status=error.status,
        content_type=CONTENT_TYPE,
        headers=error.headers,
    )
