"""The API as a whole: who may ask, and what every error looks like."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import structlog

from gateway.web.api.bearer import MOST_FAILURES
from gateway.web.guard import HEADERS
from tests.web.machine import CONSENT, Machine

ROUTES = [
    ("POST", "/api/v1/evidence", "evidence"),
    ("POST", "/api/v1/decisions", "decisions"),
    ("POST", "/api/v1/objections", "objections"),
    ("GET", "/api/v1/log", "log"),
]


@pytest.mark.parametrize(("method", "path", "_scope"), ROUTES)
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic c2VjcmV0", "secret-of-crm", "Bearer \udcff"],
)
async def test_nobody_without_a_token_gets_in(
    machine: Machine, method: str, path: str, _scope: str, authorization: str | None
) -> None:
    """No token, a wrong one, or another scheme is 401 and says how to ask (RFC 6750)."""
    headers = {} if authorization is None else {"Authorization": authorization}

    said = await machine.ask(method, path, token=None, headers=headers)

    assert said.status == 401
    assert said.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
async def test_a_token_does_what_its_scopes_say(machine: Machine, method: str, path: str, scope: str) -> None:
    """A token that may only object is refused everything else, with the scope that lacks."""
    said = await machine.ask(method, path, token="form")

    if scope == "objections":
        assert said.status == 415  # it got in; a body is what lacks
    else:
        assert said.status == 403
        assert f'scope="{scope}"' in said.headers["WWW-Authenticate"]


async def test_the_scheme_is_compared_in_any_case(machine: Machine) -> None:
    """RFC 9110 section 11.1: "bearer" is as good as "Bearer"; two Authorization fields are none."""
    right = "secret-of-crm"

    said = await machine.ask("GET", "/api/v1/log", token=None, headers={"Authorization": f"bEARER {right}"})
    assert said.status == 200

    reader, writer = await asyncio.open_connection("127.0.0.1", machine.house.config.http.listen.port)
    twice = f"Authorization: Bearer {right}\r\n" * 2
    writer.write(f"GET /api/v1/log HTTP/1.1\r\nHost: x\r\n{twice}\r\n".encode())
    assert b" 401 " in await reader.readline()
    writer.close()


async def test_guessing_has_an_end(machine: Machine) -> None:
    """After too many wrong tokens a peer waits out the minute, even with a right one; then it may again."""
    guesses = [*(f"guess{number}" for number in range(MOST_FAILURES)), "one more", "crm"]
    statuses = [(await machine.log(token=guess)).status for guess in guesses]
    machine.house.clock.move(timedelta(minutes=1))
    later = await machine.log()

    assert statuses == [401] * MOST_FAILURES + [429, 429]
    assert later.status == 200


async def test_asking_without_a_token_is_no_guess(machine: Machine) -> None:
    """A client that merely forgot its token keeps nobody else out."""
    for _ in range(MOST_FAILURES + 1):
        assert (await machine.ask("GET", "/api/v1/log", token=None)).status == 401

    assert (await machine.log()).status == 200


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/api/v1/nothing", {}, 404),
        ("GET", "/api/v2/log", {}, 404),
        ("PUT", "/api/v1/log", {}, 405),
        ("GET", "/api/v1/evidence", {}, 405),
        ("GET", "/api/v1/people/anna@example.org", {}, 404),
        ("POST", "/api/v1/evidence", {"data": b"{}"}, 415),
        ("POST", "/api/v1/evidence", {"data": b"{}", "headers": {"Content-Type": "text/plain"}}, 415),
        ("POST", "/api/v1/evidence", {"json": {}}, 422),
        ("GET", "/api/v1/log?limit=0", {}, 422),
    ],
)
async def test_every_error_is_a_problem(
    machine: Machine, method: str, path: str, more: dict[str, object], status: int
) -> None:
    """RFC 9457 in full, with a reference and all security headers, whoever raised it."""
    with structlog.testing.capture_logs() as logs:
        said = await machine.ask(method, path, **more)

    assert said.status == said.json["status"] == status
    assert said.headers["Content-Type"].startswith("application/problem+json")
    assert said.json.keys() == {"type", "title", "status", "detail", "ref", "faults"}
    assert HEADERS.items() <= said.headers.items()
    assert [entry["ref"] for entry in logs if entry["event"] == "api.refused"] == [said.json["ref"]]


async def test_what_may_not_be_done_says_what_may(machine: Machine) -> None:
    """405 names the methods there are (RFC 9110 section 15.5.6)."""
    said = await machine.ask("DELETE", "/api/v1/evidence")

    assert said.headers["Allow"] == "POST"


BODIES = {
    "nothing": (b"", 400),
    "no JSON": (b"{", 400),
    "not UTF-8": (b'{"email": "\xff"}', 400),
    "UTF-16": ("{}".encode("utf-16"), 400),
    "a byte order mark": (b"\xef\xbb\xbf{}", 400),
    "a name twice": (b'{"email": "a@example.org", "email": "b@example.org", "kind": "objection"}', 400),
    "NaN": (b'{"rows": NaN}', 400),
    "too deep": (b'{"rows": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", 400),
    "a huge number": (b'{"email": ' + b"9" * 10_000 + b"}", 400),
    "an endless number": (b'{"email": 1e999}', 422),
    "a lone surrogate": (b'{"email": "\\ud800@example.org", "kind": "objection"}', 422),
    "a NUL": (b'{"email": "anna\\u0000@example.org", "kind": "objection"}', 422),
    "a list": (b"[]", 422),
    "null": (b"null", 422),
    "a number": (b"5", 422),
}


@pytest.mark.parametrize("what", ["evidence", "decisions", "objections"])
@pytest.mark.parametrize("name", BODIES)
async def test_hostile_bodies_are_told_what_is_wrong(machine: Machine, what: str, name: str) -> None:
    """Whatever JSON can be made to hold is a clear 4xx, never a fault of ours, and nothing is recorded."""
    body, status = BODIES[name]

    said = await machine.post(what, data=body)

    assert said.status == status
    assert said.json["detail"]
    assert await machine.on_record() == []


async def test_a_hundred_megabytes_are_refused_unread(machine: Machine) -> None:
    """A body that says it is too long is refused before it is sent; one that does not say, once it is."""
    reader, writer = await asyncio.open_connection("127.0.0.1", machine.house.config.http.listen.port)
    head = (
        "POST /api/v1/evidence HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret-of-crm\r\n"
        "Content-Type: application/json\r\n"
    )
    writer.write(f"{head}Content-Length: 100000000\r\n\r\n".encode())
    assert b" 413 " in await reader.readline()
    writer.close()

    reader, writer = await asyncio.open_connection("127.0.0.1", machine.house.config.http.listen.port)
    writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
    answer = asyncio.create_task(reader.readline())
    sent = 0
    while sent < 100 and not answer.done():
        writer.write(b"100000\r\n" + b" " * (1 << 20) + b"\r\n")
        await writer.drain()
        sent += 1
    assert b" 413 " in await answer
    assert sent < 50
    writer.transport.abort()


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Content-Encoding", "gzip"),
        ("Content-Type", "application/json; charset=latin-1"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ],
)
async def test_a_body_is_json_in_the_clear(machine: Machine, header: str, value: str) -> None:
    """Nothing is unpacked or guessed at: no body may grow on arrival."""
    headers = {"Content-Type": "application/json", header: value}

    assert (await machine.ask("POST", "/api/v1/evidence", data=b"{}", headers=headers)).status == 415


async def test_a_body_that_breaks_off_is_no_fault_of_ours(machine: Machine) -> None:
    """Broken chunks are 400, and the log has no fault."""
    reader, writer = await asyncio.open_connection("127.0.0.1", machine.house.config.http.listen.port)
    with structlog.testing.capture_logs() as logs:
        writer.write(
            b"POST /api/v1/evidence HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret-of-crm\r\n"
            b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n\r\n"
        )
        assert b" 400 " in await reader.readline()
    writer.close()
    assert [entry for entry in logs if entry["log_level"] == "error"] == []


async def test_a_store_that_is_gone_is_503(machine: Machine) -> None:
    """Nothing is said to be recorded while the store is away, and it says when to come back (I3, I4)."""
    path = machine.house.config.gateway.state_dir / "sendright.db"
    path.rename(path.with_suffix(".away"))

    for what, body in (
        ("evidence", CONSENT),
        ("objections", {"address": "anna@example.org"}),
        ("decisions", {"category": "newsletter", "addresses": ["anna@example.org"]}),
    ):
        said = await machine.post(what, body)
        assert (said.status, said.headers["Retry-After"]) == (503, "30")
        assert said.json["status"] == 503
        assert "anna" not in said.text
    assert (await machine.log()).status == 503
    path.with_suffix(".away").rename(path)


async def test_no_address_is_logged(machine: Machine) -> None:
    """Neither what is taken nor what is refused puts an address into the log (L26)."""
    with structlog.testing.capture_logs() as logs:
        await machine.post("evidence", CONSENT)
        await machine.post("evidence", CONSENT | {"category": "none"})
        await machine.post("objections", {"address": "anna@example"})
        await machine.log(address="anna@example.org")

    assert "anna" not in str([entry for entry in logs if entry["log_level"] != "debug"])
