"""Who asks for an admin page, and what they may."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.operators import ROLES, Role


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator who is signed in, as they are now."""

    id: int
    name: str
    role: Role

    def may(self, what: Role) -> bool:
        """Whether their role is this one or above it."""
        return ROLES.index(self.role) >= ROLES.index(what)
