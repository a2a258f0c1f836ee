"""POST /api/v1/evidence: rows become evidence on record, all of them or none.

Evidence is idempotent by itself: a row on record is not recorded again. An Idempotency-Key adds that the
same request is also answered the same, for a day (draft-ietf-httpapi-idempotency-key-header).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import structlog
from aiohttp import web
from pydantic import BaseModel, Field

from gateway.intake import RowsRejectedError, Taken, record_together
from gateway.intake.recording import Rooms
from gateway.objecting import Recorded as Objected
from gateway.ports import Answered, Idempotency, StoreUnavailableError
from gateway.web.api.bearer import Caller
from gateway.web.api.problem import Fault, ProblemError
from gateway.web.api.reading import MOST_FAULTS, body_of, json_of, validated
from gateway.web.api.route import answered
from gateway.web.api.rows import EvidenceList, EvidenceRow, EvidenceRows

MOST_OCTETS = 1 << 20  # of a body
KEPT = timedelta(days=1)  # answers, by their Idempotency-Key
HEADER = "Idempotency-Key"
_KEY = re.compile(r"[!-~]{1,255}")  # visible ASCII

log = structlog.get_logger()


class RecordedRow(BaseModel):
    """What became of a row."""

    id: int = Field(description="The row's id on record.")
    new: bool = Field(description="Whether it was put on record now, or was there before.")
    counts: bool = Field(description="False for a consent without its proof, which never counts (L2).")
    note: str | None = Field(description="Why it does not count, or what else was recorded.")
    dropped: list[str] = Field(description="Fields that were not stored (L23).")


class Recorded(BaseModel):
    """Every row is on record; in the order in which they were posted."""

    rows: list[RecordedRow]


class Evidence:
    """Intake over HTTP."""

    def __init__(self, rooms: Rooms, idempotency: Idempotency, confirm: Callable[[Objected], object]) -> None:
        """`confirm` hears of refusals that were said just now (L31)."""
        self._rooms = rooms
        self._idempotency = idempotency
        self._confirm = confirm
        self._under_way: set[tuple[str, str]] = set()

    async def post(self, request: web.Request, caller: Caller) -> web.Response:
        """Put the rows on record, or say again what was said to the same request."""
        key = self._key(request)
        body = await body_of(request, MOST_OCTETS)
        if key is None:
            return answered(await self._record(body, caller))
        with self._alone(caller.name, key):
            known = await self._known(caller.name, key, body)
            if known is not None:
                return web.Response(text=known, content_type="application/json")
            answer = answered(await self._record(body, caller))
            await self._keep(caller.name, key, Answered(self._digest(body), str(answer.text)))
            return answer

    async def _record(self, body: bytes, caller: Caller) -> Recorded:
        value = json_of(body)
        rows, place = _rows(value)
        try:
            taken = await record_together(self._rooms, caller.controller, rows, self._confirm)
        except RowsRejectedError as error:
            told = [
                Fault(where=place.format(one.row), fault=one.reason) for one in error.faults[:MOST_FAULTS]
            ]
            raise ProblemError(422, "Nothing was recorded: at least one row is no evidence.", told) from None
        return Recorded(rows=[_recorded(one) for one in taken])

    def _key(self, request: web.Request) -> str | None:
        """The key's keyed hash: what a client writes there may name a person."""
        given = request.headers.getall(HEADER, [])
        if not given:
            return None
        if len(given) > 1 or not _KEY.fullmatch(given[0]):
            raise ProblemError(400, f"{HEADER} must be one text of 1 to 255 visible ASCII characters.")
        return self._rooms.keys.digest("idempotency-key", given[0].encode()).hex()

    def _digest(self, body: bytes) -> bytes:
        return self._rooms.keys.digest("idempotency-body", body)

    @contextmanager
    def _alone(self, token: str, key: str) -> Iterator[None]:
        if (token, key) in self._under_way:
            raise ProblemError(409, f"A request with this {HEADER} is still under way.")
        self._under_way.add((token, key))
        try:
            yield
        finally:
            self._under_way.discard((token, key))

    async def _known(self, token: str, key: str, body: bytes) -> str | None:
        known = await self._idempotency.find(token, key, self._rooms.clock.now())
        if known is None:
            return None
        if known.body != self._digest(body):
            raise ProblemError(422, f"This {HEADER} was used for another body.")
        return known.answer

    async def _keep(self, token: str, key: str, answer: Answered) -> None:
        """What is on record is on record: an answer that cannot be kept is given all the same."""
        now = self._rooms.clock.now()
        try:
            await self._idempotency.keep(token, key, answer, now, now + KEPT)
        except StoreUnavailableError as error:
            log.warning("api.answer-not-kept", fault=type(error).__name__)


def _rows(value: object) -> tuple[Sequence[Mapping[str, Any]], str]:
    """The rows of a body, whose shape is right, and where each stands in it. Raises ProblemError."""
    rows: list[dict[str, Any]]
    if isinstance(value, list):
        validated(EvidenceList, value)
        rows, place = value, "/{}"
    elif isinstance(value, dict) and "rows" in value and "kind" not in value:
        validated(EvidenceRows, value)
        rows, place = value["rows"], "/rows/{}"
    else:
        validated(EvidenceRow, value)
        assert isinstance(value, dict)  # noqa: S101 -- a row is one
        rows, place = [value], ""
    return rows, place


def _recorded(taken: Taken) -> RecordedRow:
    return RecordedRow(
        id=taken.id,
        new=taken.new,
        counts=taken.counts,
        note=taken.note or None,
        dropped=list(taken.dropped),
    )
