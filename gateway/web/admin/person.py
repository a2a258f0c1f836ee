"""The page about one person: the dossier as it is printed, and beside it what an officer may do."""

from __future__ import annotations

import asyncio
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
from gateway.ports import StoreUnavailableError
from gateway.web.admin.audit import Audit
from gateway.web.admin.correcting import can_be_corrected
from gateway.web.admin.operator import Operator
from gateway.web.admin.pages import shown
from gateway.web.admin.whom import Whom
from gateway.web.guard import log_fault

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

    async def note_look(
        self, operator: Operator, what: str, whom: Whom, made: Dossier, **details: object
    ) -> None:
        """Put on record who is about to see this, with the person where something is held.

        Where nothing is, without: such a row would be the first on them. Raises StoreUnavailableError.
        """
        holding = [one.responsible.id for one in made.sections if not one.is_empty]
        await self.note(operator, what, whom, holding, **details)
        if not holding:
            await self.audit.record(operator, what, whom.chosen, None, held="nothing", **details)

    async def gathered(self, whom: Whom) -> Dossier:
        """What is held. Raises StoreUnavailableError."""
        return await dossier(self.rooms, whom.controllers, whom.mailbox)

    async def told(self, operator: Operator, whom: Whom, **said: Any) -> web.Response:
        """The page after an act that is on record; it is told also when no dossier can be read any more."""
        try:
            made: Dossier | None = await self.gathered(whom)
        except StoreUnavailableError as fault:
            log_fault(fault)
            made = None
        return await self.page(operator, whom, made, **said)

    async def page(self, operator: Operator, whom: Whom, made: Dossier | None, **said: Any) -> web.Response:
        """The page; `said` is what an act just done has to tell."""
        told: dict[str, Any] = {"objections": (), "mistimed": "", "correction": None} | said
        return shown(
            "person.html",
            operator,
            whom=whom,
            made=made,
            sections=await asyncio.to_thread(sections, made) if made else (),  # of thousands of mails, maybe
            correctable={
                one.responsible.id: [row for row in one.held.evidence if can_be_corrected(row)]
                for one in (made.sections if made else ())
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
