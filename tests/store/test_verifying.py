"""`verify` finds every altered row of evidence, and names it (I7)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.replay import Result
from gateway.store import database
from gateway.store.spelling import micros
from gateway.store.tables import (
    act_details,
    configurations,
    decision_details,
    fate_details,
    heads,
    ledger_details,
    seals,
)
from gateway.store.verifying.fault import Fault
from gateway.store.verifying.pages import connect
from gateway.store.verifying.whole import Verified, faults
from tests.store.given import Open, SetClock, by_hand, consent, person, row
from tests.store.proofs import EVIDENCE, KEY, act, found, named, rows

DETAILS_OF = {
    "ledger_details": "ledger",
    "decision_details": "decisions",
    "fate_details": "fates",
    "act_details": "acts",
}
DETAILS = (ledger_details, decision_details, fate_details, act_details)
BESIDE = (configurations, seals, heads)
UNSAID = {("seals", "id"), ("heads", "sealed")}  # an order, and what is to be sealed next


def columns_of(table: Any) -> list[str]:
    """Their names, in order."""
    return list(map(str, table.columns.keys()))


# --- whole


def test_a_store_in_use_is_whole(used: Path) -> None:
    """Nothing is wrong with what was written in the ordinary way; everything of it was looked at."""
    verified = Verified()
    assert found(used, verified, replay=True) == []
    assert verified.rows == {
        table.name: rows(used, f"SELECT count(*) FROM {table.name}")[0][0] for table in EVIDENCE
    }
    assert verified.rows["decisions"] == verified.replayed[Result.SAME] > 20
    assert verified.seals == rows(used, "SELECT count(*) FROM seals")[0][0] > 2


def test_an_empty_store_is_whole(path: Path) -> None:
    """Before anything was recorded nothing is missing."""
    assert found(path, replay=True) == []


def test_an_upgraded_store_is_whole(tmp_path: Path) -> None:
    """Rows from before the chains are whole once they are chained; their decisions cannot be made again."""
    path, verified = tmp_path / "old.db", Verified()
    with closing(sqlite3.connect(path)) as old:
        old.executescript((Path(__file__).parent / "schema_0001.sql").read_text())
    database.upgrade(f"sqlite:///{path}")
    assert found(path, verified, replay=True) == []
    assert verified.rows == {"ledger": 2, "decisions": 2, "fates": 2}
    assert verified.replayed == {Result.NOT_REPLAYABLE: 2}


async def test_a_live_gateway_is_looked_at_without_false_alarm(
    open_store: Open, clock: SetClock, path: Path
) -> None:
    """What is written while it is checked, by two processes, is no fault; nor is what is not sealed yet."""
    async with open_store() as one, open_store() as other:
        await one.ledger.append([row(consent(), person(f"kim{number}")) for number in range(1500)])
        connection = connect(path)
        checking = faults(connection, KEY, Verified())
        seen = [next(checking)]
        await other.ledger.append([row(consent(), person("noa"))])
        await one.ledger.append([row(consent(), person("lou"))])
        await act(other, clock.now())
        seen += list(checking)
        connection.close()
    assert [fault for fault in seen if fault] == []


# --- altered


def flipped(value: object, bit: int) -> object:
    """The value with one bit turned over."""
    if isinstance(value, int):
        turned = (value & (1 << 64) - 1) ^ 1 << bit % 64
        return turned - (1 << 64) if turned >> 63 else turned
    octets = bytearray(value)  # type: ignore[call-overload]  # text comes as octets too
    octets[bit // 8 % len(octets)] ^= 1 << bit % 8
    return bytes(octets)


def flip(path: Path, table: Any, column: str, nth: int, bit: int) -> tuple[object, object] | None:
    """Turn over one bit; the row's key before and after, or None where there is nothing to turn over."""
    key = table.c.keys()[0]
    kept = rows(path, f"SELECT {key}, {column} FROM {table.name} WHERE length({column}) ORDER BY {key}")
    if not kept:
        return None
    number, value = kept[nth % len(kept)]
    changed = flipped(value, bit)
    holder = "CAST(? AS TEXT)" if str(table.c[column].type) == "TEXT" else "?"
    try:
        change = f"UPDATE {table.name} SET {column} = {holder} WHERE {key} = ? AND {column} = {holder}"
        by_hand(path, change, changed, number, value)
    except sqlite3.IntegrityError:  # another row has that key
        return None
    return number, changed if column == key else number


def names_one_of(wrong: list[Fault], table: Any, keys: tuple[object, object]) -> bool:
    """Whether a fault names the row, or that beside which it stands, by its key before or after."""
    owner = DETAILS_OF.get(table.name, table.name)
    return not {(owner, str(key)) for key in keys}.isdisjoint((one.table, one.id) for one in wrong)


COLUMNS = [(table, column) for table in (*EVIDENCE, *DETAILS) for column in columns_of(table)]
BITS = (0, 5, 63)
ROWS = {"first": 0, "middle": 7, "last": -1}


@pytest.mark.parametrize(("nth", "bit"), [*zip(ROWS.values(), BITS, strict=True)], ids=ROWS)
@pytest.mark.parametrize(("table", "column"), COLUMNS, ids=[f"{table}.{column}" for table, column in COLUMNS])
def test_one_bit_of_any_column_is_found_and_named(
    used: Path, table: Any, column: str, nth: int, bit: int
) -> None:
    """Whichever column of whichever row is altered by one bit, that very row is named."""
    keys = flip(used, table, column, nth, bit)
    assert keys is None or names_one_of(found(used), table, keys)


@given(place=st.sampled_from(COLUMNS), nth=st.integers(0, 200), bit=st.integers(0, 2000))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bit_of_any_row_is_found_and_named(
    used: Path, days: bytes, place: tuple[Any, str], nth: int, bit: int
) -> None:
    """The same for bits at random, with decisions made again from what is left."""
    used.write_bytes(days)
    table, column = place
    keys = flip(used, table, column, nth, bit)
    assert keys is None or names_one_of(found(used, replay=True), table, keys)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (table, column)
        for table in BESIDE
        for column in columns_of(table)
        if (table.name, column) not in UNSAID
    ],
    ids=str,
)
def test_one_bit_of_what_is_beside_the_evidence_is_found(
    used: Path, days: bytes, table: Any, column: str
) -> None:
    """Seals, configurations and heads cannot be altered unnoticed either."""
    for bit in BITS:
        used.write_bytes(days)
        assert flip(used, table, column, 1, bit)
        assert found(used)


@pytest.mark.parametrize("change", ["login = 'other'", "link = zeroblob(32)", "n = n + 2", "n = n - 2"])
def test_one_altered_row_is_one_fault(used: Path, change: str) -> None:
    """What comes after an altered row is not blamed for it."""
    number = rows(used, "SELECT id FROM decisions ORDER BY id LIMIT 1 OFFSET 9")[0][0]
    by_hand(used, f"UPDATE decisions SET {change} WHERE id = ?", number)
    assert [(one.table, one.id) for one in found(used)] == [("decisions", str(number))]


async def test_details_are_as_they_were_spelled(open_store: Open, path: Path) -> None:
    """Another spelling of the same JSON is an alteration too."""
    async with open_store() as store:
        await store.ledger.append([row(consent(), wording="a\x1fb")])
    by_hand(path, "UPDATE ledger_details SET details = replace(details, '001f', '001F')")
    assert [one.what for one in found(path)] == ["its details are not those of its digest"]


# --- since


def test_since_looks_at_what_was_written_from_then_on(used: Path, clock: SetClock) -> None:
    """What is older is not looked at; what is newer is."""
    older = rows(used, "SELECT id FROM ledger ORDER BY id LIMIT 1")[0][0]
    newer = rows(used, "SELECT id FROM ledger ORDER BY id DESC LIMIT 1")[0][0]
    since = clock.now() + timedelta(minutes=10, seconds=60)  # ids are looked at from ten minutes before
    verified = Verified()
    assert found(used, verified, since=since, replay=True) == []
    for table in EVIDENCE[:4]:
        assert 0 < verified.rows[table.name] < rows(used, f"SELECT count(*) FROM {table.name}")[0][0]
    by_hand(used, "UPDATE ledger SET kind = 'notice' WHERE id = ?", older)
    assert found(used, since=since) == []
    by_hand(used, "UPDATE ledger SET kind = 'notice' WHERE id = ?", newer)
    assert named(used, since=since) == {("ledger", str(newer))}


@pytest.mark.parametrize("table", EVIDENCE[:4], ids=str)
def test_since_finds_one_bit_of_the_very_first_row(used: Path, clock: SetClock, table: Any) -> None:
    """The first row that is looked at is checked as any other."""
    since = clock.now() + timedelta(minutes=10, seconds=60)
    at = {"ledger": "recorded_at", "decisions": "decided_at"}.get(table.name, "at")
    key = table.c.keys()[0]
    late = micros(since - timedelta(minutes=10))
    first = f"SELECT {key} FROM {table.name} WHERE {at} >= {late} ORDER BY writer, n LIMIT 1"
    number = rows(used, first)[0][0]
    by_hand(used, f"UPDATE {table.name} SET digest = zeroblob(32) WHERE {key} = ?", number)
    assert named(used, since=since) == {(table.name, str(number))}
