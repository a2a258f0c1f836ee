"""The cookie that holds a session's token.

Over https it has the __Host- prefix: no other host and no page without TLS can set it (RFC 6265bis section
4.1.3.2). On loopback, where there is no TLS, it cannot. SameSite=Strict: what another site leads to is asked
without it, so that no other site can have a page of ours made for an operator; from the sign-in page that
they meet then, one click leads on.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web

from gateway.config.values import is_loopback

_NAME = "sendright-operator"


def token_of(request: web.Request) -> str:
    """The token of the request's session; empty where there is none."""
    return request.cookies.get(_name(request), "")


def give(answer: web.Response, request: web.Request, token: str) -> None:
    """Let the browser hold this token, until it is closed."""
    answer.set_cookie(
        _name(request), token, path="/", secure=_is_https(request), httponly=True, samesite="Strict"
    )


def take_back(answer: web.Response, request: web.Request) -> None:
    """Let the browser forget its token."""
    answer.del_cookie(_name(request), path="/", secure=_is_https(request), httponly=True, samesite="Strict")


def _name(request: web.Request) -> str:
    return f"__Host-{_NAME}" if _is_https(request) else _NAME


def _is_https(request: web.Request) -> bool:
    """Whether the browser speaks https: not where it asks this machine itself, unless a proxy says so.

    Whoever asks another host without TLS is given a cookie that their browser will not keep.
    """
    try:
        host = urlsplit(f"//{request.host}").hostname or ""
    except ValueError:  # no browser asks for such a host
        host = ""
    return not is_loopback(host) or request.headers.get("X-Forwarded-Proto") == "https"
