"""/openapi.json: what the API says of itself is so."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway.law.evidence import KINDS
from gateway.web.api.rows import MOST_ROWS
from tests.web.machine import CONSENT, SECRETS, Machine

# What is well formed may still be refused for what it names or says (422: no category of this controller, a
# time ahead; 404: a category to decide on), what is within each bound may be too much together (413), and one
# address is written to only so often (429).
SETTINGS = """
[generation]
max-examples = 5
[checks]
positive_data_acceptance.expected-statuses = ["2xx", 404, 413, 422, 429]
negative_data_rejection.expected-statuses = [400, 401, 404, 413, 415, 422]
[dictionaries.categories]
values = ["newsletter", "club"]
[parameters]
"body.category" = {dictionary = "categories", probability = 0.8}
"""


@pytest.fixture
async def document(machine: Machine) -> Any:
    """The document that the gateway serves to anybody."""
    said = await machine.ask("GET", "/openapi.json", token=None)
    assert said.headers["Content-Type"].startswith("application/json")
    return said.json


async def test_schemathesis_finds_no_failure(machine: Machine, tmp_path: Path) -> None:
    """All checks on, in every phase, with valid and invalid requests made from the document: no failure.

    One worker: it is the same every time, and in several threads Python 3.11's own compiler may stumble.
    """
    await machine.post("evidence", CONSENT)
    await machine.house.submit("anna@example.org", "bram@example.org")
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(SETTINGS)

    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(settings)),
        *("run", f"{machine.house.url}/openapi.json", "--checks", "all", "--seed", "1", "--no-color"),
        *("--header", f"Authorization: Bearer {SECRETS['crm']}"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
    )
    told, _ = await run.communicate()

    assert run.returncode == 0, told.decode("utf-8", "replace")[-8000:]


async def test_every_operation_says_who_may_and_what_may_come(document: Any) -> None:
    """Each has a summary, its scope, a bearer token, and a schema for every status."""
    assert document["openapi"].startswith("3.1")
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert document["security"] == [{"bearer": []}]
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["summary"]
            assert "scope" in operation["description"]
            assert {"200", "401", "403", "429", "503"} <= operation["responses"].keys()
            for answer in operation["responses"].values():
                assert all("schema" in content for content in answer["content"].values())


async def test_what_is_not_there_is_not_described(machine: Machine, document: Any) -> None:
    """Each path of the document is one of the gateway, and answers as it says who may."""
    for path, operations in document["paths"].items():
        for method in operations:
            asked = path.replace("{address}", "anna@example.org")
            said = await machine.ask(method.upper(), asked, token=None)
            assert said.status == 401


async def test_every_kind_of_evidence_is_described(document: Any) -> None:
    """The body of an intake is one of the eight kinds, or many of them, as the validating models say."""
    schemas = document["components"]["schemas"]

    assert set(schemas["EvidenceRow"]["discriminator"]["mapping"]) == set(KINDS)
    assert schemas["EvidenceRows"]["properties"]["rows"]["maxItems"] == MOST_ROWS
    assert schemas["Objection"]["required"] == ["email", "kind"]


async def test_every_reference_leads_somewhere(document: Any) -> None:
    """No $ref is left hanging."""
    text = json.dumps(document)
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}

    assert named <= document["components"]["schemas"].keys()


async def test_no_name_of_the_house_is_told(document: Any) -> None:
    """The document is for anybody: no controller, category, login or token stands in it (I8)."""
    text = json.dumps(document)

    assert not [name for name in ("rival", "rumours", "Winkel", "crm", 'newsletter"') if name in text]
