"""People who may sign in to the admin pages: their accounts and sessions, and what is asked of the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, Protocol, TypeAlias, get_args

Role: TypeAlias = Literal["viewer", "officer", "administrator"]
ROLES: Final[tuple[Role, ...]] = get_args(Role)  # each may what those before it may
COMMAND_LINE = "(command line)"  # who did it, in the audit: no operator's name begins so

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 200  # characters (NIST SP 800-63B: length, and no rules besides)
LONGEST_NAME = 64  # characters


@dataclass(frozen=True, slots=True)
class Account:
    """An operator as the store has them; a revoked one may not sign in."""

    id: int
    name: str
    role: Role
    password: str = field(repr=False)  # Argon2id hash
    second_factor: str | None = field(repr=False)  # sealed (second_factor.py)
    second_factor_step: int  # the last that was used (RFC 6238 section 5.2)
    added_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in that was not ended; it may have expired. `token` is the SHA-256 of what the cookie holds."""

    token: bytes = field(repr=False)
    account: Account
    began_at: datetime
    seen_at: datetime
    expires_at: datetime


class Accounts(Protocol):
    """What is asked of the store. Everything raises StoreUnavailableError.

    What changes anything puts it on record in the same transaction: `by` is the name of who does it.
    """

    async def named(self, name: str) -> Account | None:
        """The account of exactly this name, also a revoked one."""
        ...

    async def all(self) -> Sequence[Account]:
        """Every account there ever was, by name."""
        ...

    async def add(self, name: str, role: Role, password: str, at: datetime, by: str) -> bool:
        """Add an account, or restore a revoked one as if new; False where the name is in use."""
        ...

    async def revoke(self, name: str, at: datetime, by: str) -> bool:
        """Let nobody sign in by this name, and end its sessions; False where nobody could."""
        ...

    async def change_role(self, name: str, role: Role, at: datetime, by: str) -> bool:
        """Give another role from now on; False where nobody can sign in by this name."""
        ...

    async def change_password(self, name: str, password: str, at: datetime) -> None:
        """Change the owner's password, and end every session."""
        ...

    async def bind_second_factor(self, name: str, sealed: str, step: int, at: datetime) -> None:
        """Ask for codes of this secret from now on; `step` is that of the code that proved it."""
        ...

    async def remove_second_factor(self, name: str, at: datetime, by: str) -> bool:
        """Ask for no code any more; False where none was asked for."""
        ...

    async def use_step(self, account: Account, step: int) -> bool:
        """Whether this step of the second factor was not used before; it is from now on."""
        ...

    async def begin(self, account: Account, token: bytes, at: datetime, expires_at: datetime) -> bool:
        """Begin a session; False where the account was revoked, or has another password, meanwhile."""
        ...

    async def failed(self, name: str, at: datetime) -> None:
        """Record that somebody failed to sign in; `name` is empty unless an account has it."""
        ...

    async def session(self, token: bytes) -> Session | None:
        """The session of this token, unless it was ended."""
        ...

    async def sessions(self) -> Sequence[Session]:
        """All that were not ended, newest first."""
        ...

    async def seen(self, token: bytes, at: datetime) -> None:
        """Note that a session was used, if the store can be written now."""
        ...

    async def end(self, token: bytes, at: datetime) -> None:
        """End a session, as its operator wishes."""
        ...

    async def end_all(self, name: str, at: datetime, by: str, but: bytes = b"") -> bool:
        """End every session of an account but the one of this token; False where there was none."""
        ...


def fault_of_name(name: str) -> str:
    """What is wrong with a name to sign in by; empty when nothing is."""
    if not name or name != name.strip() or not name.isprintable() or name.startswith("("):
        return "a name is printable, has no space at its ends, and does not begin with a parenthesis"
    return f"a name has at most {LONGEST_NAME} characters" if len(name) > LONGEST_NAME else ""


def fault_of_password(password: str, name: str) -> str:
    """What is wrong with a password of this operator; empty when nothing is."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        return f"a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"
    if len(set(password)) < 4 or password.casefold() == name.casefold():
        return "this password is too easy to guess"
    return ""
