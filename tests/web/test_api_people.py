"""GET and DELETE /api/v1/people/{address}, over stories that a test can look into."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from gateway.address import Mailbox
from gateway.metrics import Metrics
from gateway.objecting import Objecting
from gateway.ports import StoreUnavailableError
from gateway.web.api import Api, Stories
from gateway.web.app import Runner
from tests.web.machine import CONSENT, SECRETS, Machine


@dataclass
class Records:
    """Knows some people; forgets them on request."""

    held: set[tuple[str, str]]
    erased_by: list[str] = field(default_factory=list)
    down: bool = False

    async def of(self, controller: str, mailbox: Mailbox) -> Mapping[str, object] | None:
        """As people.Dossiers."""
        if self.down:
            raise StoreUnavailableError("away")
        known = (controller, mailbox.comparable) in self.held
        return {"address": mailbox.wire, "controller": controller} if known else None

    async def erase(self, controller: str, mailbox: Mailbox, operator: str) -> Mapping[str, object] | None:
        """As people.Erasing."""
        if self.down:
            raise StoreUnavailableError("not from every file yet")
        if (controller, mailbox.comparable) not in self.held:
            return None
        self.held.remove((controller, mailbox.comparable))
        self.erased_by.append(operator)
        return {"kept": ["refusals"]}


@dataclass
class Office:
    """An API that has people to ask for."""

    url: str
    records: Records
    session: aiohttp.ClientSession
    document: str

    async def ask(self, method: str, address: str, token: str = "crm") -> tuple[int, object]:
        """The status and the JSON of an answer."""
        url = URL(f"{self.url}/api/v1/people/{address}", encoded=True)
        headers = {"Authorization": f"Bearer {SECRETS[token]}"}
        async with self.session.request(method, url, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)


@pytest.fixture
async def office(machine: Machine) -> AsyncIterator[Office]:
    """The API of an ordinary gateway, with stories about people."""
    rooms = machine.house.gateway.rooms
    records = Records(
        {("shop", "anna@example.org"), ("shop", "a/b?@example.org"), ("shop", "{a}%@example.org")}
    )
    config = rooms.config
    objecting = Objecting(
        rooms.ledger, rooms.journal.sent, rooms.keys, config.controllers, config.categories, rooms.clock
    )
    stories = Stories(objecting, rooms.store.idempotency, records, records)
    api = Api(rooms, stories, Metrics(), rooms.store.ids.next)
    outer = web.Application()
    outer.add_subapp("/api", api.application())
    runner = Runner(outer)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Office(f"http://127.0.0.1:{runner.addresses[0][1]}", records, machine.session, api.document)
    await runner.cleanup()


async def test_a_person_is_shown_and_erased(office: Office) -> None:
    """GET is the dossier, DELETE the end of it, by the token's name; afterwards nobody is there."""
    assert await office.ask("GET", "Anna@example.org") == (
        200,
        {"address": "Anna@example.org", "controller": "shop"},
    )
    assert await office.ask("DELETE", "anna@example.org") == (200, {"kept": ["refusals"]})
    assert office.records.erased_by == ["crm"]
    assert (await office.ask("GET", "anna@example.org"))[0] == 404


async def test_an_address_may_have_any_character(office: Office) -> None:
    """Percent-encoded, slash, question mark, brace and per cent are of the address, not of the path."""
    for address in ("a%2Fb%3F%40example.org", "%7Ba%7D%25%40example.org"):
        assert (await office.ask("GET", address))[0] == 200
        assert (await office.ask("DELETE", address))[0] == 200


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_whom_another_controller_knows_is_not_found(office: Office, method: str) -> None:
    """The rival hears the same of our person as of nobody, but for the reference (I8)."""
    answers = [await office.ask(method, f"{name}@example.org", "rival") for name in ("anna", "nobody")]
    told = [(status, {**body, "ref": ""}) for status, body in answers]  # type: ignore[dict-item]

    assert told[0] == told[1]
    assert told[0][0] == 404


async def test_reading_is_not_erasing(office: Office) -> None:
    """Each has a scope of its own; one that lacks is 403."""
    assert [(await office.ask(method, "anna@example.org", "form"))[0] for method in ("GET", "DELETE")] == [
        403,
        403,
    ]


@pytest.mark.parametrize("address", ["anna", "anna%00@example.org", "a%20b@example.org"])
async def test_what_is_no_address_is_told(office: Office, address: str) -> None:
    """422, and never a fault of ours."""
    assert (await office.ask("GET", address))[0] == 422


async def test_while_the_store_is_away_it_is_503(office: Office) -> None:
    """Doubt is temporary (I4)."""
    office.records.down = True

    assert (await office.ask("GET", "anna@example.org"))[0] == 503


async def test_an_erasure_that_is_not_ended_says_that_it_may_have_begun(office: Office) -> None:
    """Details may be gone by then: 503 must not say that nothing was done, but to ask again."""
    office.records.down = True

    status, problem = await office.ask("DELETE", "anna@example.org")

    assert status == 503
    assert isinstance(problem, dict)
    assert "nothing" not in problem["detail"]
    assert "may have begun" in problem["detail"]


async def test_the_document_describes_people_once_they_can_be_asked_for(office: Office) -> None:
    """The routes are in the document with their scopes."""
    assert '"/api/v1/people/{address}"' in office.document
    assert "scope `erase`" in office.document


async def test_erasing_at_a_living_gateway(machine: Machine) -> None:
    """DELETE answers what was erased and what stays; the dossier then has no detail, older evidence is
    rejected with its reason, and another controller's token erases nobody here (I8)."""
    assert (await machine.ask("POST", "/api/v1/evidence", json=CONSENT)).status == 200
    path = "/api/v1/people/anna@example.org"
    rival = await machine.ask("DELETE", path, token="rival")
    assert (rival.status, rival.json["erased"]["evidence"]) == (200, 0)
    assert "anna@" in (await machine.ask("GET", path)).text
    said = await machine.ask("DELETE", path)
    assert (said.status, said.json["erased"]["evidence"], said.json["complete"]) == (200, 1, True)
    dossier = await machine.ask("GET", path)
    assert dossier.status == 200
    assert str(CONSENT["wording"]) not in dossier.text
    again = await machine.ask("POST", "/api/v1/evidence", json=CONSENT)
    assert again.status == 422
    assert "older than the erasure" in again.text
