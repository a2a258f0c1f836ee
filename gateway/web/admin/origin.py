"""Whether a page of ours sent a request, as its browser tells (W3C Fetch Metadata; RFC 6454 section 7)."""

from __future__ import annotations

from urllib.parse import urlsplit

from aiohttp import web


def is_ours(request: web.Request) -> bool:
    """Whether it was sent by a page of the same origin.

    Every browser says so with each POST over https or on loopback: in Sec-Fetch-Site, older ones in Origin.
    A request with neither is nobody's who uses these pages.
    """
    site = request.headers.getall("Sec-Fetch-Site", [])
    if site:
        return site == ["same-origin"]
    origin = request.headers.getall("Origin", [])
    return len(origin) == 1 and _host(origin[0]) == request.host != ""


def _host(origin: str) -> str:
    """With its port; empty for what is no origin."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""
