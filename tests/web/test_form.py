"""Forms are read within bounds, whatever comes."""

from __future__ import annotations

import asyncio
import io
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web

from gateway.web import form
from gateway.web.app import Runner, build
from gateway.web.form import form_of
from gateway.web.route import Route


async def said(request: web.Request) -> web.Response:
    """What the form said."""
    return web.json_response(list((await form_of(request)).items()))


@pytest.fixture
async def url() -> object:
    """Where a form may be sent to."""
    runner = Runner(build([Route("POST", "/form", said, "anyone", "counted")], language="en"))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/form"
    await runner.cleanup()


URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (
            b"address=anna%40example.org&scope=&scope=b",
            [["address", "anna@example.org"], ["scope", ""], ["scope", "b"]],
        ),
        (b"a=b+c%C3%AB", [["a", "b cë"]]),
        (b"a=%ff\xff", [["a", "��"]]),
        (b"", []),
        (b"&&=&a", [["", ""], ["a", ""]]),
    ],
)
async def test_fields_are_read_as_text(
    url: str, client: aiohttp.ClientSession, body: bytes, fields: object
) -> None:
    """Each field in order, repeated ones too; what is no UTF-8 is marked and breaks nothing."""
    async with client.post(url, data=body, headers=URLENCODED) as answer:
        assert await answer.json() == fields


async def test_other_bodies_are_refused(url: str, client: aiohttp.ClientSession) -> None:
    """Another type, a file, too much, too many fields: refused, each with the status that says why."""
    upload = aiohttp.FormData()
    upload.add_field("file", b"x", filename="x")
    wrong = [
        (415, {"data": b"{}", "headers": {"Content-Type": "application/json"}}),
        (415, {"data": upload}),
        (413, {"data": io.BytesIO(b"a=" + b"x" * (1 << 20)), "headers": URLENCODED}),
        (400, {"data": b"a=b&" * 501, "headers": URLENCODED}),
    ]
    for status, request in wrong:
        async with client.post(url, **request) as answer:  # type: ignore[arg-type]
            assert answer.status == status


async def test_a_form_that_does_not_come_is_not_waited_for(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A body that stalls ends in 408."""
    monkeypatch.setattr(form, "FORM_SECONDS", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(url).port)
    writer.write(
        b"POST /form HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\na="
    )

    assert (await reader.readline()).split()[1] == b"408"
    writer.close()
    await writer.wait_closed()
