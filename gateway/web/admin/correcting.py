"""The form of a correction: what is on record as fields of an import, and faults beside their fields.

A correction is a newer row that names the older one (law.md section 3); intake checks it as any row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from gateway.dossier.records import EvidenceRecord
from gateway.dossier.words import facts_of
from gateway.intake import FIELDS
from gateway.intake.kinds import MAY_CARRY, REFUSALS

YES_OR_NO: Final = frozenset({"paid", "ongoing", "optout_used", "listed"})
LONG: Final = frozenset({"wording"})
HINTS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("occurred_at", "confirmed_at", "expires_at", "ended_at", "optout_offered_at"),
        "a time with a zone, as 2026-03-01T09:30:00+01:00",
    ),
    "channels": "separated by spaces; without any: email",
    "third_party": "companies named in the wording, separated by semicolons",
}
_HASHED = frozenset({"reference", "optout_offered_how"})  # of which a fact holds not what was said
_SEPARATED = {"channels": " ", "third_party": "; "}
_NAMED = re.compile(rf"({'|'.join(FIELDS)})\b")


def can_be_corrected(row: EvidenceRecord) -> bool:
    """Objections and withdrawals are not corrected away (law.md section 3)."""
    return row.kind not in REFUSALS


def fields_of(kind: str) -> list[str]:
    """What a row of this kind may carry, in the order of the import file."""
    return [name for name in FIELDS if name in MAY_CARRY[kind] and name != "corrects"]


def on_record(row: EvidenceRecord) -> dict[str, str]:
    """What the row says, as a form shows it; details say more than facts, as long as they are there."""
    facts = {name: value for name, value in facts_of(row.fact).items() if name not in _HASHED}
    said = {"occurred_at": row.fact.occurred_at.isoformat()} | facts | dict(row.stored.details or {})
    return {name: _shown(name, said.get(name)) for name in fields_of(row.kind)}


def _shown(name: str, value: object) -> str:
    if isinstance(value, list | tuple):
        return _SEPARATED.get(name, " ").join(map(str, value))
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def row_of(row: EvidenceRecord, address: str, form: Mapping[str, str]) -> dict[str, object]:
    """The newer row, as intake takes it."""
    said = {name: form.get(name, "") for name in fields_of(row.kind)}
    return {"email": address, "kind": row.kind, "corrects": row.fact.id} | said


def faults_by_field(reason: str) -> dict[str, str]:
    """Why a row is no evidence, each part under the field it begins with; under "" what is of no field."""
    found: dict[str, str] = {}
    name = ""
    for part in reason.split("; "):
        if named := _NAMED.match(part):
            name = named[1]
        found[name] = f"{found[name]}; {part}" if name in found else part
    return found
