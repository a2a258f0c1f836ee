"""The ledger, the journal, their erasable details, and the working state beside them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None

_APPEND_ONLY = ("ledger", "decisions", "fates")


def upgrade() -> None:
    _ledger()
    _decisions()
    _fates()
    _working_state()
    for table in _APPEND_ONLY:  # I7, held by the database itself
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def _integer(name: str, *, key: bool = False, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, primary_key=key, autoincrement=False, nullable=null)


def _text(name: str, *, key: bool = False, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=null)


def _octets(name: str, *, key: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, primary_key=key, nullable=False)


def _ledger() -> None:
    op.create_table(
        "ledger",
        _integer("id", key=True),
        _text("controller"),
        _octets("person"),
        _text("kind"),
        _integer("occurred_at"),
        _integer("recorded_at"),
        _text("facts"),
        _octets("content"),
        _octets("digest"),
        sqlite_strict=True,
    )
    op.create_index("ledger_person", "ledger", ["controller", "person"])
    op.create_table(
        "ledger_details",
        _integer("evidence", key=True),
        _octets("salt"),
        _text("address"),
        _text("details"),
        sqlite_strict=True,
    )


def _decisions() -> None:
    op.create_table(
        "decisions",
        _integer("id", key=True),
        _integer("submission"),
        _text("controller"),
        _integer("day"),
        _integer("decided_at"),
        _octets("person"),
        _text("login"),
        _text("category", null=True),
        _text("category_asked", null=True),
        _text("channel"),
        _text("decision"),
        _integer("relaxed"),
        _text("ground", null=True),
        _text("reason", null=True),
        _text("evidence"),
        _text("customer", null=True),
        _text("pack"),
        _text("pack_version"),
        _octets("digest"),
        sa.CheckConstraint("decision IN ('send', 'withhold')", name="decisions_decision"),
        sa.CheckConstraint("relaxed IN (0, 1)", name="decisions_relaxed"),
        sqlite_strict=True,
    )
    op.create_index("decisions_person", "decisions", ["controller", "day", "person"])
    op.create_table(
        "decision_details",
        _integer("decision", key=True),
        _octets("salt"),
        _text("address"),
        _text("campaign"),
        _text("message_id"),
        _text("detail"),
        sqlite_strict=True,
    )


def _fates() -> None:
    op.create_table(
        "fates",
        _integer("decision", key=True),
        _text("fate"),
        _integer("at"),
        _integer("code"),
        _text("enhanced"),
        _text("stage"),
        sqlite_strict=True,
    )
    op.create_table("fate_details", _integer("decision", key=True), _text("text"), sqlite_strict=True)


def _working_state() -> None:
    op.create_table(
        "claims",
        _octets("fingerprint", key=True),
        _octets("person", key=True),
        _integer("submission"),
        _integer("writer"),
        _integer("decision"),
        _integer("working"),
        _integer("expires_at"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("claims_expiry", "claims", ["expires_at"])
    op.create_table(
        "writers",
        sa.Column("id", sa.Integer, primary_key=True),
        _integer("started_at"),
        sqlite_strict=True,
    )
    op.create_table("meta", _text("key", key=True), _text("value"), sqlite_strict=True)
