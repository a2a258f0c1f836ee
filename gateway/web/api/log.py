"""GET /api/v1/log: what was decided and what became of it, in pages as JSON, or whole as CSV."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import datetime
from typing import Annotated, Literal

from aiohttp import web
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from gateway.address import AddressError, parse
from gateway.ids import from_ref, ref, time_of
from gateway.intake.fields import SHORT
from gateway.intake.recording import Rooms
from gateway.law.reason import Reason
from gateway.ports import Filters, Log, LogEntry, LogPage
from gateway.web.api.bearer import Caller
from gateway.web.api.problem import Fault, ProblemError
from gateway.web.api.reading import asked
from gateway.web.api.route import answered
from gateway.web.exporting import CSV, csv_of, exported
from gateway.web.times import is_time, since_of, until_of

MOST, USUAL = 1000, 100  # entries of a page
SETTLED = 1.0  # seconds after which what was decided is on record, whoever of several workers writes it
_COLUMNS = tuple(field.name for field in fields(LogEntry))
REF = r"^[0-7][0-9a-hjkmnp-tv-z]{12}$"  # of an id, as ids.ref spells it


def _moment(text: str) -> str:
    if not is_time(text):
        raise ValueError("must be a day, or a time with a zone as 2026-03-01T09:30:00%2B01:00")
    return text


def _digits(value: object) -> object:
    if isinstance(value, str) and not (value.isascii() and value.isdigit()):
        raise ValueError("must be a whole number")
    return value


def _cursor(text: str) -> str:
    from_ref(text)
    return text


Text = Annotated[str, Field(max_length=SHORT)]
Time = Annotated[
    Text,
    AfterValidator(_moment),
    Field(json_schema_extra={"anyOf": [{"format": "date"}, {"format": "date-time"}]}),
]


class LogQuery(BaseModel):
    """Which decisions; filters narrow together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    withheld: Literal["true", "false"] = Field("false", description="Only what was withheld.")
    since: Time | None = Field(None, description="From this time on; a day counts from its start (UTC).")
    until: Time | None = Field(None, description="Up to this time; a day counts to its end (UTC).")
    reason: Reason | None = Field(None, description="Only this reason code.")
    category: Text | None = Field(None, description="Only this category.")
    campaign: Text | None = Field(None, description="Only this campaign.")
    login: Text | None = Field(None, description="Only this login.")
    address: Annotated[Text, Field(json_schema_extra={"format": "email"})] | None = Field(
        None, description="Only this person."
    )
    limit: Annotated[int, Field(ge=1, le=MOST), BeforeValidator(_digits)] = Field(
        USUAL, description="Entries of a page; not for CSV."
    )
    cursor: Annotated[str, Field(pattern=REF)] | None = Field(
        None, description="Where to go on: `next` of the page before."
    )


class Entry(BaseModel):
    """One decision, as `sendright log --json` prints it. What was erased, or there is none of, is null."""

    time: str = Field(json_schema_extra={"format": "date-time"})
    ref: str = Field(description="Of the submission, as its client was told.")
    login: str
    controller: str
    category: str | None
    campaign: str | None
    message_id: str | None
    address: str | None
    decision: Literal["send", "withhold"]
    ground: str | None
    reason: str | None
    fate: Literal["relayed", "refused", "deferred", "unknown"] | None


class LogAnswer(BaseModel):
    """A page, oldest first. While there are more it may hold fewer than asked, even none: go on by `next`."""

    entries: list[Entry]
    next: str | None = Field(description="The cursor of the next page; null where there is none now.")


class Reading:
    """The log over HTTP."""

    def __init__(self, rooms: Rooms, log: Log) -> None:
        self._rooms = rooms
        self._log = log

    async def get(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """A page, or everything as CSV."""
        query = asked(LogQuery, request)
        filters = self._filters(query, caller)
        if _wants_csv(request.headers.get("Accept", "")):
            rows = (_row(entry) async for entry in self._log.entries(filters))
            return await exported(request, CSV, "log.csv", csv_of(_COLUMNS, rows))
        after = from_ref(query.cursor) if query.cursor else 0
        page = await settled(self._log, filters, after, query.limit, self._rooms.clock.now())
        following = ref(page.next) if page.next is not None else None
        answer = answered(LogAnswer(entries=[_entry(one) for one in page.entries], next=following))
        if following:
            link = request.rel_url.update_query(cursor=following)
            answer.headers["Link"] = f'<{link}>; rel="next"'  # RFC 8288
        return answer

    def _filters(self, query: LogQuery, caller: Caller) -> Filters:
        """What the query narrows to, within the caller's controller (I8)."""
        return Filters(
            withheld=query.withheld == "true",
            since=since_of(query.since),
            until=until_of(query.until),
            reason=query.reason.value if query.reason else None,
            category=query.category,
            campaign=query.campaign,
            login=query.login,
            controller=caller.controller,
            people=self._people(query.address, caller),
        )

    def _people(self, address: str | None, caller: Caller) -> tuple[tuple[str, bytes], ...] | None:
        if address is None:
            return None
        try:
            mailbox = parse(address.strip())
        except AddressError as error:
            fault = Fault(where="address", fault=str(error))
            raise ProblemError(422, "There is no such address.", [fault]) from None
        return ((caller.controller, self._rooms.keys.hash(caller.controller, mailbox.comparable)),)


async def settled(
    log: Log,
    filters: Filters,
    after: int,
    most: int,
    now: datetime,
    pause: Callable[[float], Awaitable[object]] = asyncio.sleep,
) -> LogPage:
    """A page whose cursor passes over nothing: ids are made before they are committed, by several workers.

    One that would end in the last moments is read again once these are over; what came meanwhile makes it
    end earlier, or where it did. `pause` waits for so many seconds. Raises StoreUnavailableError.
    """
    page = await log.page(filters, after, most)
    age = (now - time_of(page.next)).total_seconds() if page.next is not None else SETTLED
    if age >= SETTLED:
        return page
    await pause(min(SETTLED, SETTLED - age))
    return await log.page(filters, after, most)


def _entry(entry: LogEntry) -> Entry:
    return Entry.model_validate(_row(entry))


def _row(entry: LogEntry) -> dict[str, object]:
    return {name: _value(entry, name) for name in _COLUMNS}


def _value(entry: LogEntry, name: str) -> str | None:
    """What there is none of is None."""
    value = getattr(entry, name)
    return value.isoformat() if isinstance(value, datetime) else value or None


def _wants_csv(accept: str) -> bool:
    """Whether CSV is named before JSON, or alone."""
    kinds = [kind.partition(";")[0].strip().lower() for kind in accept.split(",")]
    return next((kind for kind in kinds if kind in ("text/csv", "application/json")), "") == "text/csv"
