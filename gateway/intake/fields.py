"""One value of a row, read strictly; and what a refusal says, kept whatever it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

# Contract section 6: the fixed set of fields; any other is dropped and named (L23).
FIELDS: tuple[str, ...] = (
    "email",
    "kind",
    "category",
    "occurred_at",
    "source",
    "wording",
    "wording_version",
    "channels",
    "ip",
    "language",
    "confirmed_at",
    "third_party",
    "expires_at",
    "reference",
    "corrects",
    "via",
    "product_group",
    "paid",
    "ongoing",
    "ended_at",
    "optout_offered_at",
    "optout_offered_how",
    "optout_used",
    "scope",
    "message_reference",
    "operator",
    "subject",
    "version",
    "what",
    "listed",
    "smtp_reply",
)

LONGEST: Mapping[str, int] = {  # characters; what is not named here may have SHORT
    "wording": 20_000,
    "source": 2_000,
    "optout_offered_how": 2_000,
    "smtp_reply": 2_000,
    "third_party": 2_000,
}
SHORT = 500
_SCALAR = (bool, int, float)
MOST_ID = (1 << 63) - 1


class RawRow(NamedTuple):  # made in a third of the time of a frozen dataclass, and files have millions
    """A row as it came: its line (from 1), its known fields by lower-case name, and what broke it, if any.

    Values are text (CSV), or what JSON has: text, numbers, booleans, lists, None. `dropped` names the
    fields that are not known (L23).
    """

    line: int
    fields: Mapping[str, object]
    fault: str = ""
    dropped: tuple[str, ...] = ()


def is_blank(value: object) -> bool:
    """Whether a field says nothing: absent, null, or white space."""
    return value is None or (isinstance(value, str) and not value.strip())


def kept(value: object, most: int = SHORT) -> str:
    """Any value as storable text: what a refusal says is kept in some form, never a reason to reject it."""
    if is_blank(value):
        return ""
    text = value if isinstance(value, str) else json.dumps(value) if isinstance(value, _SCALAR) else "?"
    whole = text.strip()[:most].encode("utf-8", "replace").decode("utf-8")  # lone surrogates become "?"
    return whole.replace("\0", "?")


def moment_of(value: object) -> datetime | None:
    """The time that RFC 3339 or ISO 8601 text names, in UTC; None for anything else, or without a zone."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip().upper())  # RFC 3339 section 5.6: "t" and "z" as well
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


class Reading:
    """Reads a row's fields one by one and collects what is wrong with them."""

    __slots__ = ("_fields", "faults")

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields
        self.faults: list[str] = []

    def fault(self, text: str) -> None:
        """Note what is wrong."""
        self.faults.append(text)

    def text(self, name: str, *, must: bool = False) -> str:
        """The field's text, trimmed; empty when it says nothing."""
        value = self._fields.get(name)
        if is_blank(value):
            if must:
                self.fault(f"{name} is missing")
            return ""
        if isinstance(value, str):
            return self._sound(name, value.strip())
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self._sound(name, json.dumps(value))
        self.fault(f"{name} must be text")
        return ""

    def _sound(self, name: str, text: str) -> str:
        """Text that every database can hold (design section 6), within bounds."""
        most = LONGEST.get(name, SHORT)
        if len(text) > most:
            self.fault(f"{name} is longer than {most} characters")
        elif "\0" in text:
            self.fault(f"{name} has a NUL character")
        elif not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text):
            self.fault(f"{name} is not valid UTF-8")
        else:
            return text
        return ""

    def moment(self, name: str, *, must: bool = False) -> datetime | None:
        """The field's time; it needs a zone."""
        value = self._fields.get(name)
        if is_blank(value):
            if must:
                self.fault(f"{name} is missing")
            return None
        moment = moment_of(value)
        if moment is None:
            self.fault(f"{name} must be a time with a zone, as 2026-03-01T09:30:00+01:00")
        return moment

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        """Yes or no: a JSON boolean, or the words true and false. No default: it must be given."""
        value = self._fields.get(name)
        if isinstance(value, bool):
            return value
        if is_blank(value):
            if default is None:
                self.fault(f"{name} is missing")
            return bool(default)
        word = value.strip().lower() if isinstance(value, str) else ""
        if word not in ("true", "false"):
            self.fault(f"{name} must be true or false")
        return word == "true"

    def names(self, name: str, separator: str | None) -> list[str] | None:
        """The field's names: a JSON list of texts, or one text split at `separator` (None: white space)."""
        value = self._fields.get(name)
        if is_blank(value):
            return None
        if isinstance(value, str):
            value = value.split(separator)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.fault(f"{name} must be a list of texts")
            return None
        found = [self._sound(name, one.strip()) for one in value if one.strip()]
        if not found:
            self.fault(f"{name} is empty")
        if sum(map(len, found)) > LONGEST.get(name, SHORT):
            self.fault(f"{name} is longer than {LONGEST.get(name, SHORT)} characters")
        return found

    def number(self, name: str) -> int | None:
        """The field's evidence id, from 1 to 2**63 - 1."""
        value = self._fields.get(name)
        if is_blank(value):
            return None
        if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
            value = int(value.strip()[:20])
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MOST_ID:
            self.fault(f"{name} must be the id of a row on record")
            return None
        return value
