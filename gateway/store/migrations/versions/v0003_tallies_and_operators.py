"""Decisions counted as they are recorded, indexes for what officers look for, and operators."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _tallies()
    _operators()
    op.create_index(
        "ledger_refusals",
        "ledger",
        ["controller", "recorded_at", "occurred_at"],
        sqlite_where=sa.text("kind IN ('objection', 'withdrawal')"),
    )
    op.create_index(
        "decisions_withheld",
        "decisions",
        ["controller", "login", "category", "reason", "id"],
        sqlite_where=sa.text("decision = 'withhold'"),
    )
    op.create_index("fates_not_relayed", "fates", ["decision"], sqlite_where=sa.text("fate <> 'relayed'"))


def _tallies() -> None:
    op.create_table(
        "tallies",
        sa.Column("controller", sa.Text, primary_key=True),
        sa.Column("hour", sa.Integer, primary_key=True),
        sa.Column("login", sa.Text, primary_key=True),
        sa.Column("category", sa.Text, primary_key=True),
        sa.Column("campaign", sa.LargeBinary, primary_key=True),
        sa.Column("decision", sa.Text, primary_key=True),
        sa.Column("outcome", sa.Text, primary_key=True),
        sa.Column("relaxed", sa.Integer, primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )
    op.create_index("tallies_campaign", "tallies", ["campaign", "hour"])
    op.create_index(
        "tallies_ahead",
        "tallies",
        ["hour"],
        sqlite_where=sa.text("(last >> 22) > hour * 3600000 - 1735685400000"),
    )
    # Names of campaigns are told apart by a key that the store does not have: those of before are not.
    op.execute(
        "INSERT INTO tallies SELECT controller, decided_at / 3600000000, login, coalesce(category, ''), x'',"
        " decision, coalesce(ground, reason), relaxed, count(*), min(id), max(id)"
        " FROM decisions GROUP BY 1, 2, 3, 4, 6, 7, 8"
    )


def _operators() -> None:
    op.create_table(
        "operators",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("second_factor", sa.Text),
        sa.Column("second_factor_step", sa.Integer, nullable=False),
        sa.Column("added_at", sa.Integer, nullable=False),
        sa.Column("revoked_at", sa.Integer),
        sqlite_strict=True,
    )
    op.create_table(
        "sign_ins",
        sa.Column("token", sa.LargeBinary, primary_key=True),
        sa.Column("operator", sa.Integer, nullable=False),
        sa.Column("began_at", sa.Integer, nullable=False),
        sa.Column("seen_at", sa.Integer, nullable=False),
        sa.Column("expires_at", sa.Integer, nullable=False),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("sign_ins_operator", "sign_ins", ["operator"])
