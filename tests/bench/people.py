"""A ledger of any number of people, written straight into the schema, and kept for the next run.

The product itself records the first two people. Everybody else has the row of the first, but for what makes
a person's row theirs; that this is right is held against the second. So neither a new column nor another way
to hash can make these rows unlike those of an import. They are written without waiting for the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from sqlalchemy.schema import CreateTable

from gateway import keys as keys_file
from gateway.config import load
from gateway.ids import Ids
from gateway.intake import record
from gateway.keys import Keys
from gateway.law.evidence import from_facts, to_facts
from gateway.mail.signature import new_key
from gateway.opening import rooms, upgrade
from gateway.store import chain
from gateway.store.spelling import SALT, canonical, moment
from gateway.store.tables import SCHEMA, ledger, metadata
from tests.bench.configuration import configured
from tests.bench.load import BLOCK, address

CACHE = Path(os.environ.get("BENCH_CACHE", "build/bench-cache"))
CONTROLLER = "shop"
RECORDED = datetime(2026, 1, 2, tzinfo=UTC)
CONSENT = {
    "kind": "consent",
    "category": "newsletter",
    "occurred_at": "2026-01-01T00:00:00Z",
    "source": "form",
    "wording": "Yes, send me the newsletter.",
    "wording_version": "1",
}
BATCH = 50_000  # rows
Row = dict[str, Any]


def keys_path() -> Path:
    """Where the keys of every cached ledger are; made where there are none."""
    path = CACHE / "keys.json"
    if not path.exists():
        keys_file.create(path)
    return path


def dkim_key() -> Path:
    """An RSA-2048 key that every contender signs with."""
    path = CACHE / "dkim.pem"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        path.write_bytes(new_key("rsa"))
        path.chmod(0o600)
    return path


def name_of(number: int) -> str:
    """The address of the person of that number, from 0 on."""
    block, place = divmod(number, BLOCK)
    return address(place + 1, block)


@cache
def shape() -> str:
    """What a cached database is kept under: another schema makes another one."""
    text = "".join(str(CreateTable(table)) for table in metadata.sorted_tables)
    return f"{SCHEMA}-{sha256(text.encode()).hexdigest()[:8]}"


@cache
def store(people: int) -> Path:
    """A database with so many people in its ledger and an empty journal; made where there is none yet."""
    path = CACHE / f"ledger-{shape()}-{people}.db"
    if not path.exists():
        draft = path.with_suffix(".draft")
        for file in draft.parent.glob(draft.name + "*"):
            file.unlink()
        asyncio.run(_recorded_by_the_product(draft, [name_of(0), name_of(1)]))
        with quickly(draft) as connection, without_indexes(connection, "ledger"):
            _fill(connection, people)
        draft.rename(path)
    return path


def copied(people: int, folder: Path) -> Path:
    """The same in a file of one's own."""
    target = folder / f"{people}.db"
    shutil.copyfile(store(people), target)
    return target


async def _recorded_by_the_product(path: Path, emails: list[str]) -> None:
    config = load(configured(path.parent / "draft", path, keys_path(), dkim_key()), {})
    upgrade(config)
    async with rooms(config) as opened:
        report = await record(opened, CONTROLLER, [{"email": one} | CONSENT for one in emails], RECORDED)
    assert report.imported == len(emails), report


@contextlib.contextmanager
def quickly(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that writes without waiting for the disk; then the file is on it whole."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.row_factory = lambda cursor, row: {
            column[0]: value for column, value in zip(cursor.description, row, strict=True)
        }
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000", "temp_store=FILE"):
            connection.execute(f"PRAGMA {pragma}")
        yield connection
        connection.execute("PRAGMA journal_mode=WAL")
    with path.open("rb") as file:
        os.fsync(file.fileno())


@contextlib.contextmanager
def without_indexes(connection: sqlite3.Connection, *tables: str) -> Iterator[None]:
    """The tables' indexes are made at the end, which is faster; the schema's own statements make them."""
    found = [
        row
        for row in connection.execute("SELECT * FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        if row["tbl_name"] in tables
    ]
    for row in found:
        connection.execute(f"DROP INDEX {row['name']}")
    yield
    for row in found:
        connection.execute(row["sql"])


def _fill(connection: sqlite3.Connection, people: int) -> None:
    """Everybody from the third person on, in transactions of a batch."""
    rows = connection.execute("SELECT * FROM ledger ORDER BY id").fetchall()
    beside = connection.execute("SELECT * FROM ledger_details ORDER BY evidence").fetchall()
    make = _maker(rows[0], beside[0])
    again = make(name_of(1), rows[1]["id"], beside[1]["salt"], rows[0])
    if again != (rows[1], beside[1]):
        raise AssertionError("the rows made here are not those that the product writes")
    last = rows[1]
    number = Ids(4000, lambda: RECORDED).next
    added = range(2, people)
    for start in track(range(2, people, BATCH), f"a ledger of {people} people", console=Console(stderr=True)):
        batch = []
        for person in islice(added, start - 2, start - 2 + BATCH):
            both = make(name_of(person), number(), os.urandom(SALT), last)
            last = both[0]
            batch.append(both)
        connection.execute("BEGIN")
        _insert(connection, "ledger", [row for row, _ in batch])
        _insert(connection, "ledger_details", [row for _, row in batch])
        connection.execute("COMMIT")
    connection.execute(
        "UPDATE heads SET n = ?, link = ? WHERE writer = ? AND stream = ?",
        (last["n"], last["link"], last["writer"], ledger.name),
    )


def _insert(connection: sqlite3.Connection, table: str, rows: list[Row]) -> None:
    columns = ",".join(rows[0])
    marks = ",".join("?" * len(rows[0]))
    connection.executemany(
        f"INSERT INTO {table} ({columns}) VALUES ({marks})", (tuple(row.values()) for row in rows)
    )


def _maker(row: Row, beside: Row) -> Callable[[str, int, bytes, Row], tuple[Row, Row]]:
    """Makes somebody's rows: address, id, salt and the row before them in the chain."""
    held: Keys = keys_file.load(keys_path())
    first = beside["address"].encode()
    details = {"address": beside["address"], **json.loads(beside["details"])}
    sealed = canonical(details).encode().split(first)
    content = _content_of(row, details).split(first)

    def make(email: str, number: int, salt: bytes, before: Row) -> tuple[Row, Row]:
        octets = email.encode()
        own = {
            "id": number,
            "person": held.hash(CONTROLLER, email),
            "content": held.digest("content", octets.join(content)),
            "digest": sha256(salt + octets.join(sealed)).digest(),
            "n": before["n"] + 1,
        }
        made = row | own
        *values, _ = made.values()
        made["link"] = chain.next_link(before["link"], chain.row_digest(values))
        return made, beside | {"evidence": number, "salt": salt, "address": email}

    return make


def _content_of(row: Row, details: Row) -> bytes:
    """What `content` is the keyed hash of (gateway/intake/rows.py)."""
    occurred_at = moment(row["occurred_at"])
    facts = json.loads(row["facts"])
    fact = from_facts(row["kind"], id=0, occurred_at=occurred_at, recorded_at=RECORDED, facts=facts)
    given = {name: value for name, value in details.items() if name != "address"}
    whole = [row["kind"], CONTROLLER, details["address"], occurred_at.isoformat(), to_facts(fact), given]
    return json.dumps(whole, sort_keys=True).encode()
