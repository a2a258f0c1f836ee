"""POST /api/v1/decisions: what would be decided on many people now; reads only, records nothing.

The answer holds for the moment it is given: just before each copy the gateway decides anew (I3).
"""

from __future__ import annotations

from typing import Annotated, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from gateway.address import MAX_PATH
from gateway.grants import known_categories
from gateway.intake import RawRow
from gateway.intake.recording import Rooms
from gateway.law.decision import Send
from gateway.law.evidence import Channel
from gateway.precheck import Checked, Mail, Records, precheck
from gateway.web.api.bearer import Caller
from gateway.web.api.problem import ProblemError
from gateway.web.api.reading import body_of, json_of, shown, validated
from gateway.web.api.route import answered
from gateway.web.api.rows import Name

MOST_ADDRESSES = 10_000
MOST_OCTETS = 4 << 20  # of a body: more than so many addresses take


class DecisionsBody(BaseModel):
    """Which mail, by what means, and to whom."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    category: Name
    channel: Channel = "email"
    addresses: Annotated[
        list[Annotated[str, Field(max_length=MAX_PATH)]], Field(min_length=1, max_length=MOST_ADDRESSES)
    ]


class DecisionOnAddress(BaseModel):
    """One decision and why. What is no address is `rejected`, and `reason` says what is wrong with it."""

    address: str
    decision: Literal["send", "withhold", "rejected"]
    ground: str | None
    reason: str | None
    article: str | None
    evidence: list[int] = Field(description="Ids of the rows it rests on.")


class Decisions(BaseModel):
    """A decision for each address, in the order in which they were asked."""

    category: str
    channel: str
    at: str = Field(description="The moment decided for.", json_schema_extra={"format": "date-time"})
    decisions: list[DecisionOnAddress]


class Deciding:
    """Decisions over HTTP."""

    def __init__(self, rooms: Rooms, records: Records) -> None:
        self._rooms = rooms
        self._records = records

    async def post(self, request: web.Request, caller: Caller) -> web.Response:
        """Decide on each address, for a category of the caller's controller."""
        body = validated(DecisionsBody, json_of(await body_of(request, MOST_OCTETS)))
        mail, now = self._mail(body, caller), self._rooms.clock.now()
        rows = (RawRow(number, {"email": address}) for number, address in enumerate(body.addresses))
        checked = precheck(self._records, self._rooms.keys, mail, rows, now)
        return answered(
            Decisions(
                category=body.category,
                channel=body.channel,
                at=now.isoformat(),
                decisions=[_decision(one) async for one in checked],
            )
        )

    def _mail(self, body: DecisionsBody, caller: Caller) -> Mail:
        """Another controller's category is as one that is not there (I8)."""
        config = self._rooms.config
        category = config.categories.get(body.category)
        if category is None or category.controller != caller.controller:
            raise ProblemError(404, f"There is no category {shown(body.category)!r}.")
        return Mail(
            controller=config.controllers[caller.controller],
            category=category,
            channel=body.channel,
            known_categories=known_categories(config, caller.controller),
        )


def _decision(checked: Checked) -> DecisionOnAddress:
    decision = checked.decision
    if decision is None:
        return DecisionOnAddress(
            address=checked.address,
            decision="rejected",
            ground=None,
            reason=checked.fault,
            article=None,
            evidence=[],
        )
    send = isinstance(decision, Send)
    return DecisionOnAddress(
        address=checked.address,
        decision="send" if send else "withhold",
        ground=decision.ground.value if isinstance(decision, Send) else None,
        reason=None if isinstance(decision, Send) else decision.reason.value,
        article=decision.article,
        evidence=list(decision.evidence),
    )
