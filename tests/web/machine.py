"""A machine that speaks to the API of a whole gateway, with a token for one controller or another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import aiohttp
import pytest

from tests.house import House

ALL = ["evidence", "decisions", "objections", "people", "erase", "log"]
SECRETS = {name: f"secret-of-{name}" for name in ("crm", "form", "rival")}

# A rival on the same gateway, and tokens: one that may everything, one that may only object, the rival's.
NEIGHBOURS = f"""
[[controller]]
id = "rival"
name = "De Rivaal"
postal_address = "Markt 2, 2611 GP Delft"
contact = "privacy@rival.example"
privacy_policy_url = "https://rival.example/privacy"
privacy_policy_mentions_marketing = true
country = "NL"
[[category]]
id = "rumours"
controller = "rival"
title = "Roddels"
purpose = "marketing"
[[category]]
id = "club"
controller = "shop"
title = "Club"
purpose = "marketing"
double_opt_in = true
[[token]]
name = "crm"
controller = "shop"
scopes = {ALL}
secret_hash = "sha256:{sha256(SECRETS["crm"].encode()).hexdigest()}"
[[token]]
name = "form"
controller = "shop"
scopes = ["objections"]
secret_hash = "sha256:{sha256(SECRETS["form"].encode()).hexdigest()}"
[[token]]
name = "rival"
controller = "rival"
scopes = {ALL}
secret_hash = "sha256:{sha256(SECRETS["rival"].encode()).hexdigest()}"
"""

CONSENT: dict[str, object] = {
    "email": "anna@example.org",
    "kind": "consent",
    "category": "newsletter",
    "occurred_at": "2026-11-01T12:00:00+01:00",
    "source": "sign-up form",
    "wording": "Yes, send me the newsletter.",
    "wording_version": "1",
}


@dataclass
class Said:
    """What the API answered."""

    status: int
    headers: dict[str, str]
    text: str
    json: Any  # None where it was not JSON


@dataclass
class Machine:
    """Speaks to the API."""

    house: House
    session: aiohttp.ClientSession

    async def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = "crm",
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> Said:
        """One request, with this token's secret."""
        said = dict(headers or {})
        if token:
            said["Authorization"] = f"Bearer {SECRETS.get(token, token)}"
        url = f"{self.house.url}{path}"
        async with self.session.request(method, url, headers=said, **more) as answer:
            text = await answer.text()
            json = await answer.json(content_type=None) if "json" in answer.content_type else None
            return Said(answer.status, dict(answer.headers), text, json)

    async def post(self, what: str, body: object = None, **more: Any) -> Said:
        """Post JSON, or with `data` any octets as JSON."""
        if "data" in more:
            more["headers"] = {"Content-Type": "application/json", **more.get("headers", {})}
            return await self.ask("POST", f"/api/v1/{what}", **more)
        return await self.ask("POST", f"/api/v1/{what}", json=body, **more)

    async def log(self, token: str = "crm", **query: str) -> Said:
        """The log."""
        return await self.ask("GET", "/api/v1/log", token=token, params=query)

    async def on_record(self, controller: str = "shop", address: str = "anna@example.org") -> list[Any]:
        """The facts on record for a person."""
        rooms = self.house.gateway.rooms
        return await rooms.ledger.evidence(controller, rooms.keys.hash(controller, address))


@pytest.fixture
async def machine(open_house: Callable[..., Any]) -> AsyncIterator[Machine]:
    """A machine in front of an ordinary gateway with a neighbour."""
    house = await open_house(extra=NEIGHBOURS, shop='mail_from = "winkel@shop.example"')
    async with aiohttp.ClientSession() as session:
        yield Machine(house, session)
