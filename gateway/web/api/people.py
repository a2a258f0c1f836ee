"""GET and DELETE /api/v1/people/{address}: what is held on a person, and the end of it (GDPR 15, 17; L25)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from aiohttp import web
from pydantic import RootModel

from gateway.address import AddressError, Mailbox, parse
from gateway.ports import StoreUnavailableError
from gateway.web.api.bearer import Caller
from gateway.web.api.problem import ProblemError
from gateway.web.api.route import answered
from gateway.web.guard import RETRY_AFTER

UNENDED = (
    "The erasure is not ended. It may have begun, and details be gone already: ask again until it says 200."
)


class Dossiers(Protocol):
    """Where all that is held on a person is put together."""

    async def of(self, controller: str, mailbox: Mailbox) -> Mapping[str, Any] | None:
        """The dossier, as JSON can carry it; None where nothing is held. Raises StoreUnavailableError."""
        ...


class Erasing(Protocol):
    """Where a person is erased."""

    async def erase(self, controller: str, mailbox: Mailbox, operator: str) -> Mapping[str, Any] | None:
        """What was erased and what stays, and why; None where nothing was held.

        Raises StoreUnavailableError.
        """
        ...


class Dossier(RootModel[dict[str, Any]]):
    """All that this controller holds on the person, and every decision made about them."""


class Erased(RootModel[dict[str, Any]]):
    """What was erased, and what stays and why."""


class People:
    """Dossier and erasure over HTTP."""

    def __init__(self, dossiers: Dossiers, erasing: Erasing) -> None:
        self._dossiers = dossiers
        self._erasing = erasing

    async def get(self, request: web.Request, caller: Caller) -> web.Response:
        """The dossier. Whom only another controller knows is not known here (I8)."""
        dossier = await self._dossiers.of(caller.controller, _mailbox(request))
        if dossier is None:
            raise _unknown()
        return answered(Dossier(dict(dossier)))

    async def delete(self, request: web.Request, caller: Caller) -> web.Response:
        """Erase; refusals stay as keyed hashes."""
        try:
            erased = await self._erasing.erase(caller.controller, _mailbox(request), caller.name)
        except StoreUnavailableError:  # not `nothing was done`: details may be gone by now
            raise ProblemError(503, UNENDED, headers={"Retry-After": str(RETRY_AFTER)}) from None
        if erased is None:
            raise _unknown()
        return answered(Erased(dict(erased)))


def _mailbox(request: web.Request) -> Mailbox:
    try:
        return parse(request.match_info["address"])
    except AddressError as error:
        raise ProblemError(422, f"The path must end in an address: {error}.") from None


def _unknown() -> ProblemError:
    return ProblemError(404, "Nothing is on record about this person.")
