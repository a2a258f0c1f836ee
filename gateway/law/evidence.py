"""The facts a ledger holds about one person, as far as a decision rests on them (law.md section 3).

Proof itself (wording, source, IP, free text) lives beside the ledger and can be erased; what is kept
here is whether it was given. All times are aware datetimes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, get_args

Channel: TypeAlias = Literal["email", "sms", "app", "phone", "post"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)

ALL = "all"  # the category of a withdrawal that names none (law.md section 3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What every row has: its id, when it happened, when it was recorded, the row it corrects."""

    id: int
    occurred_at: datetime
    recorded_at: datetime
    corrects: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent(Fact):
    """Consent to one category; `proven` when source, wording and its version were given (GDPR 7(1))."""

    category: str
    proven: bool
    channels: frozenset[str] = frozenset({"email"})  # L27: e-mail alone unless it says otherwise
    confirmed_at: datetime | None = None
    expires_at: datetime | None = None
    third_party: frozenset[str] = frozenset()  # names, trimmed and case-folded (L8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal(Fact):
    """Consent withdrawn for one category, or for `all` (GDPR 7(3))."""

    category: str = ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase(Fact):
    """An agreement under which we deliver and they pay (L6)."""

    product_group: str
    reference: str | None = None  # a keyed hash: only whether two differ matters (L17)
    paid: bool = True
    ongoing: bool = False
    ended_at: datetime | None = None
    optout_offered_at: datetime | None = None
    optout_offered_how: bool = False  # whether the row says how (L9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection(Fact):
    """Objection to `marketing`, `category:ID`, `profiling` or `channel:NAME` (GDPR 21(2))."""

    scope: str = "marketing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Fact):
    """The person was told: of the `privacy` policy or of `profiling` (GDPR 13, 22)."""

    subject: str
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact(Fact):
    """A newsletter sign-up, survey, contest, account or quote request: never makes a customer (L6)."""

    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Register(Fact):
    """Whether the person is listed on the do-not-call register (L28)."""

    listed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Undeliverable(Fact):
    """The smarthost said that the mailbox does not exist."""

    smtp_reply: str = ""


Evidence: TypeAlias = (
    Consent | Withdrawal | Purchase | Objection | Notice | Contact | Register | Undeliverable
)
