"""The database file: made on request, upgraded on request, opened only when it fits.

Rules of this file:

1. Connecting never makes a file: a database that is missing is an outage, not an empty ledger (I3, I4).
2. A store made with other keys, or of another schema, is not opened: its objections could not be found.
3. What has been acknowledged survives a power cut: synchronous=FULL (design section 6).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import StaticPool

from gateway.store.tables import SCHEMA

_MIGRATIONS = Path(__file__).with_name("migrations")
_KEYS_CHECK = "keys_check"
_OPENING_PATIENCE = 5.0  # seconds to wait for another process that recovers, or puts away, the log
_STATEMENTS = 512  # kept prepared: those of compiling.py, each for any number of rows
_UPGRADE_PATIENCE = 30.0  # seconds to wait for another process's transaction

_PRAGMAS = (
    "PRAGMA synchronous=FULL",  # the log is on disk before COMMIT returns
    "PRAGMA secure_delete=ON",  # erased details are overwritten (I7)
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cache_size=-16000",  # KiB; no mmap, which would count as resident
    "PRAGMA journal_size_limit=67108864",
)


class SchemaError(Exception):
    """The database has another schema than this version works with; the message says what to run."""


class KeysMismatchError(Exception):
    """The database was made with other keys; the message says what to do."""


@dataclass(frozen=True, slots=True)
class SchemaState:
    """The schema a database has, and the one this version wants; empty when it has none."""

    current: str
    wanted: str = SCHEMA

    @property
    def fault(self) -> str:
        """What is wrong and what to do about it; empty when nothing is."""
        if self.current == self.wanted:
            return ""
        if self.current < self.wanted:
            found = f"schema {self.current}" if self.current else "no schema"
            return f"the store has {found}, this version needs {self.wanted}: run `sendright db upgrade`"
        return (
            f"the store has schema {self.current}, newer than this version's {self.wanted}: "
            "install the version of Sendright that wrote it, or a later one"
        )


def path_of(url: str) -> Path:
    """The file that a `[store] url` names. Raises ValueError when it names none."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError(f"not a database url: {error}") from error
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise ValueError("the store must be a SQLite file, as sqlite+aiosqlite:///path")
    return Path(parsed.database)


def connect(path: Path, *, patience: float = 0.0) -> sqlite3.Connection:
    """A connection to an existing database that can write, without implicit transactions.

    `patience` is SQLite's own busy timeout in seconds, once it is open. Raises sqlite3.Error, also when there
    is no file.
    """
    database = sqlite3.connect(
        uri_of(path),
        uri=True,
        timeout=_OPENING_PATIENCE,
        isolation_level=None,
        cached_statements=_STATEMENTS,
    )
    try:
        for pragma in _PRAGMAS:
            database.execute(pragma)
        database.execute(f"PRAGMA busy_timeout={round(patience * 1000)}")
    except sqlite3.Error:
        database.close()
        raise
    return database


def uri_of(path: Path) -> str:
    """The file as SQLite is to open it, to read and write and never to make (rule 1)."""
    return f"file:{quote(str(path.absolute()))}?mode=rw"


def files_at(path: Path | str) -> tuple[int, ...]:
    """Which files are at the path: the database and its write-ahead log. Raises FileNotFoundError."""
    main, log = os.stat(path), os.stat(f"{path}-wal")  # noqa: PTH116 - before each use; a Path takes longer
    return main.st_dev, main.st_ino, log.st_ino


def create(url: str, keys_check: str) -> None:
    """Make a database of the newest schema for these keys (`Keys.check`), whole or not at all.

    Raises FileExistsError, ValueError, OSError or sqlite3.Error.
    """
    path = path_of(url)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if path.exists():
        raise FileExistsError(path)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)  # of a creation that was cut off
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with contextlib.closing(connect(draft)) as database:
        database.execute("PRAGMA auto_vacuum=INCREMENTAL")  # before the first table, or never
        _migrate(database)
        bind_keys(database, keys_check)
        database.execute("PRAGMA journal_mode=WAL")
    os.link(draft, path)  # fails where another process was first
    draft.unlink()
    _sync(path.parent)


def upgrade(url: str) -> SchemaState:
    """Bring the database to the newest schema in one transaction; the state it has then.

    Raises FileNotFoundError, SchemaError when it is newer, sqlite3.Error.
    """
    state = check(url)
    if state.current > state.wanted:
        raise SchemaError(state.fault)
    if state.current < state.wanted:
        with contextlib.closing(connect(path_of(url), patience=_UPGRADE_PATIENCE)) as database:
            _migrate(database)
    return check(url)


def check(url: str) -> SchemaState:
    """The schema the database has. Raises FileNotFoundError, sqlite3.Error when it is not a database."""
    with _existing(url) as database:
        return schema_of(database)


def verify_keys(url: str, keys_check: str) -> None:
    """Raises KeysMismatchError when the store has other keys; FileNotFoundError, sqlite3.Error."""
    with _existing(url) as database:
        check_keys(database, keys_check)


def verify(database: sqlite3.Connection, keys_check: str) -> None:
    """Raises SchemaError or KeysMismatchError unless this database fits this version and these keys."""
    if fault := schema_of(database).fault:
        raise SchemaError(fault)
    check_keys(database, keys_check)


def schema_of(database: sqlite3.Connection) -> SchemaState:
    """The schema of an open database."""
    tables = database.execute("SELECT name FROM sqlite_master WHERE name = 'alembic_version'").fetchall()
    if not tables:
        return SchemaState("")
    row = database.execute("SELECT version_num FROM alembic_version").fetchone()
    return SchemaState(row[0] if row else "")


def bind_keys(database: sqlite3.Connection, keys_check: str) -> None:
    """Let the store recognise its keys from now on (contract section 3, `keys_file`)."""
    database.execute("INSERT INTO meta (key, value) VALUES (?, ?)", (_KEYS_CHECK, keys_check))


def check_keys(database: sqlite3.Connection, keys_check: str) -> None:
    """Raises KeysMismatchError unless the store was bound to these keys."""
    row = database.execute("SELECT value FROM meta WHERE key = ?", (_KEYS_CHECK,)).fetchone()
    if row is None or row[0] != keys_check:
        raise KeysMismatchError(
            "the keys file is not the one this store was made with: nobody on record could be recognised; "
            "restore the keys file that belongs to it"
        )


@contextlib.contextmanager
def _existing(url: str) -> Iterator[sqlite3.Connection]:
    path = path_of(url)
    if not path.is_file():
        raise FileNotFoundError(path)
    with contextlib.closing(connect(path, patience=1.0)) as database:
        yield database


def _migrate(database: sqlite3.Connection) -> None:
    from alembic import command  # here, since serve never needs it and it is large
    from alembic.config import Config

    engine = create_engine("sqlite://", creator=lambda: database, poolclass=StaticPool)  # ours to close
    event.listen(engine, "begin", _begin_at_once)
    settings = Config()
    settings.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")


def _begin_at_once(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
