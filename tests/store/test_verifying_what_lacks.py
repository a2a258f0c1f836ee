"""`verify` finds what is lost, added or rewritten, and knows what was erased with reason (I7)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gateway.store.opening import opened
from gateway.store.seals import Sealer, public_key_of
from gateway.store.spelling import micros
from gateway.store.tables import decisions
from tests.store.given import KEYS_CHECK, SEAL_KEY, SetClock, by_hand
from tests.store.proofs import act, found, named, rewritten, rows

LOST: dict[str, tuple[str, str]] = {
    "first": ("DELETE FROM ledger WHERE n = 1 AND writer = 1", "are missing before it"),
    "middle": ("DELETE FROM decisions WHERE n = 5 AND writer = 1", "rows 5 to 5 of writer 1 are missing"),
    "last": (
        "DELETE FROM fates WHERE writer = 1 AND n = (SELECT max(n) FROM fates WHERE writer = 1)",
        "the last rows",
    ),
    "all": ("DELETE FROM acts", "rows of writer 1 are missing"),
    "ledger_details": ("DELETE FROM ledger_details WHERE rowid % 2", "no act on record says why"),
    "decision_details": ("DELETE FROM decision_details", "no act on record says why"),
    "fate_details": ("DELETE FROM fate_details", "no act on record says why"),
    "act_details": ("DELETE FROM act_details", "no act on record says why"),
    "decision of a fate": (
        "DELETE FROM decisions WHERE id = (SELECT max(decision) FROM fates)",
        "the fate of no decision",
    ),
    "place": ("UPDATE ledger SET place = place + 1 WHERE id = (SELECT max(id) FROM ledger)", "of the"),
    "configurations": ("DELETE FROM configurations", "is not on record"),
    "heads": ("DELETE FROM heads", "no head of writer"),
}


@pytest.mark.parametrize(("deed", "what"), LOST.values(), ids=LOST)
def test_what_is_lost_is_found(used: Path, deed: str, what: str) -> None:
    """Rows that are gone, from wherever in a chain, and details that are gone without reason, are named."""
    by_hand(used, deed)
    assert [one for one in found(used) if what in one.what]


ADDED = {"in a chain": (1, 1), "at its end": (2, 2), "of another writer": (9, 1)}


@pytest.mark.parametrize(("writer", "n"), ADDED.values(), ids=ADDED)
def test_what_is_added_by_hand_is_found(used: Path, writer: int, n: int) -> None:
    """A row that no writer linked is named, wherever it is put."""
    copied = "INSERT INTO in_force SELECT max(id) + 1, since, configuration, ?, ?, link FROM in_force"
    by_hand(used, copied, writer, n)
    number = rows(used, "SELECT max(id) FROM in_force")[0][0]
    assert ("in_force", str(number)) in named(used)


def test_details_of_no_row_are_found(used: Path) -> None:
    """Details put beside nothing are named."""
    by_hand(used, "INSERT INTO fate_details VALUES (7, zeroblob(16), 'kim@example.org')")
    assert named(used) == {("fate_details", "7")}


def test_the_end_of_a_chain_cannot_be_cut_off_with_its_head(used: Path) -> None:
    """Whoever cuts off the last rows and the head that covers them still has the seals against him."""
    by_hand(used, "DELETE FROM acts WHERE writer = 2 AND n > 2")
    by_hand(used, "DELETE FROM act_details WHERE act NOT IN (SELECT id FROM acts)")
    link = rows(used, "SELECT link FROM acts WHERE writer = 2 AND n = 2")[0][0]
    by_hand(used, "UPDATE heads SET n = 2, link = ? WHERE writer = 2 AND stream = 'acts'", link)
    (fault,) = found(used)
    assert "which seal" in fault.what
    assert fault.table == "acts"


def test_a_chain_that_is_rewritten_whole_is_not_the_one_that_was_sealed(used: Path) -> None:
    """Who alters a row and makes every link after it anew is found by the seals."""
    number = rows(used, "SELECT id FROM decisions ORDER BY id LIMIT 1")[0][0]
    by_hand(used, "UPDATE decisions SET login = 'other' WHERE id = ?", number)
    rewritten(used, decisions)
    assert found(used)
    assert all("not as it was sealed" in one.what for one in found(used))


def test_a_seal_by_another_key_is_named_with_its_key(used: Path, clock: SetClock) -> None:
    """Who seals the rewritten chain with a key of his own is found by that key."""
    by_hand(used, "UPDATE decisions SET login = 'other'")
    rewritten(used, decisions)
    by_hand(used, "DELETE FROM seals")
    by_hand(used, "UPDATE heads SET sealed = 0")
    with closing(sqlite3.connect(used)) as store:
        Sealer(b"x" * 32, clock.now, lambda: 7).seal(store, writer=1)
        store.commit()
    (fault,) = found(used)
    assert (fault.table, fault.id) == ("seals", "7")
    assert public_key_of(b"x" * 32).hex() in fault.what


def test_a_mail_that_was_withheld_and_relayed_is_found(used: Path) -> None:
    """Every relayed copy has its decision to send, or one that report mode relaxed."""
    number = rows(
        used,
        "SELECT d.id FROM decisions d JOIN fates f ON f.decision = d.id"
        " WHERE f.fate = 'relayed' AND d.decision = 'send' LIMIT 1",
    )[0][0]
    by_hand(used, "UPDATE decisions SET decision = 'withhold' WHERE id = ?", number)
    rewritten(used, decisions)
    assert [one for one in found(used) if (one.table, one.id) == ("fates", str(number))]


# --- erased


async def erased(path: Path, url: str, clock: SetClock, whose: tuple[str, bytes]) -> None:
    """A person's details are gone, and an act says that they were erased."""
    async with opened(url, KEYS_CHECK, SEAL_KEY, clock.now) as store:
        await act(store, clock.forward(days=1), "erase", whose)
    of = "(SELECT id FROM {} WHERE controller = ? AND person = ?)"
    by_hand(path, f"DELETE FROM ledger_details WHERE evidence IN {of.format('ledger')}", *whose)
    by_hand(path, f"DELETE FROM decision_details WHERE decision IN {of.format('decisions')}", *whose)
    by_hand(path, f"DELETE FROM fate_details WHERE decision IN {of.format('decisions')}", *whose)


@pytest.fixture
def somebody(used: Path) -> tuple[str, bytes]:
    """A person with evidence, decisions and fates."""
    query = (
        "SELECT d.controller, d.person FROM decisions d JOIN fates f ON f.decision = d.id"
        " JOIN ledger l ON l.controller = d.controller AND l.person = d.person"
    )
    controller, who = rows(used, query)[0]
    return controller.decode(), who


async def test_what_was_erased_by_an_act_is_no_fault(
    used: Path, url: str, clock: SetClock, somebody: tuple[str, bytes]
) -> None:
    """Details that are gone since their person was erased are as they should be."""
    await erased(used, url, clock, somebody)
    assert found(used) == []


async def test_an_erasure_explains_nothing_that_came_later(
    used: Path, url: str, clock: SetClock, somebody: tuple[str, bytes]
) -> None:
    """Details recorded after the erasure of their person, and gone, are missing."""
    await erased(used, url, clock, somebody)
    late = micros(clock.forward(days=1))
    number = rows(used, "SELECT max(id) FROM decisions")[0][0]
    by_hand(
        used,
        "UPDATE decisions SET controller = ?, person = ?, decided_at = ? WHERE id = ?",
        *somebody,
        late,
        number,
    )
    by_hand(used, "DELETE FROM decision_details WHERE decision = ?", number)
    rewritten(used, decisions)
    assert "no act on record says why" in " ".join(one.what for one in found(used))


RETAINED: dict[str, tuple[str, str]] = {
    "ledger": ("ledger", "DELETE FROM ledger_details WHERE evidence IN ({})"),
    "acts": ("acts", "DELETE FROM act_details WHERE act IN ({})"),
}


@pytest.mark.parametrize("whose", ["", "shop"])
@pytest.mark.parametrize(("stream", "deed"), RETAINED.values(), ids=RETAINED)
async def test_what_was_past_its_term_is_no_fault(
    used: Path, url: str, clock: SetClock, stream: str, deed: str, whose: str
) -> None:
    """Details of the very rows that an act of retention names may be gone; those of any other are missing."""
    query = f"SELECT id FROM {stream} WHERE controller = 'shop' ORDER BY id LIMIT 3"
    gone, also, other = (number for (number,) in rows(used, query))
    async with opened(url, KEYS_CHECK, SEAL_KEY, clock.now) as store:
        await act(store, clock.now(), "retention", (whose, None), **{stream: [gone, also]})
    by_hand(used, deed.format(f"{gone}, {also}"))
    assert found(used) == []
    by_hand(used, deed.format(other))
    assert named(used) == {(stream, str(other))}


async def test_a_journal_past_its_term_is_no_fault(used: Path, url: str, clock: SetClock) -> None:
    """Details of decisions and fates before the one that an act names may be gone; those of that one not."""
    number = rows(used, "SELECT max(decision) FROM fates")[0][0]
    async with opened(url, KEYS_CHECK, SEAL_KEY, clock.now) as store:
        await act(store, clock.now(), "retention", before=number)
    by_hand(used, "DELETE FROM decision_details WHERE decision < ?", number)
    by_hand(used, "DELETE FROM fate_details WHERE decision < ?", number)
    assert found(used) == []
    by_hand(used, "DELETE FROM fate_details WHERE decision = ?", number)
    assert named(used) == {("fates", str(number))}


async def test_the_term_of_one_controller_is_no_reason_for_another(
    used: Path, url: str, clock: SetClock, somebody: tuple[str, bytes]
) -> None:
    """An act of retention explains what is gone of its own controller alone (I8)."""
    number = rows(used, "SELECT max(id) FROM decisions")[0][0]
    async with opened(url, KEYS_CHECK, SEAL_KEY, clock.now) as store:
        await act(store, clock.now(), "retention", ("nobody", None), before=number)
    by_hand(used, "DELETE FROM decision_details WHERE decision < ?", number)
    assert found(used)
