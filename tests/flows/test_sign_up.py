"""Promise: a sign-up counts only from the click in the mail, for what was ticked, with its proof (L1, L2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import dkim
import pytest

from gateway.address import parse
from gateway.dossier import dossier, page
from gateway.dossier.consents import consent_records
from gateway.erasing import erase
from gateway.intake import record as put_on_record
from gateway.law.evidence import Consent
from gateway.mail.signature import load_key, record
from tests.salon import NAME, Visitor, visiting

ANNA = "anna@example.org"


@pytest.fixture
async def visitor(open_house: Callable[..., Any]) -> AsyncIterator[Visitor]:
    """Somebody at a browser."""
    async with aiohttp.ClientSession() as session:
        yield await visiting(open_house, session)


async def mailed(visitor: Visitor, category: str) -> bool:
    """Whether a mail of this category reaches Anna now."""
    _, text = await visitor.house.submit(ANNA, login="salontool", category=category)
    return "relayed=1" in text


async def test_it_counts_from_the_click(visitor: Visitor) -> None:
    """Nothing before it, though the link was looked at; then what was ticked and nothing else."""
    assert (await visitor.sign_up("tips")).status == 200
    link = await visitor.letter()
    assert not await mailed(visitor, "tips")

    visitor.house.clock.move(timedelta(hours=1))
    shown = await visitor.get(link)
    assert (shown.status, shown.form.buttons) == (200, 1)
    assert not await mailed(visitor, "tips")
    assert await visitor.facts() == []

    assert (await visitor.post(link)).status == 200
    assert await mailed(visitor, "tips")
    assert not await mailed(visitor, "deals")
    (consent,) = await visitor.facts()
    assert isinstance(consent, Consent)
    assert consent.occurred_at == consent.confirmed_at == consent.recorded_at == visitor.house.clock.now()


async def test_the_letter_is_signed_and_comes_from_the_controller(visitor: Visitor) -> None:
    """DKIM by the domain of its mailbox, and no unsubscribe fields: it is no marketing."""
    await visitor.sign_up("tips", "deals")
    (letter,) = await visitor.house.smarthost.arrived(1)

    (key,) = visitor.house.config.dkim
    _, strings = record(key.domain, key.selector, load_key(key.private_key_file.read_bytes()))
    assert dkim.verify(letter.content, dnsfunc=lambda *_, **__: "".join(strings).encode())
    assert (letter.sender, letter.recipients) == ("salon@shop.example", (ANNA,))
    assert b"List-Unsubscribe" not in letter.content


async def test_every_topic_ticked_is_confirmed_by_one_click(visitor: Visitor) -> None:
    """Two boxes, two consents, each with its own words."""
    await visitor.sign_up("tips", "deals", "events")
    await visitor.post(await visitor.letter())

    assert [one.category for one in await visitor.facts() if isinstance(one, Consent)] == ["tips", "deals"]


async def test_clicks_at_the_same_time_record_once(visitor: Visitor) -> None:
    """Ten at once and one later, with any body: 200 each time, one row."""
    await visitor.sign_up("tips")
    link = await visitor.letter()

    answers = await asyncio.gather(*(visitor.post(link) for _ in range(10)))
    visitor.house.clock.move(timedelta(minutes=1))
    answers.append(await visitor.post(link, data=b"\0anything", headers={"Content-Type": "no/type"}))

    assert {one.status for one in answers} == {200}
    assert len({one.text for one in answers}) == 1
    assert len(await visitor.facts()) == 1


async def test_an_objection_since_is_not_lifted_by_the_same_link(visitor: Visitor) -> None:
    """The link of a consent that was taken back gives none anew, and says so; signing up again does (L11)."""
    await visitor.sign_up("tips")
    link = await visitor.letter()
    await visitor.post(link)
    visitor.house.clock.move(timedelta(minutes=1))
    rooms = visitor.house.gateway.rooms
    row = {"email": ANNA, "kind": "objection", "via": "phone"}
    await put_on_record(rooms, "salon", [row], visitor.house.clock.now())
    visitor.house.clock.move(timedelta(minutes=1))

    again = await visitor.post(link)
    assert again.status == 200
    assert "took it back" in again.text
    assert not await mailed(visitor, "tips")

    await visitor.sign_up("tips")
    await visitor.post(await visitor.letter(2))
    assert await mailed(visitor, "tips")


async def test_after_an_erasure_a_click_is_a_new_consent(visitor: Visitor) -> None:
    """Who was erased between asking and clicking consents anew; who had clicked before does not (L25)."""
    rooms = visitor.house.gateway.rooms
    await visitor.sign_up("tips")
    used = await visitor.letter()
    await visitor.post(used)
    visitor.house.clock.move(timedelta(minutes=1))
    await visitor.sign_up("tips")
    unused = await visitor.letter(2)
    visitor.house.clock.move(timedelta(minutes=1))
    assert (await erase(rooms, "salon", parse(ANNA), "olga")).complete
    visitor.house.clock.move(timedelta(minutes=1))

    assert "took it back" in (await visitor.post(used)).text
    assert not await mailed(visitor, "tips")

    assert (await visitor.post(unused)).status == 200
    assert await mailed(visitor, "tips")


async def test_the_proof_is_in_the_dossier_until_it_is_erased(visitor: Visitor) -> None:
    """Words, version, where and when it was asked, all as shown; after erasure none of it, nowhere."""
    rooms = visitor.house.gateway.rooms
    form = await visitor.get("/subscribe/tips")
    await visitor.sign_up("tips")
    asked_at = visitor.house.clock.now().isoformat()
    visitor.house.clock.move(timedelta(hours=5))
    await visitor.post(await visitor.letter())
    wording = f"Yes, {NAME} may send me haartips by e-mail. I can withdraw this at any time."

    made = await dossier(rooms, ["salon"], parse(ANNA))
    (section,) = made.sections
    (row,) = section.held.evidence
    details = dict(row.stored.details or {})
    assert details["requested_at"] == asked_at
    assert details["wording"] == wording
    assert details["wording_version"].startswith("en-")
    assert details["source"] == f"double opt-in, asked on {visitor.house.url}/subscribe/tips"
    assert (details["language"], details["address"]) == ("en", ANNA)
    assert asked_at in page(made)
    (told,) = consent_records(section, made.made_at)
    (process,) = told["dpv:hasProcess"]  # type: ignore[misc]
    assert [one["@type"] for one in process["dpv:hasConsentStatus"]] == [
        ["dpv:ConsentRequested"],
        ["dpv:ConsentGiven"],
        ["dpv:ConsentGiven"],
    ]
    assert "Salon &lt;b&gt;Krul&lt;/b&gt; &amp; {Co} may send me haartips" in form.text

    visitor.house.clock.move(timedelta(minutes=1))
    await erase(rooms, "salon", parse(ANNA), "olga")
    (row, *_) = (await dossier(rooms, ["salon"], parse(ANNA))).sections[0].held.evidence
    assert row.stored.details is None
    await visitor.house.close()
    held = [file.read_bytes() for file in rooms.config.gateway.state_dir.iterdir() if file.is_file()]
    assert not [one for one in held if asked_at.encode() in one]


async def test_a_link_is_dead_after_a_week(visitor: Visitor) -> None:
    """And then no other page than a forged one, to look at or to post."""
    await visitor.sign_up("tips")
    link = await visitor.letter()
    visitor.house.clock.move(timedelta(days=7))

    late, forged = [
        [await visitor.get(one), await visitor.post(one)] for one in (link, visitor.house.url + "/confirm/x")
    ]

    assert [(one.status, one.text) for one in late] == [(one.status, one.text) for one in forged]
    assert {one.status for one in late} == {404}
    assert await visitor.facts() == []


async def test_nothing_is_said_to_be_recorded_while_the_store_is_away(visitor: Visitor) -> None:
    """503 with a button to try again; once it is back the same link works (I3, I4)."""
    await visitor.sign_up("tips")
    link = await visitor.letter()
    file = visitor.house.config.gateway.state_dir / "sendright.db"
    away = file.rename(file.with_name("away.db"))

    failed = await visitor.post(link)
    away.rename(file)

    assert (failed.status, failed.form.buttons) == (503, 1)
    assert "Retry-After" in failed.headers
    assert (await visitor.post(link)).status == 200
    assert len(await visitor.facts()) == 1
