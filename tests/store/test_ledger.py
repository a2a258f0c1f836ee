"""The ledger: appended once, read back as it was, each controller's its own."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.law.evidence import Evidence
from gateway.ports import NewEvidence, StoreUnavailableError
from gateway.store.chain import row_digest
from gateway.store.ledger import GLANCED
from gateway.store.opening import Store
from gateway.store.spelling import canonical, canonical_flat, digest, micros
from tests.store.given import PATIENCE, START, SetClock, consent, objection, person, purchase, row

HOUR = timedelta(hours=1)
KIM = person()


async def facts(store: Store, name: str = "kim") -> list[Evidence]:
    return await store.ledger.evidence("shop", person(name).hash)


async def test_what_was_appended_is_read_back_in_order(store: Store) -> None:
    """Facts come back equal but for the id the ledger gave them, oldest first."""
    given = [purchase(START), consent(START + HOUR), objection(START + 2 * HOUR)]
    appended = await store.ledger.append([row(fact) for fact in given])
    found = await facts(store)
    assert [fact.id for fact in found] == [one.id for one in appended]
    assert [type(fact) for fact in found] == [type(fact) for fact in given]
    assert [fact.recorded_at for fact in found] == [fact.recorded_at for fact in given]


async def test_evidence_as_it_was_then(store: Store) -> None:
    """With recorded_by, only what had been recorded by then is found."""
    await store.ledger.append([row(consent(START)), row(objection(START + HOUR))])
    found = await store.ledger.evidence(
        "shop", KIM.hash, recorded_by=START + HOUR - timedelta(microseconds=1)
    )
    assert len(found) == 1
    assert len(await store.ledger.evidence("shop", KIM.hash, recorded_by=START + HOUR)) == 2


async def test_a_few_rows_are_read_at_once(store: Store) -> None:
    """What is on record of most people is there before the loop turns; of who has more, all is read."""
    given = [row(objection(START + n * HOUR)) for n in range(GLANCED + 1)]
    appended = await store.ledger.append(given[:-1])
    asked = store.ledger.evidence("shop", KIM.hash)
    with pytest.raises(StopIteration) as at_once:
        asked.send(None)
    appended += await store.ledger.append(given[-1:])

    assert at_once.value.value == (await facts(store))[:-1]
    assert [fact.id for fact in await facts(store)] == [one.id for one in appended]
    assert await facts(store, "noa") == []


async def test_proofs_are_the_person_s_own_with_their_source(store: Store) -> None:
    """Rows of these ids, oldest first, with where they came from; None once erased; nobody else's (I8)."""
    noa, rival = person("noa"), row(consent(), controller="rival")
    given = [row(consent(START + n * HOUR), source=f"form {n}") for n in range(3)]
    appended = await store.ledger.append([*given, row(consent(), noa), rival])
    ids = [one.id for one in appended]
    await store.writer.run(
        lambda database: database.execute("DELETE FROM ledger_details WHERE evidence = ?", (ids[1],)),
        PATIENCE,
    )

    found = await store.ledger.proofs("shop", KIM.hash, [*ids[1:], 12345])

    assert [(one.fact.id, one.source) for one in found] == [(ids[1], None), (ids[2], "form 2")]
    assert await store.ledger.proofs("shop", KIM.hash, []) == []


async def test_the_same_row_is_on_record_once(store: Store) -> None:
    """A row already on record, also earlier in the same batch, is not appended again (contract section 6)."""
    first, twin = await store.ledger.append([row(consent()), row(consent())])
    (again,) = await store.ledger.append([row(consent())])
    assert (first.new, twin.new, again.new) == (True, False, False)
    assert first.id == twin.id == again.id
    assert len(await facts(store)) == 1


async def test_fifty_equal_objections_at_once_are_one(store: Store) -> None:
    """Fifty clicks at the same moment record one objection, and all hear that it is recorded."""
    click = row(objection(START))
    appended = await asyncio.gather(*(store.ledger.append([click], again=True) for _ in range(50)))
    assert sum(one.new for (one,) in appended) == 1
    assert len({one.id for (one,) in appended}) == 1


async def test_who_append_at_once_get_each_their_own(store: Store) -> None:
    """Of many who append at the same moment each hears of their own rows; who is refused harms none."""
    await store.erasure.begin("shop", KIM.hash, START + HOUR, {}, None)
    names = ["ann", "kim", "bob", "ann"]
    clicks = [[row(objection(START), person(name))] for name in names]
    forms = [[row(consent(START), person(name)), row(purchase(START), person(name))] for name in names]
    both = [(rows, rows in clicks) for pair in zip(clicks, forms, strict=True) for rows in pair]

    done = await asyncio.gather(
        *(store.ledger.append(rows, again=again) for rows, again in both), return_exceptions=True
    )

    assert [len(one) if isinstance(one, list) else one.rows for one in done] == [1, 2, 1, (0, 1), 1, 2, 1, 2]


@pytest.mark.parametrize(
    ("since", "again", "new"),
    [
        (None, True, False),
        (None, False, False),
        ("consent", True, True),
        ("consent", False, False),
        ("consent-at-once", True, True),
        ("purchase", True, False),
    ],
)
async def test_a_refusal_binds_once_more_after_a_consent(
    store: Store, since: str | None, again: bool, new: bool
) -> None:
    """An equal refusal is appended again only when asked to, and any consent was recorded since."""
    click = row(objection(START))
    await store.ledger.append([click])
    between = {
        "consent": consent(START + HOUR),
        "consent-at-once": consent(START),
        "purchase": purchase(START + HOUR),
    }
    if since:
        await store.ledger.append([row(between[since])])
    (appended,) = await store.ledger.append([click], again=again)
    assert appended.new is new


async def test_a_consent_of_a_slower_writer_counts_as_recorded_since(store: Store) -> None:
    """A consent recorded at the same instant under a lower id, by another writer, counts as since."""
    click = row(objection(START))
    await store.ledger.append([click])
    later = micros(START)
    await store.writer.run(
        lambda database: database.execute(
            "INSERT INTO ledger VALUES (1, 'shop', ?, 'consent', ?, ?, '{}', x'00', x'00', 2, 0, 1, x'00')",
            (KIM.hash, later, later),
        ),
        PATIENCE,
    )
    (appended,) = await store.ledger.append([click], again=True)
    assert appended.new


async def test_an_equal_consent_is_never_appended_again(store: Store) -> None:
    """`again` is for refusals: a consent received twice stays one row."""
    await store.ledger.append([row(consent())])
    (appended,) = await store.ledger.append([row(consent())], again=True)
    assert not appended.new


async def test_a_batch_is_all_or_none(store: Store) -> None:
    """A row that cannot be written takes its batch with it, and nobody else's (contract section 5)."""
    bad = NewEvidence("shop", KIM.hash, consent(), b"x" * 16, {"address": "\ud800"})
    results = await asyncio.gather(
        store.ledger.append([row(purchase(START)), bad]),
        store.ledger.append([row(consent(), person("noa"))]),
        return_exceptions=True,
    )
    assert isinstance(results[0], StoreUnavailableError)
    assert await facts(store) == []
    assert len(await facts(store, "noa")) == 1


async def test_no_controller_reads_anothers_rows(store: Store) -> None:
    """The same person hash under another controller is nobody there (I8), also by id."""
    (appended,) = await store.ledger.append([row(consent())])
    assert await store.ledger.evidence("butcher", KIM.hash) == []
    assert await store.ledger.find("butcher", KIM.hash, appended.id) is None
    assert await store.ledger.find("shop", person("noa").hash, appended.id) is None
    found = await store.ledger.find("shop", KIM.hash, appended.id)
    assert found is not None
    assert found.id == appended.id


async def test_details_stand_beside_the_ledger(store: Store, path: Path) -> None:
    """The ledger row holds no detail; its digest proves the details kept beside it (I7)."""
    await store.ledger.append([row(consent(), wording="Yes please", source="till")])
    with sqlite3.connect(path) as database:
        columns = database.execute("SELECT * FROM ledger").fetchone()
        salt, address, details = database.execute(
            "SELECT salt, address, details FROM ledger_details"
        ).fetchone()
        (kept,) = database.execute("SELECT digest FROM ledger").fetchone()
    database.close()
    assert not any("please" in str(value) or "kim@" in str(value) for value in columns)
    assert (address, details) == ("kim@example.org", '{"source":"till","wording":"Yes please"}')
    assert kept == digest(salt, {"address": address, "wording": "Yes please", "source": "till"})


async def test_a_long_import_is_committed_batch_by_batch(store: Store, clock: SetClock) -> None:
    """A bulk append takes any number of rows, in order, in more than one transaction."""
    rows = [row(consent(), person(f"p{number}")) for number in range(300)]
    batches = [batch async for batch in store.ledger.append_in_batches(rows)]
    assert len(batches) > 1
    numbers = [one.id for batch in batches for one in batch]
    assert len(numbers) == 300
    assert numbers == sorted(numbers)


async def test_many_people_are_read_at_once(store: Store) -> None:
    """Each gets their own rows, oldest first; who has none is left out; no other controller's are read."""
    leo, ada = person("leo"), person("ada")
    given = [row(consent(START)), row(purchase(START), leo), row(objection(START + HOUR))]
    await store.ledger.append([*given, row(consent(), ada, controller="butcher")])

    found = await store.ledger.evidence_of_many("shop", {KIM.hash, leo.hash, ada.hash})

    assert found == {KIM.hash: await facts(store), leo.hash: await facts(store, "leo")}
    assert len(found[KIM.hash]) == 2


async def test_nobody_is_read_as_nobody(store: Store) -> None:
    """An empty batch is no fault."""
    assert await store.ledger.evidence_of_many("shop", []) == {}


async def test_places_count_a_persons_rows(store: Store, path: Path) -> None:
    """Each row has the next place among its person's, in one batch as over several; others' do not count."""
    noa = person("noa")
    hours = [START + number * HOUR for number in range(4)]
    await store.ledger.append([row(purchase(hours[0])), row(consent(), noa), row(purchase(hours[1]))])
    await store.ledger.append([row(purchase(hours[1])), row(purchase(hours[2])), row(purchase(hours[3]))])
    with closing(sqlite3.connect(path)) as database:
        places = database.execute("SELECT place FROM ledger WHERE person = ? ORDER BY id", (KIM.hash,))
        assert [place for (place,) in places] == [1, 2, 3, 4]


async def test_who_has_many_rows_is_not_read_whole_for_each(store: Store) -> None:
    """Whether a row is on record, and its place, cost a few rows read however many its person has."""
    hours = [START + number * HOUR for number in range(300)]
    await store.ledger.append([row(purchase(hour)) for hour in hours])
    read = []

    def counted(_: sqlite3.Cursor, values: tuple[object, ...]) -> tuple[object, ...]:
        read.append(values)
        return values

    await store.writer.run(lambda database: setattr(database, "row_factory", counted), PATIENCE)
    known, new, refusal = await store.ledger.append(
        [row(purchase(hours[7])), row(purchase(START - HOUR)), row(objection(START))], again=True
    )
    await store.writer.run(lambda database: setattr(database, "row_factory", None), PATIENCE)

    assert (known.new, new.new, refusal.new) == (False, True, True)
    assert 0 < len(read) < 20


async def test_a_refusal_binds_once_more_after_a_consent_of_the_same_batch(store: Store) -> None:
    """What a batch itself appended counts as on record for the rows after it."""
    click = row(objection(START))
    first, _, again, twin = await store.ledger.append(
        [click, row(consent(START - HOUR)), click, click], again=True
    )
    assert (first.new, again.new, twin.new) == (True, True, False)
    assert twin.id == again.id


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(TEXTS, TEXTS | st.booleans() | st.lists(TEXTS)))
def test_flat_details_are_written_as_any_others(details: dict[str, object]) -> None:
    """The faster way to write details gives the very octets of the canonical one."""
    assert canonical_flat(details) == canonical(details).encode()


@given(st.lists(TEXTS | st.none() | st.integers(-(1 << 63), (1 << 63) - 1) | st.binary()))
def test_a_row_is_digested_in_its_canonical_form(values: list[object]) -> None:
    """A link rests on the canonical JSON of a row, which whoever checks an export writes alike."""
    plain = [value.hex() if isinstance(value, bytes) else value for value in values]
    assert row_digest(values) == hashlib.sha256(canonical(plain).encode()).digest()
