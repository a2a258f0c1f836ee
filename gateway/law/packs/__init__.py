"""Country packs: what one country's law decides differently, and its article for every ground and reason."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.law.packs.be import BE
from gateway.law.packs.eu import EU
from gateway.law.packs.nl import NL
from gateway.law.packs.nl_2019 import NL_2019
from gateway.law.packs.pack import Pack

__all__ = ["PACKS", "Pack", "pack_for"]

PACKS: Mapping[str, Pack] = {pack.id: pack for pack in (NL, NL_2019, BE, EU)}


def pack_for(country: str) -> Pack:
    """The pack of a controller in `country` (ISO 3166 alpha-2, any letter case) that names no pack itself."""
    return {"NL": NL, "BE": BE}.get(country.upper(), EU)
