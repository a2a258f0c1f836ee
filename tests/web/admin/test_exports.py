"""An exported dossier is the one the command prints, and holds without the gateway."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.house import ANNA
from tests.web.admin.conftest import Browser, Office, Page
from tests.web.admin.officers import acts_about_people, officer

__all__ = ["officer"]

VERIFIER = Path(__file__).parents[3] / "deploy" / "verify_export.py"


async def printed(office: Office, form: str) -> str:
    """What the command prints."""
    path = office.house.config.folder / "gateway.toml"
    command = [sys.executable, "-m", "gateway", "dossier", ANNA, "--config", path, "--format", form]
    ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=True)
    return ran.stdout.decode()


async def exported(officer: Browser, form: str) -> Page:
    """What the page gives."""
    return await officer.post("/admin/people/export", address=ANNA, **{"as": form})


def timeless(text: str) -> Any:
    """A dossier as JSON, without when it was made, what is signed with that, and which seals there were."""
    body = json.loads(text)
    assert body.pop("made_at")
    assert body.pop("signature")
    for section in body["sections"]:
        section.pop("seals")
        for record in section["consent_records"]:
            assert record.pop("dct:modified")
    return body


async def test_an_export_holds_without_the_gateway(office: Office, officer: Browser, tmp_path: Path) -> None:
    """The verifier, which has nothing of Sendright, finds it whole and signed; its name tells nothing."""
    await office.house.consent(ANNA)
    await office.house.submit(ANNA)

    page = await exported(officer, "json")

    file = tmp_path / "saved.json"
    file.write_text(page.text)
    command = [sys.executable, "-I", VERIFIER, file]
    ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout.partition(" ")[0]) == (0, "signed")
    assert page.headers["Content-Disposition"] == 'attachment; filename="dossier.json"'
    assert page.headers["Content-Type"].startswith("application/json")
    assert await acts_about_people(office) == [("olga", "export-dossier")]


async def test_as_data_it_is_what_the_command_prints(office: Office, officer: Browser) -> None:
    """Octet for octet, apart from times."""
    await office.house.consent(ANNA)
    await office.house.submit(ANNA)
    commanded = await printed(office, "json")

    page = await exported(officer, "json")

    assert page.text == json.dumps(json.loads(page.text), indent=2) + "\n"
    assert timeless(page.text) == timeless(commanded)


async def test_as_a_page_it_is_what_the_command_prints(office: Office, officer: Browser) -> None:
    """Octet for octet, apart from times."""
    await office.house.consent(ANNA)
    await office.house.submit(ANNA)
    commanded = await printed(office, "html")

    page = await exported(officer, "html")

    a_time = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")
    assert page.headers["Content-Disposition"] == 'attachment; filename="dossier.html"'
    assert page.text.startswith("<!doctype html>")
    assert a_time.sub("", page.text) == a_time.sub("", commanded)
