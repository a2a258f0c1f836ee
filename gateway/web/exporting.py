"""Tables of any length as files: sent as they are read, so that none is ever in memory whole."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence

from aiohttp import web

from gateway.cells import guarded
from gateway.web.guard import headers, log_fault

CSV, JSON_LINES = "text/csv; charset=utf-8; header=present", "application/jsonl; charset=utf-8"  # RFC 4180
_LINES = 200  # sent at once


async def exported(
    request: web.Request, kind: str, name: str, chunks: AsyncIterator[bytes]
) -> web.StreamResponse:
    """A file of that kind and name. Failing half-way breaks the connection: it must not look whole."""
    answer = web.StreamResponse(
        headers={
            **headers(request.path),
            "Content-Type": kind,
            "Content-Disposition": f'attachment; filename="{name}"',
        }
    )
    first = await anext(chunks)  # before anything is said, so that a store that fails is a 503
    await answer.prepare(request)
    try:
        await answer.write(first)
        async for chunk in chunks:
            await answer.write(chunk)
    except Exception as fault:
        log_fault(fault)
        if request.transport:
            request.transport.abort()
    return answer


async def csv_of(columns: Sequence[str], rows: AsyncIterator[Mapping[str, object]]) -> AsyncIterator[bytes]:
    """The table in parts; cells are guarded against spreadsheets that take them for formulas."""
    text = io.StringIO()
    out = csv.writer(text)
    out.writerow(columns)
    lines = 0
    async for row in rows:
        out.writerow([guarded(_cell(row[name])) for name in columns])
        lines += 1
        if lines % _LINES == 0:
            yield _taken(text)
    yield _taken(text)


async def json_lines_of(rows: AsyncIterator[Mapping[str, object]]) -> AsyncIterator[bytes]:
    """An object a line, in parts."""
    text = io.StringIO()
    lines = 0
    async for row in rows:
        text.write(json.dumps(row, ensure_ascii=False) + "\n")
        lines += 1
        if lines % _LINES == 0:
            yield _taken(text)
    yield _taken(text)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _taken(text: io.StringIO) -> bytes:
    octets = text.getvalue().encode("utf-8", "replace")
    text.seek(0)
    text.truncate()
    return octets
