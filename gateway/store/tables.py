"""The tables, the only place that says what is kept.

Rules of this file (invariant I7):

1. `ledger`, `decisions` and `fates` are evidence: they see INSERT and SELECT, never UPDATE or DELETE.
   Triggers in the database say so too.
2. They hold keyed hashes and salted digests. What names a person, and free text, stands in the
   `..._details` table beside them, whose rows can be erased together with their salt.
3. Every such row is a link in the chain of the writer that wrote it (chain.py): `link`, the last column,
   covers all others.
4. Ids are made by the application (gateway/ids.py), times are microseconds since 1970 UTC, JSON is
   canonical text. Indexes of the journal start with controller and day, or hold only rows that are rare; it
   has no UNIQUE and no foreign key, so that a database which partitions by day can follow.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.types import TypeEngine

SCHEMA = "0003"  # the newest of migrations/versions; numbers, so that older and newer can be told

metadata = MetaData()


def _number() -> TypeEngine[int]:
    return BigInteger().with_variant(Integer(), "sqlite")  # STRICT tables know INTEGER alone


def _key(name: str, comment: str) -> Column[int]:
    return Column(name, _number(), primary_key=True, autoincrement=False, comment=comment)


def _octets(name: str, comment: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False, comment=comment)


def _link() -> tuple[Column[int], Column[int], Column[bytes]]:
    """The last columns of every table that is evidence."""
    return (
        Column("writer", _number(), nullable=False, comment="writers.id of the process that wrote it"),
        Column("n", _number(), nullable=False, comment="its place in that writer's chain, from 1"),
        _octets("link", "SHA-256 of the link before and of this row (chain.py)"),
    )


ledger = Table(
    "ledger",
    metadata,
    _key("id", "made by the application; rises with the time of recording"),
    Column("controller", Text, nullable=False, comment="id of the controller the fact belongs to (I8)"),
    Column("person", LargeBinary, nullable=False, comment="16-byte keyed hash of the person"),
    Column("kind", Text, nullable=False, comment="consent, withdrawal, purchase, ... (law.md section 3)"),
    Column("occurred_at", _number(), nullable=False, comment="when it happened, microseconds UTC"),
    Column("recorded_at", _number(), nullable=False, comment="when it was recorded, microseconds UTC"),
    Column("facts", Text, nullable=False, comment="what decisions rest on: canonical JSON, no details"),
    Column("content", LargeBinary, nullable=False, comment="16-byte keyed hash of the row as received"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of salt and canonical details"),
    Column("place", _number(), nullable=False, comment="among the rows of this person, from 1"),
    *_link(),
    Index("ledger_person", "controller", "person"),
    Index(
        "ledger_refusals",
        "controller",
        "recorded_at",
        "occurred_at",
        sqlite_where=text("kind IN ('objection', 'withdrawal')"),
    ),
    sqlite_strict=True,
)

ledger_details = Table(
    "ledger_details",
    metadata,
    _key("evidence", "ledger.id"),
    Column("salt", LargeBinary, nullable=False, comment="16 random octets; erased with the details"),
    Column("address", Text, nullable=False, comment="the address as received; may be empty"),
    Column("details", Text, nullable=False, comment="wording, source, IP, ... : canonical JSON"),
    sqlite_strict=True,
)

decisions = Table(
    "decisions",
    metadata,
    _key("id", "made by the application; rises with the time of decision"),
    Column("submission", _number(), nullable=False, comment="id of the message; its reference names it"),
    Column("controller", Text, nullable=False, comment="id of the controller"),
    Column("day", Integer, nullable=False, comment="days since 1970, UTC, of decided_at"),
    Column("decided_at", _number(), nullable=False, comment="microseconds UTC"),
    Column("person", LargeBinary, nullable=False, comment="16-byte keyed hash of the person"),
    Column("login", Text, nullable=False, comment="name of the login that submitted"),
    Column("category", Text, comment="id of the category decided on; null when the login has none"),
    Column("category_asked", Text, comment="id of the category the message asked for, if it did"),
    Column("channel", Text, nullable=False, comment="email, sms, app, phone, post"),
    Column("decision", Text, nullable=False, comment="send or withhold"),
    Column("relaxed", Integer, nullable=False, comment="1: withheld, yet relayed by report mode"),
    Column("ground", Text, comment="of a send"),
    Column("reason", Text, comment="of a withhold"),
    Column("evidence", Text, nullable=False, comment="ledger ids it rests on: JSON list"),
    Column("customer", Text, comment="one-off or recurring, on the soft opt-in (L17)"),
    Column("pack", Text, nullable=False, comment="id of the country pack decided under"),
    Column("pack_version", Text, nullable=False, comment="its version"),
    Column(
        "head", _number(), comment="ledger.place of the person's newest row then; 0 without; null: not kept"
    ),
    Column("configuration", LargeBinary, comment="configurations.digest in force then; null: not kept"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of salt and canonical details"),
    *_link(),
    CheckConstraint("decision IN ('send', 'withhold')", name="decisions_decision"),
    CheckConstraint("relaxed IN (0, 1)", name="decisions_relaxed"),
    Index("decisions_person", "controller", "day", "person"),
    Index(
        "decisions_withheld",
        "controller",
        "login",
        "category",
        "reason",
        "id",
        sqlite_where=text("decision = 'withhold'"),
    ),
    sqlite_strict=True,
)

decision_details = Table(
    "decision_details",
    metadata,
    _key("decision", "decisions.id"),
    Column("salt", LargeBinary, nullable=False, comment="16 random octets; erased with the details"),
    Column("address", Text, nullable=False, comment="the recipient as received"),
    Column("campaign", Text, nullable=False, comment="as the message named it; may be empty"),
    Column("message_id", Text, nullable=False, comment="the message's Message-ID; may be empty"),
    Column("detail", Text, nullable=False, comment="what lacked, where the reason names something"),
    sqlite_strict=True,
)

fates = Table(
    "fates",
    metadata,
    _key("decision", "decisions.id; a decision to send without a row here is fate unknown (I2)"),
    Column("fate", Text, nullable=False, comment="relayed, refused, deferred, unknown"),
    Column("at", _number(), nullable=False, comment="microseconds UTC"),
    Column("code", Integer, nullable=False, comment="the smarthost's reply code; 0 without a reply"),
    Column("enhanced", Text, nullable=False, comment="RFC 3463 code; may be empty"),
    Column("stage", Text, nullable=False, comment="where in its dialog the smarthost answered"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of salt and canonical details"),
    *_link(),
    Index("fates_chain", "writer", "n"),
    Index("fates_not_relayed", "decision", sqlite_where=text("fate <> 'relayed'")),
    sqlite_strict=True,
)

fate_details = Table(
    "fate_details",
    metadata,
    _key("decision", "decisions.id"),
    Column("salt", LargeBinary, nullable=False, comment="16 random octets; erased with the details"),
    Column("text", Text, nullable=False, comment="the smarthost's words, which may quote the address"),
    sqlite_strict=True,
)

claims = Table(  # working state, not evidence (I5)
    "claims",
    metadata,
    Column("fingerprint", LargeBinary, primary_key=True, comment="16 bytes of the message"),
    Column("person", LargeBinary, primary_key=True, comment="16-byte keyed hash of the person"),
    Column("submission", _number(), nullable=False, comment="who holds it"),
    Column("writer", _number(), nullable=False, comment="writers.id of the process that holds it"),
    Column("decision", _number(), nullable=False, comment="decisions.id whose fate answers a retry"),
    Column("working", Integer, nullable=False, comment="1: being worked on; 0: left to a retry"),
    Column("expires_at", _number(), nullable=False, comment="microseconds UTC"),
    Index("claims_expiry", "expires_at"),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

tallies = Table(  # working state: decisions counted as they are recorded, so that nobody has to count them
    "tallies",
    metadata,
    Column("controller", Text, primary_key=True, comment="id of the controller"),
    Column("hour", Integer, primary_key=True, comment="hours since 1970, UTC, of decided_at"),
    Column("login", Text, primary_key=True, comment="name of the login that submitted"),
    Column("category", Text, primary_key=True, comment="id of the category; empty when the login has none"),
    Column(
        "campaign",
        LargeBinary,
        primary_key=True,
        comment="8-byte keyed hash of its name; else empty",
    ),
    Column("decision", Text, primary_key=True, comment="send or withhold"),
    Column("outcome", Text, primary_key=True, comment="the ground of a send, the reason of a withhold"),
    Column("relaxed", Integer, primary_key=True, comment="1: withheld, yet relayed by report mode"),
    Column("count", _number(), nullable=False, comment="of such decisions"),
    Column("first", _number(), nullable=False, comment="decisions.id of the first of them"),
    Column("last", _number(), nullable=False, comment="decisions.id of the last of them"),
    Index("tallies_campaign", "campaign", "hour"),
    # Where an id (ids.py: milliseconds since 2025) leads its hour by more than ten minutes: the clock was set
    # back. Rare, and found by this where all others are found by their time.
    Index("tallies_ahead", "hour", sqlite_where=text("(last >> 22) > hour * 3600000 - 1735685400000")),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

configurations = Table(
    "configurations",
    metadata,
    Column("digest", LargeBinary, primary_key=True, comment="first 16 octets of the content's SHA-256"),
    Column("content", Text, nullable=False, comment="controllers, categories, packs: canonical JSON"),
    sqlite_strict=True,
)

in_force = Table(
    "in_force",
    metadata,
    _key("id", "made by the application; rises with time"),
    Column(
        "since", _number(), nullable=False, comment="start or reload of a serving process, microseconds UTC"
    ),
    Column("configuration", LargeBinary, nullable=False, comment="configurations.digest"),
    *_link(),
    sqlite_strict=True,
)

acts = Table(
    "acts",
    metadata,
    _key("id", "made by the application; rises with time"),
    Column("at", _number(), nullable=False, comment="microseconds UTC"),
    Column("act", Text, nullable=False, comment="erase, retention, ... : what an operator did"),
    Column("controller", Text, nullable=False, comment="id of the controller; empty for all"),
    Column("person", LargeBinary, comment="16-byte keyed hash of the person it was about, if one"),
    Column("digest", LargeBinary, nullable=False, comment="SHA-256 of salt and canonical details"),
    *_link(),
    Index("acts_person", "controller", "person"),
    sqlite_strict=True,
)

act_details = Table(
    "act_details",
    metadata,
    _key("act", "acts.id"),
    Column("salt", LargeBinary, nullable=False, comment="16 random octets; erased with the details"),
    Column("details", Text, nullable=False, comment="operator, counts, ... : canonical JSON"),
    sqlite_strict=True,
)

seals = Table(
    "seals",
    metadata,
    _key("id", "made by the application; rises with time"),
    Column("at", _number(), nullable=False, comment="microseconds UTC"),
    Column("writer", _number(), nullable=False, comment="writers.id of the process that sealed"),
    Column("heads", Text, nullable=False, comment="writer, stream, n, link of each: JSON list, links in hex"),
    Column("key", LargeBinary, nullable=False, comment="Ed25519 public key, 32 octets"),
    Column("signature", LargeBinary, nullable=False, comment="over at, writer and heads (seals.py)"),
    sqlite_strict=True,
)

heads = Table(  # working state: what is to be sealed next
    "heads",
    metadata,
    Column("writer", _number(), primary_key=True, autoincrement=False, comment="writers.id"),
    Column("stream", Text, primary_key=True, comment="the table whose rows are chained"),
    Column("n", _number(), nullable=False, comment="of the newest row"),
    Column("link", LargeBinary, nullable=False, comment="of the newest row"),
    Column("sealed", _number(), nullable=False, comment="n as it was last sealed; 0: never"),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

idempotency = Table(  # working state: answers to requests that may be repeated
    "idempotency",
    metadata,
    Column("token", Text, primary_key=True, comment="name of the token that asked"),
    Column("key", Text, primary_key=True, comment="its Idempotency-Key"),
    Column("body", LargeBinary, nullable=False, comment="16-byte digest of the request's body"),
    Column("answer", Text, nullable=False, comment="what was answered: JSON"),
    Column("expires_at", _number(), nullable=False, comment="microseconds UTC"),
    Index("idempotency_expiry", "expires_at"),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

operators = Table(  # working state: who may sign in to the admin pages
    "operators",
    metadata,
    _key("id", "made by the application"),
    Column("name", Text, nullable=False, unique=True, comment="by which they sign in"),
    Column("role", Text, nullable=False, comment="viewer, officer or administrator"),
    Column("password", Text, nullable=False, comment="Argon2id hash, in PHC's format"),
    Column("second_factor", Text, comment="TOTP secret, sealed; null: none"),
    Column("second_factor_step", _number(), nullable=False, comment="the last TOTP step that was used"),
    Column("added_at", _number(), nullable=False, comment="microseconds UTC"),
    Column("revoked_at", _number(), comment="microseconds UTC; null: may sign in"),
    sqlite_strict=True,
)

sign_ins = Table(  # working state: sessions of operators
    "sign_ins",
    metadata,
    Column("token", LargeBinary, primary_key=True, comment="SHA-256 of what the cookie holds"),
    Column("operator", _number(), nullable=False, comment="operators.id"),
    Column("began_at", _number(), nullable=False, comment="microseconds UTC"),
    Column("seen_at", _number(), nullable=False, comment="microseconds UTC, to the minute"),
    Column("expires_at", _number(), nullable=False, comment="microseconds UTC"),
    Index("sign_ins_operator", "operator"),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

writers = Table(
    "writers",
    metadata,
    Column("id", Integer, primary_key=True, comment="one for each start of a process that writes"),
    Column("started_at", _number(), nullable=False, comment="microseconds UTC"),
    sqlite_strict=True,
)

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True, comment="keys_check: by which the store knows its keys"),
    Column("value", Text, nullable=False, comment="its value"),
    sqlite_strict=True,
)

CHAINED = (ledger, decisions, fates, acts, in_force)
APPEND_ONLY = ("ledger", "decisions", "fates", "acts", "seals", "configurations", "in_force")
