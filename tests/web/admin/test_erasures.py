"""Officers erase in two steps: what would go and what stays is shown first, and refusals bind on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest

from gateway.erasing import Held
from gateway.law.evidence import Objection
from gateway.store.erasure import Erasure
from gateway.web.admin import erasures
from tests.doubles import Stage
from tests.flows.test_erasure import found_in, purchase, spellings
from tests.house import ANNA, BRAM
from tests.web.admin.conftest import Browser, Office
from tests.web.admin.officers import acts_about_people, officer, on_record, street, words_of

__all__ = ["officer", "street"]


async def test_first_it_is_shown_what_would_go_and_what_stays(office: Office, officer: Browser) -> None:
    """Counts of what would be erased, and why the rest stays; nothing is changed by looking."""
    await office.house.consent(ANNA)
    await office.house.record({"email": ANNA, "kind": "objection"})
    await office.house.submit(ANNA)

    page = await officer.post("/admin/people/erase", address=ANNA, controller="shop")

    text = words_of(page)
    for said in ("evidence2 rows", "mail1 decision ", "withdrawals1, as a keyed hash", "Nothing was changed"):
        assert said in text, said
    shown = await officer.post("/admin/people", address=ANNA)
    assert "Yes, send me the newsletter." in shown.text
    assert await acts_about_people(office) == [("olga", "show-dossier")]


@pytest.mark.parametrize("again", ["", "yes", BRAM])
async def test_without_the_address_typed_again_nothing_is_erased(
    office: Office, officer: Browser, again: str
) -> None:
    """The first step is shown again, and says that nothing was."""
    await office.house.consent(ANNA)

    page = await officer.post("/admin/people/erased", address=ANNA, again=again)

    assert (page.status, "Nothing was erased" in page.text) == (422, True)
    assert "Yes, send" in (await officer.post("/admin/people", address=ANNA)).text


async def test_erased_the_dossier_is_empty_and_the_refusal_stays(office: Office, officer: Browser) -> None:
    """No detail is left, who did it is, and the person is mailed no more than before."""
    await office.house.consent(ANNA)
    await office.house.record({"email": ANNA, "kind": "objection", "via": "letter"})

    done = await officer.post("/admin/people/erased", address=ANNA, again=f" {ANNA.title()}")
    dossier = await officer.post("/admin/people", address=ANNA)
    office.house.clock.move(timedelta(hours=1))
    await officer.sign_in()
    await office.house.submit(ANNA)

    assert (done.status, done.heading) == (200, "Erased")
    assert ANNA not in done.text
    for gone in ("Yes, send me the newsletter.", "sign-up form", "via: letter"):
        assert gone not in words_of(dossier)
    assert any(isinstance(one, Objection) for one in await on_record(office))
    assert ("olga", "erase") in await acts_about_people(office)
    assert [entry.reason for entry in await office.house.log()] == ["objected"]


async def test_what_a_legal_term_keeps_is_told_with_the_erasure(
    open_house: Callable[..., Any], hashed: str
) -> None:
    """It does not say that nothing is left where something is; one row is one row."""
    term = '[retention.purchase]\nkeep_at_least_days = 2555\nkeep_at_most_days = 2920\nreason = "tax law"\n'
    house = await open_house(extra=term)
    await house.record(purchase(ANNA))
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        officer = await Office(house, session, hashed).signed_in("olga", "officer")
        kept = words_of(await officer.post("/admin/people/erased", address=ANNA, again=ANNA))
        nothing = words_of(await officer.post("/admin/people/erased", address=BRAM, again=BRAM))

    assert "any more, but for what is listed below." in kept
    assert "evidence1 row " in kept
    assert "Stays, since the law asks for it" in kept
    assert "of this person any more. " in nothing


async def test_no_trace_of_what_officers_did_spells_the_person(office: Office, officer: Browser) -> None:
    """Looked up, recorded, corrected, exported, erased: no file spells the address or a word of it any more,
    and the record is whole."""
    address, secret = "kim.visser@example.org", "the letter in map 4711"
    await office.house.consent(address)
    (consent,) = await on_record(office, address)
    about = {"address": address, "of": "shop", "evidence": str(consent.id)}
    await officer.post("/admin/people", address=address)
    await officer.post("/admin/people/object", address=address, via="letter", reference=secret)
    proof = {"category": "newsletter", "occurred_at": "2026-11-01T12:00:00+01:00", "wording": secret}
    await officer.post("/admin/people/corrected", **about, **proof)
    await officer.post("/admin/people/export", address=address)
    assert len(await on_record(office, address)) == 3
    assert found_in(office.house, *spellings(address), secret.encode())

    await officer.post("/admin/people/erased", address=address, again=address)
    await officer.post("/admin/people", address=address)

    assert found_in(office.house, *spellings(address), secret.encode()) == []
    config = office.house.config.folder / "gateway.toml"
    command = [sys.executable, "-m", "gateway", "verify", "--replay", "--config", config]
    ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


async def test_who_is_not_on_record_can_be_erased(office: Office, officer: Browser) -> None:
    """What was recorded elsewhere before is then rejected when it comes in."""
    page = await officer.post("/admin/people/erased", address=ANNA, again=ANNA)

    assert (page.status, page.heading) == (200, "Erased")
    with pytest.raises(AssertionError):
        await office.house.consent(ANNA)


async def test_an_erasure_that_breaks_off_says_what_it_did(
    street: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store goes away after the first controller: 503, what is erased is told; asked again, it ends."""
    officer = await street.signed_in("olga", "officer")
    await street.house.consent(ANNA)
    file = street.house.config.gateway.state_dir / "sendright.db"
    real, away = Erasure.held, file.with_name("away.db")

    async def gone(own: Erasure, controller: str, person: bytes, now: datetime) -> Held:
        if controller != "rival":
            return await real(own, controller, person, now)
        file.rename(away)
        try:
            return await real(own, controller, person, now)
        finally:
            away.rename(file)

    with monkeypatch.context() as patched:
        patched.setattr(Erasure, "held", gone)
        page = await officer.post("/admin/people/erased", address=ANNA, again=ANNA)
    again = await officer.post("/admin/people/erased", address=ANNA, again=ANNA)

    assert (page.status, page.heading) == (503, "Not ended yet")
    assert "De Winkel" in page.text
    assert "De Rivaal" not in page.text
    assert (again.status, again.heading) == (200, "Erased")


async def test_an_erasure_that_is_not_ended_says_so(
    office: Office, officer: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While mail is under way: 503, and a button to ask again, which ends it."""
    monkeypatch.setattr(erasures, "ERASING_SECONDS", 0.1)
    await office.house.consent(ANNA)
    gate = office.house.smarthost.hold(Stage.DOT)
    sending = asyncio.create_task(office.house.submit(ANNA))
    await gate.reached()

    ahead = await officer.post("/admin/people/erase", address=ANNA)
    page = await officer.post("/admin/people/erased", address=ANNA, again=ANNA)
    gate.release()
    await sending
    again = await officer.post("/admin/people/erased", address=ANNA, again=ANNA)

    assert "Mail to this person is under way" in ahead.text
    assert (page.status, page.heading) == (503, "Not ended yet")
    assert (again.status, again.heading) == (200, "Erased")
