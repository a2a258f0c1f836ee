"""Everything that can be asked of the API, on one screen; and the application that answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from gateway import ids
from gateway.config import Config
from gateway.confirming import Confirming
from gateway.keys import Keys
from gateway.metrics import Metrics
from gateway.objecting import Objecting
from gateway.ports import Clock, Idempotency, Ledger, Log
from gateway.precheck import Records
from gateway.web.api.bearer import Bearers
from gateway.web.api.decisions import Deciding, Decisions, DecisionsBody
from gateway.web.api.evidence import HEADER, Evidence, Recorded
from gateway.web.api.log import LogAnswer, LogQuery, Reading
from gateway.web.api.objections import ObjectionBody, ObjectionRecorded, Objections
from gateway.web.api.openapi import document
from gateway.web.api.people import Dossier, Dossiers, Erased, Erasing, People
from gateway.web.api.problem import faults_to_problems
from gateway.web.api.route import Route
from gateway.web.api.rows import EvidenceBody
from gateway.web.api.signups import SignupAsked, SignupBody, Signups

PREFIX = "/api"
_ANY_SEGMENT = ":[^/]+}"  # also one with braces, which RFC 5322 section 3.2.3 allows in a local part


class RecordsOfAll(Ledger, Records, Protocol):
    """The ledger, one person at a time and many."""


class Rooms(Protocol):
    """What the API asks of the house."""

    @property
    def config(self) -> Config:
        """Whose tokens and categories there are."""
        ...

    @property
    def keys(self) -> Keys:
        """What hashes people."""
        ...

    @property
    def clock(self) -> Clock:
        """When it is asked."""
        ...

    @property
    def ledger(self) -> RecordsOfAll:
        """Where evidence goes, and is read."""
        ...

    @property
    def log(self) -> Log:
        """The journal, to be read."""
        ...


@dataclass(frozen=True, slots=True)
class Stories:
    """What the API tells in other words; people can be asked for once both their stories are there."""

    objecting: Objecting
    idempotency: Idempotency
    dossiers: Dossiers | None = None
    erasing: Erasing | None = None
    confirming: Confirming | None = None


class Api:
    """The API of one configuration; an application of it for each listener."""

    def __init__(self, rooms: Rooms, stories: Stories, metrics: Metrics, new_id: Callable[[], int]) -> None:
        config = rooms.config
        self._clock = rooms.clock
        self._bearers = Bearers(config.token, config.http.trusted_proxies)
        self._new_ref = lambda: ids.ref(new_id())
        self.routes = _routes(rooms, stories, metrics)
        self.document = document(self.routes, PREFIX)

    def application(self) -> web.Application:
        """To be served under /api."""
        app = web.Application(middlewares=[faults_to_problems(self._new_ref)])
        for route in self.routes:
            path = route.path.replace("}", _ANY_SEGMENT)
            app.router.add_route(route.method, path, self._guarded(route))
        return app

    async def describe(self, _: web.Request) -> web.Response:
        """GET /openapi.json."""
        return web.Response(text=self.document, content_type="application/json")

    def _guarded(self, route: Route) -> Handler:
        """The route's handler, for those who may."""

        async def handler(request: web.Request) -> web.StreamResponse:
            return await route.handler(request, self._bearers.caller(request, route.scope, self._clock.now()))

        return handler


def _routes(rooms: Rooms, stories: Stories, metrics: Metrics) -> list[Route]:
    routes = [
        Route(
            "POST",
            "/v1/evidence",
            scope="evidence",
            summary="Put evidence on record, all of it or none",
            handler=Evidence(rooms, stories.idempotency, stories.objecting.confirm).post,
            body=EvidenceBody,
            answer=Recorded,
            headers={HEADER: "The same key and body are answered the same for a day (1 to 255 characters)."},
            refusals=(409,),
        ),
        Route(
            "POST",
            "/v1/decisions",
            scope="decisions",
            summary="Say what may be sent to whom, and why; records nothing",
            handler=Deciding(rooms, rooms.ledger).post,
            body=DecisionsBody,
            answer=Decisions,
            refusals=(404,),
        ),
        Route(
            "POST",
            "/v1/objections",
            scope="objections",
            summary="Put an objection on record; it counts once this is answered with 200",
            handler=Objections(rooms, stories.objecting, metrics).post,
            body=ObjectionBody,
            answer=ObjectionRecorded,
        ),
        Route(
            "GET",
            "/v1/log",
            scope="log",
            summary="What was decided, when, why, and what became of it",
            handler=Reading(rooms, rooms.log).get,
            query=LogQuery,
            answer=LogAnswer,
            links={"Link": "The next page (RFC 8288)."},
            exports_csv=True,
        ),
    ]
    if stories.confirming:
        routes.append(
            Route(
                "POST",
                "/v1/signups",
                scope="evidence",
                summary="Ask by mail to confirm a sign-up; its consents count from the click in that mail",
                handler=Signups(rooms, stories.confirming).post,
                body=SignupBody,
                answer=SignupAsked,
            )
        )
    if stories.dossiers and stories.erasing:
        routes += _of_people(People(stories.dossiers, stories.erasing))
    return routes


def _of_people(people: People) -> list[Route]:
    address = {"address": "The person's mailbox, percent-encoded."}
    return [
        Route(
            "GET",
            "/v1/people/{address}",
            scope="people",
            summary="All that is held on a person",
            handler=people.get,
            answer=Dossier,
            parameters=address,
            refusals=(404,),
        ),
        Route(
            "DELETE",
            "/v1/people/{address}",
            scope="erase",
            summary="Erase a person; refusals stay as keyed hashes",
            handler=people.delete,
            answer=Erased,
            parameters=address,
            refusals=(404,),
        ),
    ]
