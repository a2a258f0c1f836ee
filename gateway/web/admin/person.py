"""The page about one person: the dossier as it is printed, and beside it what an officer may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from aiohttp import web

from gateway.dossier import Dossier, dossier, sections
from gateway.dossier.gathering import Rooms as DossierRooms
from gateway.erasing import Rooms as ErasingRooms
from gateway.intake.recording import Rooms as IntakeRooms
from gateway.law.evidence import CHANNELS
from gateway.law.standing import CATEGORY, CHANNEL, MARKETING, PROFILING
from gateway.web.admin.audit import Audit
from gateway.web.admin.correcting import can_be_corrected
from gateway.web.admin.operator import Operator
from gateway.web.admin.pages import shown
from gateway.web.admin.whom import Whom

VIA: Final = ("phone", "letter", "reply", "complaint")  # or in words (law.md section 3)


class Rooms(DossierRooms, ErasingRooms, IntakeRooms, Protocol):
    """What pages about people ask of the house."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where pages about people are made, and what operators do there is noted."""

    rooms: Rooms
    audit: Audit

    async def note(
        self, operator: Operator, what: str, whom: Whom, controllers: Iterable[str], **details: object
    ) -> None:
        """Put on record what is about to be done, for each controller. Raises StoreUnavailableError."""
        for controller in controllers:
            person = whom.person(self.rooms.keys, controller)
            await self.audit.record(operator, what, controller, person, **details)

    async def gathered(self, whom: Whom) -> Dossier:
        """What is held. Raises StoreUnavailableError."""
        return await dossier(self.rooms, whom.controllers, whom.mailbox)

    async def page(
        self, operator: Operator, whom: Whom, made: Dossier | None = None, **said: Any
    ) -> web.Response:
        """The page; `said` is what an act just done has to tell. Raises StoreUnavailableError."""
        made = made or await self.gathered(whom)
        told: dict[str, Any] = {"objections": (), "correction": None, "misread": False} | said
        return shown(
            "person.html",
            operator,
            whom=whom,
            made=made,
            sections=sections(made),
            correctable={
                one.responsible.id: [row for row in one.held.evidence if can_be_corrected(row)]
                for one in made.sections
            },
            scopes=self._scopes(whom),
            via=VIA,
            **told,
        )

    def _scopes(self, whom: Whom) -> list[tuple[str, str]]:
        """What can be objected to, with the words for it."""
        config = self.rooms.config
        own = [one for one in config.categories.values() if one.controller in whom.controllers]
        several = len(whom.controllers) > 1
        return [
            (MARKETING, "all marketing"),
            *(
                (CATEGORY + one.id, f"{one.title} ({one.controller})" if several else one.title)
                for one in own
                if not one.is_service
            ),
            (PROFILING, "profiling"),
            *((CHANNEL + one, f"all marketing by {one}") for one in CHANNELS),
        ]
