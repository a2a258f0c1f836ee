"""What a form of ours said: its fields as text, bounded in size, number and time."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict, MultiDictProxy

FORM_SECONDS = 30  # to send a form in
MOST_FIELDS = 500
KIND = "application/x-www-form-urlencoded"  # as a browser sends a form without files


async def form_of(request: web.Request) -> MultiDictProxy[str]:
    """The fields of a form; octets that are no UTF-8 become U+FFFD, blank fields are there and empty.

    Raises what aiohttp has for a body of another kind, too long (1 MiB), broken off or too slow.
    """
    if request.content_type != KIND:
        raise web.HTTPUnsupportedMediaType
    try:
        async with asyncio.timeout(FORM_SECONDS):
            octets = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except web.RequestPayloadError:
        raise web.HTTPBadRequest from None
    try:
        # a browser escapes all that is not ASCII (URL standard section 5.2)
        pairs = parse_qsl(
            octets.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS
        )
    except ValueError:
        raise web.HTTPBadRequest from None
    return MultiDictProxy(MultiDict(pairs))
