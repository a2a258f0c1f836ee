"""The fields of a form that an admin page sent."""

from __future__ import annotations

from aiohttp import web

from gateway.web import form


async def form_of(request: web.Request) -> dict[str, str]:
    """Each field by its name; of two of one name the last. Raises what form.form_of raises."""
    return {
        name: value.replace("\0", "").replace("\r\n", "\n")
        for name, value in (await form.form_of(request)).items()
    }
