"""The fields of a form that a page of ours sent."""

from __future__ import annotations

from urllib.parse import parse_qsl

from aiohttp import web

MOST_OCTETS = 1 << 16  # of a body
MOST_FIELDS = 200


async def form_of(request: web.Request) -> dict[str, str]:
    """Each field by its name; of two of one name the last. Raises HTTPException where it is no such form."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise web.HTTPUnsupportedMediaType
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MOST_OCTETS:
            raise web.HTTPRequestEntityTooLarge(MOST_OCTETS)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise web.HTTPBadRequest from None
    return {name: value.replace("\0", "").replace("\r\n", "\n") for name, value in pairs}
