"""GET /api/v1/people/{address} on a whole gateway: the dossier, as the independent verifier takes it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.web.machine import CONSENT, Machine

VERIFIER = Path(__file__).parents[2] / "deploy" / "verify_export.py"


async def test_the_dossier_of_a_person_who_was_mailed(machine: Machine, tmp_path: Path) -> None:
    """Evidence, a mail with its fate, an objection, a mail withheld: all there, and it verifies."""
    await machine.post("evidence", CONSENT)
    await machine.house.submit("anna@example.org")
    await machine.post("objections", {"address": "anna@example.org", "via": "letter", "operator": "jo"})
    await machine.house.submit("anna@example.org")
    said = await machine.ask("GET", "/api/v1/people/anna%40example.org")
    (section,) = said.json["sections"]
    path = tmp_path / "anna.json"
    path.write_text(said.text)
    verifier = await asyncio.create_subprocess_exec(sys.executable, "-I", VERIFIER, path)

    assert said.status == 200
    assert [one["kind"] for one in section["evidence"]] == ["consent", "objection"]
    assert [one["ground"] or one["reason"] for one in section["decisions"]] == ["consent", "objected"]
    assert section["decisions"][0]["fate"]["fate"] == "relayed"
    assert section["mail"]["withheld"] == 1
    assert await verifier.wait() == 0


async def test_a_rivals_token_is_told_nothing(machine: Machine) -> None:
    """Whom only the shop knows is not found by the rival (I8)."""
    await machine.post("evidence", CONSENT)

    assert (await machine.ask("GET", "/api/v1/people/anna%40example.org", token="rival")).status == 404
