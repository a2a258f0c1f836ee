"""Reading a request: its body as strict JSON, bounded in size and time, and its shape by a model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from gateway.law.evidence import KINDS
from gateway.web.api.problem import Fault, ProblemError

BODY_SECONDS = 30  # to send a body in
MOST_FAULTS = 100  # told of one request
SHOWN = 100  # characters of a name

M = TypeVar("M", bound=BaseModel)


async def body_of(request: web.Request, most: int) -> bytes:
    """The body, if it is JSON of at most so many octets. Raises ProblemError."""
    if request.content_type != "application/json" or (request.charset or "utf-8").lower() != "utf-8":
        raise ProblemError(415, "The body must be application/json in UTF-8.")
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ProblemError(415, "The body must not be compressed.", headers={"Accept-Encoding": "identity"})
    too_long = ProblemError(413, f"The body may have {most} octets at most.")
    if (request.content_length or 0) > most:
        raise too_long
    octets = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.content.iter_any():
                octets += chunk
                if len(octets) > most:
                    raise too_long
    except TimeoutError:
        raise ProblemError(408, f"The body must come within {BODY_SECONDS} seconds.") from None
    except (web.RequestPayloadError, ValueError):
        raise ProblemError(400, "The body breaks off, or is not what its header says.") from None
    return bytes(octets)


def json_of(octets: bytes) -> object:
    """What the octets say, read strictly (RFC 8259, I-JSON). Raises ProblemError."""
    try:
        return json.loads(octets.decode("utf-8"), object_pairs_hook=_once_each, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise ProblemError(400, "The body is not valid UTF-8.") from None
    except RecursionError:
        raise ProblemError(400, "The body is nested too deeply.") from None
    except ValueError as error:
        raise ProblemError(400, f"The body is not JSON: {error}.") from None


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object whose names are unique: of two, we would choose for the sender (RFC 7493 section 2.3)."""
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name is given twice in one object")
    return dict(pairs)


def _no_number(_text: str) -> object:
    raise ValueError("NaN and Infinity are no numbers")


def validated(model: type[M], value: object) -> M:
    """The value as the model has it. Raises ProblemError with everything that is wrong."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        faults = [
            Fault(where=_pointer(one["loc"]), fault=one["msg"].removeprefix("Value error, "))
            for one in found[:MOST_FAULTS]
        ]
        raise ProblemError(422, "The request has not the shape it must have.", faults) from None


def asked(model: type[M], request: web.Request) -> M:
    """What the query asks, each parameter given once. Raises ProblemError."""
    names = [name for name, _ in request.query.items()]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        faults = [Fault(where=shown(name), fault="is given more than once") for name in twice]
        raise ProblemError(422, "Each parameter may be given once.", faults)
    try:
        return validated(model, dict(request.query))
    except ProblemError as error:
        for fault in error.faults:
            fault.where = fault.where.removeprefix("/")
        raise


def _pointer(place: tuple[int | str, ...]) -> str:
    """RFC 6901, without the kinds of evidence by which the models are told apart."""
    return "".join(f"/{part}" for part in _parts(place))


def _parts(place: tuple[int | str, ...]) -> Iterator[str]:
    for part in place:
        if isinstance(part, int):
            yield str(part)
        elif part not in KINDS:
            yield shown(part).replace("~", "~0").replace("/", "~1")


def shown(name: str) -> str:
    """A name from outside as it can be shown: short and printable."""
    return "".join(char if char.isprintable() else "?" for char in name[:SHOWN])
