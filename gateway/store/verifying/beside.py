"""Details beside a row: whether they are what the row's salted digest says they were (I7)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from gateway.store.spelling import canonical, digest

Details: TypeAlias = Mapping[str, object]


def is_right(table: str, expected: bytes, salt: bytes, columns: tuple[Any, ...]) -> bool:
    """Whether these columns of `table` after the salt are the details of that digest."""
    try:
        return any(digest(salt, details) == expected for details in _READ[table](*columns))
    except ValueError:  # no JSON, or no text any more
        return False


def _of_evidence(address: str, details: str) -> Iterator[Details]:
    yield _plain(details) | {"address": address}
    if not address:  # a row may have come without any
        yield _plain(details)


def _of_decision(address: str, campaign: str, message_id: str, detail: str) -> Iterator[Details]:
    yield {"address": address, "campaign": campaign, "message_id": message_id, "detail": detail}


def _of_fate(text: str) -> Iterator[Details]:
    yield {"text": text}


def _of_act(details: str) -> Iterator[Details]:
    yield _plain(details)


_READ: Mapping[str, Callable[..., Iterator[Details]]] = {
    "ledger": _of_evidence,
    "decisions": _of_decision,
    "fates": _of_fate,
    "acts": _of_act,
}


def _plain(text: str) -> dict[str, object]:
    """What the JSON says. Raises ValueError unless it is spelled in the one way that is canonical."""
    plain = json.loads(text)
    if not isinstance(plain, dict) or canonical(plain) != text:
        raise ValueError(text)
    return plain
