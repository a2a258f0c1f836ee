"""What is written is chained and sealed, so that an altered, lost or added row shows (I7)."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from gateway.ports import Decided, StoreUnavailableError
from gateway.store import database
from gateway.store.chain import BEGINNING, next_link, row_digest
from gateway.store.opening import Store
from gateway.store.seals import signed_octets
from gateway.store.tables import CHAINED
from tests.store.given import PATIENCE, SEAL_KEY, Open, SetClock, consent, fate, person, row, wave


def rows(path: Path, table: str, order: str = "writer, n") -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    found = connection.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()
    connection.close()
    return found


def unbroken(path: Path, table: str) -> int:
    """How many rows there are, every one linked to the one before it of its writer."""
    heads: dict[object, tuple[int, bytes]] = {}
    found = rows(path, table)
    for *values, link in found:
        writer, n = values[-2:]
        before = heads.get(writer, (0, BEGINNING))
        assert n == before[0] + 1
        assert link == next_link(before[1], row_digest(values))
        heads[writer] = before[0] + 1, link  # type: ignore[assignment]  # columns are known to the schema
    return len(found)


async def a_day(store: Store, clock: SetClock) -> None:
    """A consent, a mail sent on it, and what became of that."""
    await store.ledger.append([row(consent()), row(consent(), person("noa"))])
    verdicts = await store.journal.decide(wave(person(), person("noa")), clock.now(), PATIENCE)
    await store.journal.settle([fate(it.id) for it in verdicts if isinstance(it, Decided)], clock.now())


@given(
    st.lists(
        st.none()
        | st.integers(-(2**63), 2**63 - 1)
        | st.binary()
        | st.text(st.characters(exclude_categories=["Cs"]))
    )
)
def test_a_row_digest_is_of_its_canonical_form(values: list[object]) -> None:
    """Whatever a row holds, its digest is of the same octets that an independent verifier makes with json."""
    plain = [value.hex() if isinstance(value, bytes) else value for value in values]
    text = json.dumps(plain, separators=(",", ":"), ensure_ascii=False)
    assert row_digest(values) == hashlib.sha256(text.encode()).digest()


async def test_every_row_of_evidence_is_a_link(store: Store, clock: SetClock, path: Path) -> None:
    """Ledger, decisions and fates each form a chain without a gap, from its beginning."""
    await a_day(store, clock)
    assert [unbroken(path, table.name) for table in CHAINED] == [2, 2, 2, 0, 0]


async def test_each_process_has_a_chain_of_its_own(open_store: Open, clock: SetClock, path: Path) -> None:
    """A second writer begins its own chain, and both stay whole."""
    async with open_store() as one, open_store() as other:
        await one.ledger.append([row(consent())])
        await other.ledger.append([row(consent(), person("noa"))])
        await one.ledger.append([row(consent(), person("lou"))])
    assert unbroken(path, "ledger") == 3
    assert {writer for *_, writer, _n, _link in rows(path, "ledger")} == {1, 2}


async def test_a_round_that_failed_leaves_no_gap(store: Store, path: Path) -> None:
    """What was linked in a transaction that was rolled back is linked again, in its place."""
    await store.ledger.append([row(consent())])

    def fails(connection: sqlite3.Connection) -> None:
        store.writer.chain.linked(CHAINED[0], (1, 2, 3))
        connection.execute("INSERT INTO meta VALUES ('keys_check', '')")  # there is one

    with pytest.raises(StoreUnavailableError):
        await store.writer.run(fails, PATIENCE)
    await store.ledger.append([row(consent(), person("noa"))])
    assert unbroken(path, "ledger") == 2


async def test_a_person_rows_are_numbered(store: Store, clock: SetClock, path: Path) -> None:
    """Evidence says which of its person's it is, and a decision which was the newest when it was made."""
    await store.ledger.append([row(consent())])
    await store.journal.decide(wave(message="m1"), clock.now(), PATIENCE)
    await store.ledger.append([row(consent(clock.forward(hours=1)))])
    await store.journal.decide(wave(message="m2", submission=2), clock.now(), PATIENCE)
    await store.journal.decide(wave(person("noa"), message="m3", submission=3), clock.now(), PATIENCE)
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT place FROM ledger ORDER BY id").fetchall() == [(1,), (2,)]
    assert connection.execute("SELECT head FROM decisions ORDER BY id").fetchall() == [(1,), (2,), (0,)]
    connection.close()


async def test_a_fate_that_is_settled_again_keeps_its_place(
    store: Store, clock: SetClock, path: Path
) -> None:
    """A fate written once more, after an outage hid that it was written, makes neither a row nor a gap."""
    await store.ledger.append([row(consent())])
    (decided,) = await store.journal.decide(wave(), clock.now(), PATIENCE)
    assert isinstance(decided, Decided)
    await store.journal.settle([fate(decided.id), fate(decided.id)], clock.now())
    await store.journal.settle([fate(decided.id)], clock.now())
    assert unbroken(path, "fates") == 1


async def test_ten_seconds_of_activity_are_sealed(store: Store, clock: SetClock, path: Path) -> None:
    """The first transaction ten seconds after a seal carries the next, over every head that moved."""
    await store.ledger.append([row(consent())])
    assert rows(path, "seals", "id") == []
    clock.forward(seconds=10)
    await a_day(store, clock)
    ((_, at, writer, heads, key, signature),) = rows(path, "seals", "id")
    Ed25519PublicKey.from_public_bytes(key).verify(signature, signed_octets(at, writer, heads))  # type: ignore[arg-type]  # as the schema says
    assert key == Ed25519PrivateKey.from_private_bytes(SEAL_KEY).public_key().public_bytes_raw()
    assert [(stream, n) for _, stream, n, _ in json.loads(str(heads))] == [("ledger", 2)]


async def test_what_is_left_is_sealed_at_drain(open_store: Open, clock: SetClock, path: Path) -> None:
    """When the process ends, its heads are sealed; when it comes back idle, nothing is sealed again."""
    async with open_store() as store:
        await a_day(store, clock)
    async with open_store():
        pass
    ((*_, heads, _key, _signature),) = rows(path, "seals", "id")
    sealed = {stream: (n, link) for _, stream, n, link in json.loads(str(heads))}
    for table in ("ledger", "decisions", "fates"):
        *_, n, link = rows(path, table)[-1]
        assert sealed[table] == (n, bytes(link).hex())  # type: ignore[call-overload]  # a BLOB


async def test_a_dead_writers_chain_is_sealed_as_found(open_store: Open, clock: SetClock, path: Path) -> None:
    """What a process wrote that died before it could seal is covered by the next process's first seal."""
    async with open_store() as store:
        await store.ledger.append([row(consent())])
        store.writer._sealer = None  # as if it were killed here
    assert rows(path, "seals", "id") == []
    async with open_store() as store:
        await store.ledger.append([row(consent(), person("noa"))])
    ((*_, heads, _key, _signature),) = rows(path, "seals", "id")
    assert [(writer, n) for writer, _, n, _ in json.loads(str(heads))] == [(1, 1), (2, 1)]


async def test_rows_from_before_the_chains_are_chained_when_the_store_is_upgraded(
    tmp_path: Path, clock: SetClock
) -> None:
    """A store of the first schema keeps all its rows, linked in the order they were recorded in."""
    path = tmp_path / "old.db"
    old = sqlite3.connect(path)
    old.executescript((Path(__file__).parent / "schema_0001.sql").read_text())
    old.close()
    before = [rows(path, table, "1") for table in ("ledger", "decisions", "fates", "fate_details")]
    assert [len(it) for it in before] == [2, 2, 2, 2]
    database.upgrade(f"sqlite:///{path}")
    assert [unbroken(path, table) for table in ("ledger", "decisions", "fates")] == [2, 2, 2]
    after = [rows(path, table, "1") for table in ("ledger", "decisions", "fates")]
    assert [it[:9] for it in after[0]] == [it[:9] for it in before[0]]
    assert [it[9] for it in after[0]] == [1, 2]  # the same person twice
    assert [(*it[:18], it[20]) for it in after[1]] == before[1]
    assert [it[:6] for it in after[2]] == before[2]
