"""Evidence is never edited (I7): ledger, decisions and fates see INSERT and SELECT alone."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

import gateway.store
from gateway.store.log import Filters
from gateway.store.opening import Store
from gateway.store.tables import APPEND_ONLY
from tests.store.campaigns import laws
from tests.store.given import (
    INVOICE,
    PATIENCE,
    REFUSED,
    START,
    Open,
    SetClock,
    consent,
    fate,
    objection,
    person,
    row,
    wave,
)

_EDITS = re.compile(rf"\b(UPDATE|DELETE\s+FROM|REPLACE(\s+INTO)?)\s+[\"']?({'|'.join(APPEND_ONLY)})\b", re.I)


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """Every statement that SQLAlchemy's connections run in this test."""
    seen: list[str] = []

    def note(*args: object) -> None:
        seen.append(str(args[2]))

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


async def everything(store: Store, clock: SetClock) -> None:
    """Every operation of the store, each at least once."""
    kim, noa = person("kim"), person("noa")
    await store.ready()
    store.journal.rests_on(await store.configurations.put_in_force(laws()[0], clock.now()))
    await store.ledger.append([row(consent(START))])
    await store.ledger.append([row(objection(START))], again=True)
    (first,) = await store.ledger.append([row(objection(START))], again=True)
    async for _ in store.ledger.append_in_batches([row(consent(START), noa)]):
        pass
    await store.ledger.evidence("shop", kim.hash, START)
    await store.ledger.find("shop", kim.hash, first.id)
    for submission, end in enumerate([store.journal.leave, store.journal.release, store.journal.leave]):
        verdicts = await store.journal.decide(
            wave(kim, noa, submission=submission, category=INVOICE), clock.now(), PATIENCE
        )
        if submission == 0:
            await store.journal.settle([fate(verdicts[0].id), fate(verdicts[1].id, REFUSED)], clock.now())  # type: ignore[union-attr]  # the first meets no claim
            await store.journal.settle([fate(verdicts[0].id)], clock.now())  # type: ignore[union-attr]  # as above
        end(submission)
    await store.journal.decide(wave(kim, submission=3), clock.now(), PATIENCE)
    await store.journal.decide(wave(kim, submission=4, only_withheld=True), clock.now(), PATIENCE)
    await store.journal.sent(1)
    for filters in (Filters(), Filters(people=(("shop", kim.hash),))):
        async for _ in store.log.entries(filters):
            pass


async def test_no_operation_edits_evidence(open_store: Open, clock: SetClock, statements: list[str]) -> None:
    """Of all statements that a run of all operations executes, none edits or deletes evidence."""
    written: list[str] = []
    async with open_store(serving=True) as store:
        await store.writer.run(lambda database: database.set_trace_callback(written.append), PATIENCE)
        await everything(store, clock)
    seen = written + statements
    assert any(statement.startswith("INSERT INTO decisions") for statement in written)
    assert any("UPDATE claims" in statement for statement in written)
    assert [statement for statement in seen if _EDITS.search(statement)] == []


def test_no_source_spells_an_edit_of_evidence() -> None:
    """No file of the room, nor of the rest of the gateway, updates or deletes evidence, in SQL or in Core."""
    tables = "|".join(APPEND_ONLY)
    core = re.compile(
        rf"\b(update|delete)\(\s*({tables})\b|\b({tables})\.(update|delete)\(|OR\s+REPLACE|prefix_with"
    )
    root = Path(gateway.store.__file__).parent.parent
    guilty = [
        str(file.relative_to(root))
        for file in root.rglob("*.py")
        if _EDITS.search(text := file.read_text()) or core.search(text)
    ]
    assert guilty == []


def fill(database: sqlite3.Connection, table: str) -> None:
    """Put a row into it, whatever it says."""
    values = {"INTEGER": "1", "TEXT": "'x'", "BLOB": "x'00'"}
    kinds = [kind for _, _, kind, *_ in database.execute(f"PRAGMA table_info({table})")]
    database.execute(f"INSERT INTO {table} VALUES ({', '.join(values[kind] for kind in kinds)})")
    database.commit()


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize("edit", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
async def test_the_database_itself_refuses(
    store: Store, clock: SetClock, path: Path, table: str, edit: str
) -> None:
    """Even by hand, a row of evidence can be neither changed nor removed."""
    await store.ledger.append([row(consent(START))])
    (decided,) = await store.journal.decide(wave(category=INVOICE), clock.now(), PATIENCE)
    await store.journal.settle([fate(decided.id)], clock.now())  # type: ignore[union-attr]  # meets no claim
    key = {"fates": "decision", "configurations": "digest"}.get(table, "id")
    database = sqlite3.connect(path)
    if table not in ("ledger", "decisions", "fates"):  # which an ordinary day does not fill
        fill(database, table)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        database.execute(edit.format(table, key, key))
    database.close()
