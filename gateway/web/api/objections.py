"""POST /api/v1/objections: an objection that came in by any route (L11).

Rules of this file:

1. 200 is said after the ledger has committed it, and never else (I3).
2. It needs only an address: nothing else is ever a reason to turn it away (law.md section 3).
3. The answer is the same whether anything is known of the address or not.
"""

from __future__ import annotations

from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gateway.address import AddressError, parse
from gateway.grants import known_categories
from gateway.intake.fields import kept, moment_of
from gateway.intake.recording import Rooms
from gateway.metrics import Metrics
from gateway.objecting import Objecting, checked_scope
from gateway.web.api.bearer import Caller
from gateway.web.api.problem import Fault, ProblemError
from gateway.web.api.reading import body_of, json_of, shown, validated
from gateway.web.api.route import answered
from gateway.web.api.rows import Address, Unbound

MOST_OCTETS = 1 << 16  # of a body
VIA = "api"  # where it is not said how it came


class ObjectionBody(BaseModel):
    """Who objects, to what, and how we know. Fields beyond these are not stored, and named in the answer."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    address: Address
    scope: Unbound = Field(
        default=None,
        description="marketing, category:ID, profiling or channel:NAME; anything else is all marketing.",
        examples=["marketing"],
    )
    via: Unbound = Field(
        default=None, description="phone, letter, reply, complaint, or words.", examples=["phone"]
    )
    operator: Unbound = Field(default=None, description="Who took it; else the token's name.")
    reference: Unbound = Field(default=None, description="Where the letter or call is filed.")
    message_reference: Unbound = Field(default=None, description="The reference of the mail it answers.")
    occurred_at: Unbound = Field(
        default=None,
        description="When: a time with a zone, else the time of recording.",
        examples=["2026-03-01T09:30:00+01:00"],
    )


class ObjectionRecorded(BaseModel):
    """The objection is on record and counts from now on."""

    recorded: Literal[True]
    scope: str = Field(description="As it was understood.")
    dropped: list[str] = Field(description="Fields that were not stored (L23).")


class Objections:
    """Objections over HTTP."""

    def __init__(self, rooms: Rooms, objecting: Objecting, metrics: Metrics) -> None:
        self._rooms = rooms
        self._objecting = objecting
        self._metrics = metrics

    async def post(self, request: web.Request, caller: Caller) -> web.Response:
        """Put the objection on record."""
        body = validated(ObjectionBody, json_of(await body_of(request, MOST_OCTETS)))
        try:
            mailbox = parse(body.address.strip())
        except AddressError as error:
            raise ProblemError(
                422, "Nothing was recorded.", [Fault(where="/address", fault=str(error))]
            ) from None
        own = known_categories(self._rooms.config, caller.controller)  # I8
        (recorded,) = await self._objecting.object_address(
            mailbox,
            [caller.controller],
            scope=checked_scope(kept(body.scope), own),
            via=kept(body.via) or VIA,
            operator=kept(body.operator) or kept(caller.name),
            reference=kept(body.reference),
            message_reference=kept(body.message_reference),
            occurred_at=moment_of(body.occurred_at),
        )
        if recorded.new:
            self._metrics.objection(VIA)
        dropped = sorted(shown(name) for name in body.model_extra or {})
        return answered(ObjectionRecorded(recorded=True, scope=recorded.scope, dropped=dropped))
