"""Everything there is under /admin, on one screen."""

from __future__ import annotations

from datetime import timedelta
from typing import Protocol

from gateway import oversight
from gateway.config import Config
from gateway.keys import Keys
from gateway.metrics import Metrics
from gateway.objecting import Objecting
from gateway.operators import Accounts
from gateway.passwords import Passwords
from gateway.ports import Audit as AuditStore
from gateway.ports import Clock
from gateway.second_factor import SecondFactors
from gateway.signing_in import SigningIn
from gateway.tries import Tries
from gateway.web.admin import person
from gateway.web.admin.account import OwnAccount
from gateway.web.admin.audit import Audit
from gateway.web.admin.campaigns import Campaigns
from gateway.web.admin.configured import Configured, Relaxed
from gateway.web.admin.corrections import Corrections
from gateway.web.admin.erasures import Erasures
from gateway.web.admin.gate import Gate
from gateway.web.admin.operators import Operators
from gateway.web.admin.overview import Overview, Parts
from gateway.web.admin.people import People
from gateway.web.admin.person import Desk
from gateway.web.admin.route import AdminRoute
from gateway.web.admin.signing_in import WayIn
from gateway.web.admin.withheld import Withheld
from gateway.web.route import Route

# Wrong tries in a quarter of an hour. By name, whoever tries; by peer, whatever the name: one such office has
# some forgetful operators.
OF_A_NAME, OF_A_PEER = 10, 50
WINDOW = timedelta(minutes=15)


class Rooms(person.Rooms, Protocol):
    """What the admin pages ask of the house."""

    @property
    def config(self) -> Config:
        """What is in force."""
        ...

    @property
    def keys(self) -> Keys:
        """What hashes people, and seals."""
        ...

    @property
    def clock(self) -> Clock:
        """When it is asked."""
        ...

    @property
    def accounts(self) -> Accounts:
        """Who may sign in."""
        ...

    @property
    def audit(self) -> AuditStore:
        """What they did."""
        ...

    @property
    def relaxed(self) -> Relaxed:
        """What report mode let through."""
        ...

    @property
    def withheld(self) -> oversight.Withheld:
        """What was withheld."""
        ...

    @property
    def counts(self) -> oversight.Counts:
        """What was decided and refused over time."""
        ...

    @property
    def campaigns(self) -> oversight.Campaigns:
        """What came of each campaign."""
        ...


class Admin:
    """The admin pages of one configuration."""

    def __init__(self, rooms: Rooms, objecting: Objecting, metrics: Metrics, parts: Parts) -> None:
        """`parts` tells what is wrong with each part that the gateway needs (operations.py)."""
        self._passwords, self._factors = Passwords(), SecondFactors(rooms.keys)
        self._signing_in = SigningIn(
            rooms.accounts,
            self._passwords,
            self._factors,
            rooms.clock,
            by_name=Tries(OF_A_NAME, WINDOW),
            by_peer=Tries(OF_A_PEER, WINDOW),
        )
        proxies = rooms.config.http.trusted_proxies
        self._way_in = WayIn(self._signing_in, rooms.accounts, rooms.clock, proxies)
        self._rooms = rooms
        self._objecting = objecting
        self._metrics = metrics
        self._parts = parts

    def routes(self) -> list[Route]:
        """What it answers, behind the gate."""
        gate = Gate(self._signing_in)
        return [*self._way_in.open_routes(gate), *map(gate.guarded, self._guarded())]

    def _guarded(self) -> list[AdminRoute]:
        rooms, signing_in, passwords = self._rooms, self._signing_in, self._passwords
        audit = Audit(rooms.audit, rooms.clock)
        desk = Desk(rooms, audit)
        return [
            *self._way_in.routes(),
            *Overview(rooms, self._parts).routes(),
            *Withheld(rooms, audit, signing_in).routes(),
            *Campaigns(rooms).routes(),
            *People(desk, self._objecting, self._metrics).routes(),
            *Corrections(desk).routes(),
            *Erasures(desk).routes(),
            *Configured(rooms.config, rooms.relaxed, rooms.clock).routes(),
            *Operators(rooms.accounts, passwords, rooms.clock).routes(),
            *audit.routes(),
            *OwnAccount(rooms.accounts, signing_in, passwords, self._factors, rooms.clock).routes(),
        ]
