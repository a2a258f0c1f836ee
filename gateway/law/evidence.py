"""The facts a ledger holds about one person, as far as a decision rests on them (law.md section 3).

Proof itself (wording, source, IP, free text) lives beside the ledger and can be erased; what is kept
here is whether it was given. All times are aware datetimes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

Channel: TypeAlias = Literal["email", "sms", "app", "phone", "post"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)

COMMON = 1024  # facts whose plain form is remembered: rows of one file are much alike
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
    """Whether the person is listed on the do-not-call register (L28); `proven` until its details ended."""

    listed: bool
    proven: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Undeliverable(Fact):
    """The smarthost said that the mailbox does not exist."""

    smtp_reply: str = ""


Evidence: TypeAlias = (
    Consent | Withdrawal | Purchase | Objection | Notice | Contact | Register | Undeliverable
)

_KINDS: Mapping[str, type[Evidence]] = MappingProxyType(
    {
        "consent": Consent,
        "withdrawal": Withdrawal,
        "purchase": Purchase,
        "objection": Objection,
        "notice": Notice,
        "contact": Contact,
        "register": Register,
        "undeliverable": Undeliverable,
    }
)
KINDS: tuple[str, ...] = tuple(_KINDS)

_NAMES: Mapping[type[Evidence], str] = {kind: name for name, kind in _KINDS.items()}
_BESIDE = frozenset({"id", "occurred_at", "recorded_at"})  # columns of their own in a ledger
_OWN: Mapping[type[Evidence], tuple[tuple[str, object], ...]] = {
    kind: tuple((field.name, field.default) for field in fields(kind) if field.name not in _BESIDE)
    for kind in _NAMES
}
_VALUES: Mapping[type[Evidence], Callable[[Evidence], tuple[Any, ...]]] = {
    kind: attrgetter(*(name for name, _ in own)) for kind, own in _OWN.items()
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


_READ: Mapping[str, Callable[[Any], object]] = {  # how JSON gives back what JSON has no type for
    "channels": frozenset,
    "third_party": frozenset,
    "confirmed_at": _moment,
    "expires_at": _moment,
    "ended_at": _moment,
    "optout_offered_at": _moment,
}


def kind_of(fact: Evidence) -> str:
    """The kind of a row, as law.md section 3 names it: "consent", "withdrawal", ..."""
    return _NAMES[type(fact)]


def to_facts(fact: Evidence) -> dict[str, object]:
    """What JSON can carry of a row: its kind's own fields and `corrects`, without those at their default.

    Times are integer microseconds since the epoch, UTC; sets are sorted lists.
    """
    return dict(facts_of(*own(fact)))


def own(fact: Evidence) -> tuple[str, tuple[object, ...]]:
    """What rows of a file often have in common: the kind, and the values of the kind's own fields."""
    kind = type(fact)
    return _NAMES[kind], _VALUES[kind](fact)


@lru_cache(maxsize=COMMON)
def facts_of(kind: str, values: tuple[object, ...]) -> Mapping[str, object]:
    """What `to_facts` gives for these, not to be changed."""
    return {
        name: _plain(value)
        for (name, default), value in zip(_OWN[_KINDS[kind]], values, strict=True)
        if value != default
    }


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    return sorted(value) if isinstance(value, frozenset) else value


def from_facts(
    kind: str,
    *,
    id: int,  # noqa: A002 (the field's own name)
    occurred_at: datetime,
    recorded_at: datetime,
    facts: Mapping[str, object],
) -> Evidence:
    """The row that `to_facts` took apart. Raises KeyError for an unknown kind, TypeError for wrong fields."""
    own: dict[str, Any] = {
        name: _READ[name](value) if name in _READ and value is not None else value
        for name, value in facts.items()
    }
    return _KINDS[kind](id=id, occurred_at=occurred_at, recorded_at=recorded_at, **own)
