"""The database file: made whole and on request, upgraded on request, refused where it does not fit."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from gateway.ports import StoreUnavailableError
from gateway.store import database
from gateway.store.database import KeysMismatchError, SchemaError, SchemaState
from gateway.store.opening import opened
from gateway.store.tables import SCHEMA, metadata
from tests.store.given import KEYS_CHECK, SEAL_KEY, Open, SetClock


def set_schema(path: Path, version: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    connection.close()


def files_in(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


def overwrite(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def test_the_migrations_make_exactly_the_tables(path: Path) -> None:
    """What the migrations build and what tables.py says do not differ, and the newest is SCHEMA."""
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), metadata
        )
    engine.dispose()
    assert differences == []
    assert ScriptDirectory(str(Path(database.__file__).with_name("migrations"))).get_current_head() == SCHEMA


def test_every_table_is_strict_and_every_column_explained(path: Path) -> None:
    """Tables are STRICT, and each column of tables.py says what it holds."""
    strict = {name: is_strict for _, name, _, _, _, is_strict in query(path, "PRAGMA table_list")}
    for table in metadata.tables.values():
        assert strict[table.name] == 1, table.name
        assert all(column.comment for column in table.columns), table.name


def test_a_new_store_is_private_durable_and_shrinks(path: Path, tmp_path: Path) -> None:
    """Write-ahead log, incremental vacuum from the first table on, readable by its owner alone."""
    database.create(f"sqlite+aiosqlite:///{tmp_path}/state/new.db", KEYS_CHECK)
    made = tmp_path / "state" / "new.db"
    assert query(made, "PRAGMA journal_mode") == [("wal",)]
    assert query(made, "PRAGMA auto_vacuum") == [(2,)]
    assert made.stat().st_mode & 0o777 == 0o600
    assert files_in(made.parent) == ["new.db"]


def test_the_writing_connection_syncs_every_commit(path: Path) -> None:
    """What is acknowledged survives a power cut (synchronous=FULL), what is erased is overwritten."""
    connection = database.connect(path)
    settings = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("synchronous", "secure_delete")
    }
    connection.close()
    assert settings == {"synchronous": 2, "secure_delete": 1}


def test_a_store_is_never_made_twice(url: str, path: Path) -> None:
    """create refuses a path that is taken, and leaves it alone."""
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        database.create(url, "other")
    assert path.read_bytes() == before


def test_a_creation_that_was_cut_off_is_begun_again(tmp_path: Path) -> None:
    """A half-made draft is no store and in nobody's way."""
    (tmp_path / "store.db.new").write_bytes(b"half")
    database.create(f"sqlite:///{tmp_path}/store.db", KEYS_CHECK)
    assert database.check(f"sqlite:///{tmp_path}/store.db") == SchemaState(SCHEMA)


async def test_opening_never_makes_a_file(tmp_path: Path, clock: SetClock) -> None:
    """A missing database is an outage, not an empty ledger."""
    with pytest.raises(StoreUnavailableError):
        async with opened(f"sqlite+aiosqlite:///{tmp_path}/none.db", KEYS_CHECK, SEAL_KEY, clock.now):
            pass
    with pytest.raises(FileNotFoundError):
        database.check(f"sqlite+aiosqlite:///{tmp_path}/none.db")
    assert files_in(tmp_path) == []


@pytest.mark.parametrize(
    ("version", "says"), [("0000", "sendright db upgrade"), ("9999", "newer than this version's")]
)
async def test_another_schema_is_refused_with_what_to_do(
    path: Path, url: str, open_store: Open, version: str, says: str
) -> None:
    """An older or newer schema is not opened, and the message says what helps."""
    set_schema(path, version)
    with pytest.raises(SchemaError, match=says):
        async with open_store():
            pass
    assert says in database.check(url).fault


async def test_an_empty_file_has_no_schema(path: Path, url: str, open_store: Open) -> None:
    """A file that holds nothing is not taken for a store."""
    overwrite(path, b"")
    assert database.check(url) == SchemaState("")
    with pytest.raises(SchemaError, match="no schema"):
        async with open_store():
            pass


async def test_what_is_no_database_is_an_outage(path: Path, open_store: Open) -> None:
    """A file overwritten with anything else is refused, and stays as it is."""
    overwrite(path, b"not a database at all" * 100)
    with pytest.raises(StoreUnavailableError):
        async with open_store():
            pass
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        query(path, "SELECT 1 FROM ledger")


def test_upgrade_builds_what_is_missing_and_refuses_what_is_newer(path: Path, url: str) -> None:
    """upgrade brings an older store to the newest schema, once, and never touches a newer one."""
    path.write_bytes(b"")
    assert database.check(url) == SchemaState("")
    assert database.upgrade(url) == SchemaState(SCHEMA)
    assert database.upgrade(url) == SchemaState(SCHEMA)
    set_schema(path, "9999")
    with pytest.raises(SchemaError, match="newer"):
        database.upgrade(url)


async def test_other_keys_are_refused(url: str, clock: SetClock) -> None:
    """A store made with other keys is not opened: its objections could not be found."""
    database.verify_keys(url, KEYS_CHECK)
    with pytest.raises(KeysMismatchError):
        database.verify_keys(url, "f" * 32)
    with pytest.raises(KeysMismatchError):
        async with opened(url, "f" * 32, SEAL_KEY, clock.now):
            pass


@pytest.mark.parametrize(
    "url", ["postgresql+asyncpg://host/db", "sqlite://", "sqlite:///:memory:", "not a url", ""]
)
def test_only_a_sqlite_file_is_a_store(url: str) -> None:
    """Any other url is refused by name."""
    with pytest.raises(ValueError, match=r"sqlite|database url"):
        database.path_of(url)
