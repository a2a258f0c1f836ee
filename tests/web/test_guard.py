"""What stands around every answer: headers, silence, bounds."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode

import pytest

from gateway.web.guard import HEADERS, headers
from tests.web.conftest import Site

PATHS = [
    "/u/forged",
    "/",
    "/nowhere",
    "/robots.txt",
    "/healthz",
    "/readyz",
    "/metrics",
    "/u/",
    "/p/x",
    "/admin",
]


def headers_of(answer: bytes) -> dict[str, str]:
    """The header fields of a raw answer."""
    lines = answer.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return dict(line.split(": ", 1) for line in lines)


@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_is_dressed(site: Site, client, method: str, path: str) -> None:
    """Every route, and every path that is none, carries all security headers, whatever the status."""
    async with client.request(method, site.url + path) as answer:
        assert headers(path).items() <= dict(answer.headers).items()


def test_only_operators_pages_tell_their_own_site_where_a_form_came_from() -> None:
    """Other sites are told nothing; a form of /admin names its origin, by which older browsers get in."""
    assert headers("/u/token")["Referrer-Policy"] == "no-referrer"
    assert headers("/admin/people")["Referrer-Policy"] == "same-origin"
    assert {**headers("/admin"), "Referrer-Policy": "no-referrer"} == HEADERS


@pytest.mark.parametrize("down", [False, True])
async def test_pages_are_dressed_also_when_the_store_is_down(site: Site, client, down: bool) -> None:
    """The pages for a real link carry the headers, in good times and bad."""
    site.ledger.down = down

    for method in ("GET", "HEAD", "POST"):
        async with client.request(method, site.link()) as answer:
            assert HEADERS.items() <= dict(answer.headers).items()


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nbad\x00name: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\rX-Injected: 1\r\n\r\n", 400),
        (b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 10_000 + b"\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 200 + b"\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: miracles\r\n\r\n", 417),
    ],
)
async def test_what_is_no_http_is_answered_dressed_and_briefly(
    site: Site, request_: bytes, status: int
) -> None:
    """Malformed, oversized and smuggling requests get a short answer with the headers, and no echo (C16)."""
    answer = await site.raw(request_)

    assert f" {status} ".encode() in answer.partition(b"\r\n")[0]
    assert HEADERS.items() <= headers_of(answer).items()
    assert len(answer) < 1000
    assert b"xxx" not in answer


def test_the_policy_allows_nothing_but_our_style_and_forms_to_ourselves() -> None:
    """No script, frame, image, font or connection is allowed, and no form posts elsewhere."""
    rules = dict(rule.split(" ", 1) for rule in HEADERS["Content-Security-Policy"].split("; "))

    assert rules.pop("style-src").startswith("'sha256-")
    assert rules == {
        "default-src": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }


async def test_the_one_style_is_the_one_the_policy_names(site: Site, client) -> None:
    """A browser computes the same hash over the style element as the policy gives."""
    async with client.get(site.link()) as answer:
        (style,) = re.findall(r"<style>(.*?)</style>", await answer.text(), re.DOTALL)
        policy = answer.headers["Content-Security-Policy"]

    assert b64encode(hashlib.sha256(style.encode()).digest()).decode() in policy
