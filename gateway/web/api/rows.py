"""The shape of evidence as it is posted, a model for each kind (law.md section 3).

What the values must be beyond their shape is for the desk of intake. A refusal needs only an address: nothing
else in its row is ever a reason to turn it away.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, RootModel

from gateway.intake.fields import LONGEST, MOST_ID, SHORT, moment_of
from gateway.law.evidence import Channel

MOST_ROWS = 500  # in one transaction, some 15 ms of the store's time (design section 6)

_NO_NUL = r"^[^\x00]*$"


def _zoned(text: str) -> str:
    if moment_of(text) is None:
        raise ValueError("must be a time with a zone, as 2026-03-01T09:30:00+01:00")
    return text


Words: TypeAlias = Annotated[str, Field(max_length=SHORT, pattern=_NO_NUL)]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=SHORT, pattern=_NO_NUL)]
Prose: TypeAlias = Annotated[str, Field(max_length=LONGEST["source"], pattern=_NO_NUL)]
Wording: TypeAlias = Annotated[str, Field(max_length=LONGEST["wording"], pattern=_NO_NUL)]
Address: TypeAlias = Annotated[
    str,
    Field(
        min_length=3,
        max_length=SHORT,
        json_schema_extra={"format": "email"},
        description="A mailbox, without a display name (RFC 5321, RFC 6531).",
    ),
]
Moment: TypeAlias = Annotated[
    str, AfterValidator(_zoned), Field(max_length=SHORT, json_schema_extra={"format": "date-time"})
]
Correction: TypeAlias = Annotated[
    Annotated[int, Field(ge=1, le=MOST_ID)] | None,
    Field(description="The id of an older row of this person and kind, which this one replaces."),
]
Unbound: TypeAlias = Annotated[Any, Field(description="Whatever is given is kept as text.")]


class Row(BaseModel):
    """What every row has. Fields that a kind does not know are not stored, and named in the answer (L23)."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    email: Address


class Consent(Row):
    """Consent to one category. Without source, wording and its version it is kept, and never counts (L2)."""

    kind: Literal["consent"]
    category: Name
    occurred_at: Moment
    source: Prose | None = None
    wording: Wording | None = None
    wording_version: Words | None = None
    channels: Annotated[list[Channel], Field(min_length=1)] | None = None
    ip: Words | None = None
    language: Words | None = None
    confirmed_at: Moment | None = None
    third_party: Annotated[list[Name], Field(min_length=1, max_length=50)] | None = None
    expires_at: Moment | None = None
    reference: Words | None = None
    corrects: Correction = None


class Withdrawal(Row):
    """Consent withdrawn, for one category or for `all`. It needs only an address."""

    kind: Literal["withdrawal"]
    category: Unbound = None
    occurred_at: Unbound = None
    via: Unbound = None
    reference: Unbound = None


class Purchase(Row):
    """What makes a customer (L6). `optout_used` is recorded as an objection to marketing too (L9)."""

    kind: Literal["purchase"]
    product_group: Name
    occurred_at: Moment
    source: Annotated[Prose, Field(min_length=1)]
    reference: Words | None = None
    paid: bool | None = None
    ongoing: bool | None = None
    ended_at: Moment | None = None
    optout_offered_at: Moment | None = None
    optout_offered_how: Prose | None = None
    optout_used: bool | None = None
    corrects: Correction = None


class Objection(Row):
    """An objection (L11). It needs only an address."""

    kind: Literal["objection"]
    scope: Unbound = None
    occurred_at: Unbound = None
    via: Unbound = None
    message_reference: Unbound = None
    operator: Unbound = None
    reference: Unbound = None


class Notice(Row):
    """The person was told (GDPR 13, L19)."""

    kind: Literal["notice"]
    subject: Literal["privacy", "profiling"]
    version: Name
    occurred_at: Moment
    wording: Wording | None = None
    source: Prose | None = None
    corrects: Correction = None


class Contact(Row):
    """A contact that never makes a customer (L6)."""

    kind: Literal["contact"]
    what: Literal["newsletter-signup", "survey", "contest", "account", "quote-request"]
    occurred_at: Moment
    source: Prose | None = None
    corrects: Correction = None


class Register(Row):
    """Whether the do-not-call register lists the person (L28)."""

    kind: Literal["register"]
    listed: bool
    occurred_at: Moment
    source: Prose | None = None
    corrects: Correction = None


class Undeliverable(Row):
    """The mailbox was reported not to exist: 5.1.1, 5.1.2, 5.1.10 or 5.2.1."""

    kind: Literal["undeliverable"]
    occurred_at: Moment
    smtp_reply: Annotated[Prose, Field(min_length=1)]
    corrects: Correction = None


class EvidenceRow(
    RootModel[
        Annotated[
            Consent | Withdrawal | Purchase | Objection | Notice | Contact | Register | Undeliverable,
            Field(discriminator="kind"),
        ]
    ]
):
    """One piece of evidence."""


Rows: TypeAlias = Annotated[list[EvidenceRow], Field(min_length=1, max_length=MOST_ROWS)]


class EvidenceList(RootModel[Rows]):
    """Many pieces of evidence: all are put on record, or none."""


class EvidenceRows(BaseModel):
    """The same, by name."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    rows: Rows


class EvidenceBody(RootModel[EvidenceRows | EvidenceList | EvidenceRow]):
    """One piece of evidence, or many."""
