"""POST /api/v1/signups: a form elsewhere, a mail of ours, a consent from its click (L1, L2, L23)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.law.evidence import Consent
from tests.salon import link_in
from tests.web.machine import Machine

ANNA: dict[str, Any] = {"address": "anna@example.org", "categories": ["club"]}
OWN = {"club": {"wording": "Ja, graag.", "wording_version": "7"}}


async def clicked(machine: Machine, count: int = 1) -> int:
    """Press the button behind the link of the last of so many letters; the status of the answer."""
    link = link_in((await machine.house.smarthost.arrived(count))[count - 1])
    return await machine.house.click(link)


async def proofs(machine: Machine) -> list[Mapping[str, Any]]:
    """What stands beside Anna's rows."""
    rooms = machine.house.gateway.rooms
    held = await rooms.records.of("shop", rooms.keys.hash("shop", "anna@example.org"))
    return [one.stored.details or {} for one in held.evidence]


async def test_it_counts_from_the_click(machine: Machine) -> None:
    """The answer says until when the link works; before the click nothing is on record."""
    said = await machine.post("signups", ANNA)
    assert said.status == 200
    expires_at = datetime.fromisoformat(said.json.pop("expires_at"))
    assert said.json == {"asked": True, "dropped": []}
    assert expires_at == machine.house.clock.now() + timedelta(days=7)
    assert await machine.on_record() == []

    machine.house.clock.move(timedelta(hours=1))
    assert await clicked(machine) == 200

    (consent,) = await machine.on_record()
    assert isinstance(consent, Consent)
    assert (consent.category, consent.confirmed_at) == ("club", machine.house.clock.now())


async def test_the_form_s_own_words_are_the_proof(machine: Machine) -> None:
    """Wording, version, page and language as given; in the letter, and on record after the click."""
    page = "https://shop.example/sign-up"
    body = ANNA | {"wordings": OWN, "page": page, "language": "fr"}

    assert (await machine.post("signups", body)).status == 200
    assert await clicked(machine) == 200

    (details,) = await proofs(machine)
    said = {name: details[name] for name in ("wording", "wording_version", "source", "language")}
    assert said == {
        "wording": "Ja, graag.",
        "wording_version": "7",
        "source": f"double opt-in, asked on {page}",
        "language": "fr",
    }


async def test_words_with_line_ends_of_any_kind_are_mailed(machine: Machine) -> None:
    """No bare CR or LF leaves for the next hop, which would refuse it or be fooled by it."""
    own = {"wording": "Ja,\rgraag.\r\n.\nToch?\x0b\x1b", "wording_version": "7"}

    assert (await machine.post("signups", ANNA | {"wordings": {"club": own}})).status == 200
    assert await clicked(machine) == 200

    (letter,) = machine.house.smarthost.messages
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\x1b", letter.content)
    assert (await proofs(machine))[0]["wording"] == own["wording"].strip()


async def test_without_words_of_its_own_ours_are_asked(machine: Machine) -> None:
    """In the controller's language, and the token stands for the page."""
    await machine.post("signups", ANNA)
    await clicked(machine)

    (details,) = await proofs(machine)
    assert details["wording"].startswith("Ja, De Winkel mag mij Club per e-mail sturen.")
    assert details["wording_version"].startswith("nl-")
    assert details["source"] == "double opt-in, asked on the API by crm"


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"address": "anna"}, "/address"),
        ({"address": "a b@example.org"}, "/address"),
        ({"categories": ["newsletter"]}, "/categories/0"),
        ({"categories": ["club", "rumours"]}, "/categories/1"),
        ({"categories": ["club", "nothing"]}, "/categories/1"),
        ({"categories": ["club", "club"]}, "/categories/1"),
        ({"categories": []}, "/categories"),
        ({"categories": None}, "/categories"),
        ({"language": "tlh"}, "/language"),
        ({"wordings": {"offers": OWN["club"]}}, "/wordings/offers"),
        ({"wordings": {"club": {"wording": " ", "wording_version": "7"}}}, "/wordings/club"),
        ({"wordings": {"club": {"wording": "Ja"}}}, "/wordings/club/wording_version"),
        ({"wordings": {"club": OWN["club"] | {"more": 1}}}, "/wordings/club/more"),
    ],
)
async def test_what_is_wrong_is_named(machine: Machine, change: dict[str, Any], where: str) -> None:
    """A pointer to each fault, and nobody is written to."""
    said = await machine.post("signups", ANNA | change)
    await machine.house.close()

    assert said.status == 422
    assert [fault["where"] for fault in said.json["faults"]] == [where]
    assert machine.house.smarthost.messages == []


async def test_words_that_fit_no_link_are_refused(machine: Machine) -> None:
    """They cannot be shown again at the click, and what was not shown proves nothing."""
    noise = "".join(chr(0x4E00 + number * 7919 % 20_000) for number in range(4000))

    said = await machine.post(
        "signups", ANNA | {"wordings": {"club": {"wording": noise, "wording_version": "7"}}}
    )

    assert said.status == 422
    assert "too long" in said.json["detail"]


async def test_more_than_an_address_is_dropped_and_named(machine: Machine) -> None:
    """Nothing but the address is collected (L23)."""
    said = await machine.post("signups", ANNA | {"birth_date": "1990-05-05", "name": "Anna"})
    await clicked(machine)

    (details,) = await proofs(machine)
    assert said.json["dropped"] == ["birth_date", "name"]
    assert "1990-05-05" not in str(details)


async def test_a_controller_without_a_mailbox_is_told(machine: Machine) -> None:
    """Nothing can be confirmed there."""
    said = await machine.post("signups", ANNA, token="rival")

    assert said.status == 422
    assert "mail_from" in said.json["detail"]


async def test_it_needs_the_scope_of_evidence(machine: Machine) -> None:
    """A token that may only object signs nobody up."""
    assert (await machine.post("signups", ANNA, token="form")).status == 403


async def test_nobody_is_flooded_through_it(machine: Machine) -> None:
    """Three letters an hour to one address; then 429, with the time to wait."""
    statuses = [(await machine.post("signups", ANNA)).status for _ in range(3)]
    over = await machine.post("signups", ANNA)
    machine.house.clock.move(timedelta(hours=1))
    later = await machine.post("signups", ANNA)

    assert (statuses, over.status, later.status) == ([200] * 3, 429, 200)
    assert over.headers["Retry-After"] == "3600"


async def test_the_answer_tells_nothing_of_the_person(machine: Machine) -> None:
    """Signed up before or not, it is the same, octet for octet."""
    await machine.post("signups", ANNA)
    await clicked(machine)

    known, unknown = [
        await machine.post("signups", ANNA | {"address": address})
        for address in ("anna@example.org", "nobody@example.org")
    ]

    assert (known.status, known.text) == (unknown.status, unknown.text)
