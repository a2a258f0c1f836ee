"""Chains over what is evidence, seals over chains, the configuration in force, and acts of operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from gateway.store.chain import BEGINNING, next_link, row_digest
from gateway.store.spelling import digest

revision = "0002"
down_revision = "0001"

_CHAINED = ("ledger", "decisions", "fates")
_APPEND_ONLY = ("acts", "seals", "configurations", "in_force")
_WRITER = 0  # of rows from before there were chains: one chain for all of them


def upgrade() -> None:
    _working_state()
    _new_evidence()
    for table in _CHAINED:
        op.rename_table(table, f"{table}_before")
    op.rename_table("fate_details", "fate_details_before")
    for index in ("ledger_person", "decisions_person"):
        op.drop_index(index)
    _ledger()
    _decisions()
    _fates()
    _carry_over()
    for table in (*_CHAINED, "fate_details"):
        op.drop_table(f"{table}_before")
    for table in (*_CHAINED, *_APPEND_ONLY):  # I7, held by the database itself
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def _integer(name: str, *, key: bool = False, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, primary_key=key, autoincrement=False, nullable=null)


def _text(name: str, *, key: bool = False, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=key, nullable=null)


def _octets(name: str, *, key: bool = False, null: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, primary_key=key, nullable=null)


def _link() -> Sequence[sa.Column[Any]]:
    return _integer("writer"), _integer("n"), _octets("link")


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
        _integer("place"),
        *_link(),
        sqlite_strict=True,
    )
    op.create_index("ledger_person", "ledger", ["controller", "person"])


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
        _integer("head", null=True),
        _octets("configuration", null=True),
        _octets("digest"),
        *_link(),
        sa.CheckConstraint("decision IN ('send', 'withhold')", name="decisions_decision"),
        sa.CheckConstraint("relaxed IN (0, 1)", name="decisions_relaxed"),
        sqlite_strict=True,
    )
    op.create_index("decisions_person", "decisions", ["controller", "day", "person"])


def _fates() -> None:
    op.create_table(
        "fates",
        _integer("decision", key=True),
        _text("fate"),
        _integer("at"),
        _integer("code"),
        _text("enhanced"),
        _text("stage"),
        _octets("digest"),
        *_link(),
        sqlite_strict=True,
    )
    op.create_index("fates_chain", "fates", ["writer", "n"])
    op.create_table(
        "fate_details",
        _integer("decision", key=True),
        _octets("salt"),
        _text("text"),
        sqlite_strict=True,
    )


def _new_evidence() -> None:
    op.create_table("configurations", _octets("digest", key=True), _text("content"), sqlite_strict=True)
    op.create_table(
        "in_force",
        _integer("id", key=True),
        _integer("since"),
        _octets("configuration"),
        *_link(),
        sqlite_strict=True,
    )
    op.create_table(
        "acts",
        _integer("id", key=True),
        _integer("at"),
        _text("act"),
        _text("controller"),
        _octets("person", null=True),
        _octets("digest"),
        *_link(),
        sqlite_strict=True,
    )
    op.create_index("acts_person", "acts", ["controller", "person"])
    op.create_table(
        "act_details", _integer("act", key=True), _octets("salt"), _text("details"), sqlite_strict=True
    )
    op.create_table(
        "seals",
        _integer("id", key=True),
        _integer("at"),
        _integer("writer"),
        _text("heads"),
        _octets("key"),
        _octets("signature"),
        sqlite_strict=True,
    )


def _working_state() -> None:
    op.create_table(
        "heads",
        _integer("writer", key=True),
        _text("stream", key=True),
        _integer("n"),
        _octets("link"),
        _integer("sealed"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "idempotency",
        _text("token", key=True),
        _text("key", key=True),
        _octets("body"),
        _text("answer"),
        _integer("expires_at"),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index("idempotency_expiry", "idempotency", ["expires_at"])


def _carry_over() -> None:
    """The rows there are, chained in the order in which they were recorded."""
    places: dict[tuple[str, bytes], int] = {}

    def with_place(row: tuple[Any, ...]) -> tuple[Any, ...]:
        places[row[1:3]] = places.get(row[1:3], 0) + 1
        return (*row, places[row[1:3]])

    def with_words(row: tuple[Any, ...]) -> tuple[Any, ...]:
        *fate, text = row
        return (*fate, digest(bytes(16), {"text": text}))

    op.execute("INSERT INTO fate_details SELECT decision, zeroblob(16), text FROM fate_details_before")
    _chained("ledger", "SELECT * FROM ledger_before ORDER BY id", with_place)
    _chained(
        "decisions",
        "SELECT * FROM decisions_before ORDER BY id",
        lambda row: (*row[:-1], None, None, row[-1]),  # neither head nor configuration was kept
    )
    _chained(
        "fates",
        "SELECT f.*, coalesce(d.text, '') FROM fates_before f LEFT JOIN fate_details_before d"
        " ON d.decision = f.decision ORDER BY f.decision",
        with_words,
    )


def _chained(table: str, rows: str, completed: Any) -> None:
    """Each of these rows, completed and linked, into its new table."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None  # noqa: S101 - migrations run on a connection
    n, link = 0, BEGINNING
    for row in driver.execute(rows):
        n += 1
        values = (*completed(tuple(row)), _WRITER, n)
        link = next_link(link, row_digest(values))
        places = ", ".join("?" * (len(values) + 1))
        driver.execute(f"INSERT INTO {table} VALUES ({places})", (*values, link))  # noqa: S608 - our names
    if n:
        driver.execute("INSERT INTO heads VALUES (?, ?, ?, ?, 0)", (_WRITER, table, n, link))
