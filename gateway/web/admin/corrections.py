"""Correct: a newer row that names the older one, checked by intake as any row (law.md section 3)."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from gateway.dossier.records import EvidenceRecord
from gateway.intake import RowsRejectedError, check_together, record_together
from gateway.web.admin import correcting
from gateway.web.admin.operator import Operator
from gateway.web.admin.pages import shown
from gateway.web.admin.person import Desk
from gateway.web.admin.route import AdminRoute
from gateway.web.admin.whom import Whom, carried


class Corrections:
    """The form of a correction, and its taking."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[AdminRoute]:
        """What it answers."""
        return [
            AdminRoute("POST", "/admin/people/correct", self.fill_in, "officer"),
            AdminRoute("POST", "/admin/people/corrected", self.take, "officer"),
        ]

    async def fill_in(self, request: web.Request, operator: Operator) -> web.Response:
        """The form, filled in with what is on record."""
        form, whom = await carried(request, self._desk.rooms.config)
        row = await self._row(form, whom)
        return self._form(operator, whom, whom.own(form), row, correcting.on_record(row))

    async def take(self, request: web.Request, operator: Operator) -> web.Response:
        """The newer row on record; or the form again, with what is wrong beside each field."""
        form, whom = await carried(request, self._desk.rooms.config)
        own, row = whom.own(form), await self._row(form, whom)
        newer = correcting.row_of(row, whom.mailbox.wire, form)
        try:
            await check_together(self._desk.rooms, own, [newer])
            await self._desk.note(
                operator, "correct-evidence", whom, [own], kind=row.kind, evidence=row.fact.id
            )
            (taken,) = await record_together(self._desk.rooms, own, [newer])
        except RowsRejectedError as error:
            (fault,) = error.faults
            faults = correcting.faults_by_field(fault.reason)
            return self._form(operator, whom, own, row, form, faults, 422)
        return await self._desk.told(operator, whom, correction=taken, corrected=row)

    async def _row(self, form: Mapping[str, str], whom: Whom) -> EvidenceRecord:
        """The row to correct. Raises HTTPBadRequest unless it is this person's and may be corrected."""
        own = whom.own(form)
        held = await self._desk.rooms.records.of(own, whom.person(self._desk.rooms.keys, own))
        for row in held.evidence:
            if str(row.fact.id) == form.get("evidence") and correcting.can_be_corrected(row):
                return row
        raise web.HTTPBadRequest

    def _form(
        self,
        operator: Operator,
        whom: Whom,
        own: str,
        row: EvidenceRecord,
        said: Mapping[str, str],
        faults: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> web.Response:
        return shown(
            "correct.html",
            operator,
            status=status,
            whom=whom,
            own=own,
            row=row,
            said=said,
            faults=faults or {},
            fields=correcting.fields_of(row.kind),
            correcting=correcting,
        )
