"""What is configured: controllers, categories, logins, tokens, terms, and what each would decide.

No secret is on the page, nor the hash of one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from aiohttp import web

from gateway.config import Config, warnings
from gateway.config.schema import RETENTION_CLASSES, Login
from gateway.law.decision import Send
from gateway.law.remedy import remedy_of
from gateway.ports import Clock
from gateway.typical import PEOPLE, Judged, judged
from gateway.web.admin.operator import Operator
from gateway.web.admin.pages import shown
from gateway.web.admin.route import AdminRoute

FIRST = "unknown"  # of the typical people
DAYS = 30  # of report mode that are counted


class Relaxed(Protocol):
    """Where it is counted what logins in report mode would have had withheld."""

    async def by_login(
        self, controllers: Collection[str], since: datetime
    ) -> Mapping[str, Mapping[str, int]]:
        """How many copies each login relayed though withheld, by reason, most first.

        Raises StoreUnavailableError.
        """
        ...


class Configured:
    """The page of the configuration in force."""

    def __init__(self, config: Config, relaxed: Relaxed, clock: Clock) -> None:
        self._config = config
        self._relaxed = relaxed
        self._clock = clock

    def routes(self) -> list[AdminRoute]:
        """What it answers."""
        return [AdminRoute("GET", "/admin/configuration", self.show, "viewer")]

    async def show(self, request: web.Request, operator: Operator) -> web.Response:
        """The page, with the decisions on the typical person that was chosen."""
        who = request.query.get("person", FIRST)
        if who not in PEOPLE:
            raise web.HTTPNotFound
        config, now = self._config, self._clock.now()
        return shown(
            "configured.html",
            operator,
            config=config,
            cautions=await asyncio.to_thread(warnings, config),  # it reads key files
            people=PEOPLE,
            who=who,
            judged=list(judged(config, who, now)),
            said=_said,
            days=DAYS,
            relaxed=await self._relaxed.by_login(config.controllers, now - timedelta(days=DAYS)),
            reports=lambda login: _reports(login, now),
            known_by=_known_by,
            terms=[(name, config.retention[name]) for name in RETENTION_CLASSES if name in config.retention],
        )


def _reports(login: Login, now: datetime) -> bool:
    """Whether a login is in report mode now (contract section 4)."""
    return login.mode == "report" and login.report_until is not None and now < login.report_until


def _known_by(login: Login) -> str:
    """How a tool shows that it is this login."""
    networks = ["a connection from " + ", ".join(map(str, login.networks))] if login.networks else []
    return " or ".join([*(["its secret"] if login.secret_hash else []), *networks])


def _said(one: Judged) -> tuple[str, str, str]:
    """The code, the sentence, and what would make it lawful where it is withheld."""
    decision = one.decision
    if isinstance(decision, Send):
        return decision.ground.value, decision.ground.sentence, ""
    return decision.reason.value, decision.reason.sentence, remedy_of(decision.reason, one.category)
