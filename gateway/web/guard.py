"""What stands around every answer: the security headers, and what a fault looks like from outside.

Rules of this file:

1. Every answer carries the headers, also to what is no HTTP at all; server.py puts them on.
2. No path and no exception's words are logged: a path under /u/ is a person's secret, and the words of
   a store's exception may quote its rows.
3. A fault of ours is temporary (I4): 503, and nothing is said to be recorded.
"""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from multidict import CIMultiDict

from gateway import look
from gateway.web import pages

RETRY_AFTER = 30  # seconds

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {look.source(look.STYLE)} {look.source(look.WIDE_STYLE)}; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Server": "sendright",
}

# Browsers without Fetch Metadata tell the Origin of a form by this alone (Fetch standard, "append a request
# Origin header"): with no-referrer it is null, and an operator's own form would be refused.
_OPERATORS: Mapping[str, str] = {**HEADERS, "Referrer-Policy": "same-origin"}

_HTML = CIMultiDict({"Content-Type": "text/html; charset=utf-8"})

log = structlog.get_logger()


def headers(path: str) -> Mapping[str, str]:
    """What every answer to this path carries."""
    return _OPERATORS if path.startswith("/admin") else HEADERS


def page(text: str | bytes, status: int = 200) -> web.Response:
    """A page of ours as an answer; octets are UTF-8."""
    body = text.encode() if isinstance(text, str) else text
    return web.Response(body=body, status=status, headers=_HTML)


def unavailable(text: str) -> web.Response:
    """A page of ours that asks to come back."""
    answer = page(text, 503)
    answer.headers["Retry-After"] = str(RETRY_AFTER)
    return answer


def spoken(request: web.Request, otherwise: str) -> str:
    """The language to answer in: the reader's, if we have words in it."""
    return pages.language(request.headers.get("Accept-Language", ""), otherwise)


def from_elsewhere(request: web.Request) -> bool:
    """Whether a page of another site sends this, as browsers say (Fetch Metadata); tools say nothing."""
    return request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none")


def faults_to_pages(language: str) -> Middleware:
    """Middleware that turns refusals and faults into pages; `language` is for those of no controller."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as refusal:
            text = pages.refused(refusal.status, request.path, spoken(request, language))
            answer = page(text, refusal.status)
            if allowed := refusal.headers.get("Allow"):
                answer.headers["Allow"] = allowed  # RFC 9110 section 15.5.6
            return answer
        except Exception as fault:
            log_fault(fault)
            return unavailable(pages.unavailable(None, None, spoken(request, language)))

    return guarded


def log_fault(fault: BaseException | None) -> None:
    """A fault by its kind and place, never by its words (rule 2)."""
    at = fault.__traceback__ if fault else None
    while at and at.tb_next:
        at = at.tb_next
    log.error(
        "web.fault",
        fault=type(fault).__name__,
        place=f"{at.tb_frame.f_code.co_filename}:{at.tb_lineno}" if at else "",
    )
