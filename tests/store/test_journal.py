"""The journal: decided from the ledger in one transaction, on record before anything is relayed (I2, I3)."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.envelope import FateKind
from gateway.law.decision import Send, Withhold
from gateway.law.evidence import Evidence
from gateway.law.reason import Ground, Reason
from gateway.ports import Decided, Sent, StoreUnavailableError, Wave
from gateway.store.deciding import NOT_RECORDED
from gateway.store.log import Filters
from gateway.store.opening import Store
from gateway.store.spelling import canonical, digest
from tests.store.given import (
    INVOICE,
    PATIENCE,
    REFUSED,
    START,
    SetClock,
    consent,
    fate,
    objection,
    person,
    purchase,
    row,
    wave,
)

KIM, NOA = person("kim"), person("noa")


async def decide(store: Store, wave: Wave, clock: SetClock) -> list[Decided]:
    verdicts = await store.journal.decide(wave, clock.now(), PATIENCE)
    assert all(isinstance(verdict, Decided) for verdict in verdicts)
    return [verdict for verdict in verdicts if isinstance(verdict, Decided)]


async def fates_of(store: Store) -> list[str | None]:
    return [entry.fate async for entry in store.log.entries(Filters())]


async def test_each_person_is_decided_on_their_own_evidence(store: Store, clock: SetClock) -> None:
    """Verdicts come in the order of the people, each from that person's rows, with their ids."""
    (given,) = await store.ledger.append([row(consent(START - timedelta(days=1)), NOA)])
    kim, noa = await decide(store, wave(KIM, NOA), clock)
    assert isinstance(kim.decision, Withhold)
    assert kim.decision.reason is Reason.UNKNOWN_PERSON
    assert isinstance(noa.decision, Send)
    assert noa.decision.evidence == (given.id,)
    assert (kim.relay, noa.relay) == (False, True)


async def test_an_objection_binds_the_next_wave_of_the_same_message(store: Store, clock: SetClock) -> None:
    """Once append returned, the next decision is withheld: nothing cached stands between (I3)."""
    await store.ledger.append([row(consent(START - timedelta(days=1)))])
    (before,) = await decide(store, wave(KIM, message=""), clock)
    await store.ledger.append([row(objection(clock.now()))])
    (after,) = await decide(store, wave(KIM, message=""), clock)
    assert before.relay
    assert isinstance(after.decision, Withhold)
    assert after.decision.reason is Reason.OBJECTED


async def test_a_decision_row_says_all_but_names_nobody(store: Store, clock: SetClock, path: Path) -> None:
    """The row holds codes and hashes; address, campaign and Message-ID stand beside it, digested (I7)."""
    (given,) = await store.ledger.append([row(consent(START - timedelta(days=1)))])
    (decided,) = await decide(store, wave(KIM, submission=7, category_asked="news"), clock)
    database = sqlite3.connect(path)
    database.row_factory = sqlite3.Row
    record = dict(database.execute("SELECT * FROM decisions").fetchone())
    details = dict(database.execute("SELECT * FROM decision_details").fetchone())
    database.close()
    salt, kept, link = details.pop("salt"), record.pop("digest"), record.pop("link")
    assert record == {
        "id": decided.id,
        "submission": 7,
        "controller": "shop",
        "day": 20513,
        "decided_at": 1772366400000000,
        "person": KIM.hash,
        "login": "tool",
        "category": "news",
        "category_asked": "news",
        "channel": "email",
        "decision": "send",
        "relaxed": 0,
        "ground": "consent",
        "reason": None,
        "evidence": canonical([given.id]),
        "customer": None,
        "pack": "nl",
        "pack_version": wave().controller.pack.version,
        "head": 1,
        "configuration": None,
        "writer": store.writer.number,
        "n": 1,
    }
    assert len(link) == 32
    assert details.pop("decision") == decided.id
    assert details == {
        "address": "kim@example.org",
        "campaign": "spring",
        "message_id": "<1@shop.example>",
        "detail": "",
    }
    assert kept == digest(salt, details)


@pytest.mark.parametrize(
    ("evidence", "relay"),
    [
        ((), True),
        ((purchase(START - timedelta(days=1)),), True),
        ((objection(START - timedelta(days=1)),), False),
    ],
)
async def test_report_mode_relaxes_what_may_be_relaxed(
    store: Store, clock: SetClock, path: Path, evidence: tuple[Evidence, ...], relay: bool
) -> None:
    """In report mode a withhold is recorded with its reason and relayed, but never an objection."""
    await store.ledger.append([row(fact) for fact in evidence])
    (decided,) = await decide(store, wave(KIM, report=True), clock)
    assert isinstance(decided.decision, Withhold)
    assert decided.relay is relay
    database = sqlite3.connect(path)
    assert database.execute("SELECT decision, relaxed FROM decisions").fetchall() == [
        ("withhold", int(relay))
    ]
    database.close()
    assert await fates_of(store) == ["unknown" if relay else None]


async def test_at_rcpt_only_the_withheld_are_recorded(store: Store, clock: SetClock) -> None:
    """only_withheld records and claims nobody who would be relayed to, and meets no claim."""
    await store.ledger.append([row(consent(START - timedelta(days=1)), NOA)])
    await decide(store, wave(NOA, submission=1), clock)
    kim, noa = await decide(store, wave(KIM, NOA, submission=2, only_withheld=True), clock)
    assert (kim.relay, noa.relay, noa.id) == (False, True, NOT_RECORDED)
    entries = [entry.address async for entry in store.log.entries(Filters())]
    assert entries == ["noa@example.org", "kim@example.org"]


async def test_a_person_twice_in_a_wave_is_decided_once(store: Store, clock: SetClock) -> None:
    """The same person twice gets the same verdict, and one row."""
    one, other = await decide(store, wave(KIM, KIM, category=INVOICE), clock)
    assert one == other
    assert len(await fates_of(store)) == 1


async def test_service_mail_needs_no_evidence(store: Store, clock: SetClock) -> None:
    """An invoice goes to somebody unknown, and after an objection (L12)."""
    await store.ledger.append([row(objection(START))])
    decided = await decide(store, wave(KIM, NOA, category=INVOICE), clock)
    assert [one.decision.ground for one in decided if isinstance(one.decision, Send)] == [Ground.CONTRACT] * 2


async def test_a_send_without_a_fate_is_unknown_until_it_is_settled(store: Store, clock: SetClock) -> None:
    """A decision to send is fate unknown by itself; a fate is on record when its awaitable ends (I2)."""
    (decided,) = await decide(store, wave(KIM, category=INVOICE), clock)
    assert await fates_of(store) == ["unknown"]
    await store.journal.settle([fate(decided.id)], clock.now())
    assert await fates_of(store) == ["relayed"]


async def test_a_copy_has_one_fate(store: Store, clock: SetClock) -> None:
    """A second fate for the same decision changes nothing: the journal is not rewritten (I7)."""
    (decided,) = await decide(store, wave(KIM, category=INVOICE), clock)
    await store.journal.settle([fate(decided.id, REFUSED)], clock.now())
    await store.journal.settle([fate(decided.id)], clock.now())
    assert await fates_of(store) == [FateKind.REFUSED.value]


async def test_sent_knows_enough_for_an_unsubscribe_link(store: Store, clock: SetClock) -> None:
    """From a decision's id: whose mail, of what, on what grounds and evidence, when; None for no such id."""
    (given,) = await store.ledger.append([row(consent(START - timedelta(days=1)))])
    (kim, noa) = await decide(store, wave(KIM, NOA), clock)
    at = clock.now()
    assert await store.journal.sent(kim.id) == Sent(
        "shop", KIM.hash, "news", "consent", "kim@example.org", at, (given.id,)
    )
    assert await store.journal.sent(noa.id) == Sent("shop", NOA.hash, "news", "", "noa@example.org", at)
    assert await store.journal.sent(1) is None


async def test_a_glimpse_is_the_same_at_once(store: Store, clock: SetClock) -> None:
    """What can be read at once equals what is read with patience; nothing where that cannot be."""
    (kim,) = await decide(store, wave(KIM), clock)
    assert store.journal.glimpse(kim.id) == await store.journal.sent(kim.id)
    assert store.journal.glimpse(1) is None


async def test_sent_of_an_erased_person_has_no_address(store: Store, clock: SetClock) -> None:
    """Without the details the link still leads to its person, by hash."""
    (kim,) = await decide(store, wave(KIM), clock)
    await store.writer.run(lambda database: database.execute("DELETE FROM decision_details"), PATIENCE)
    assert await store.journal.sent(kim.id) == Sent("shop", KIM.hash, "news", "", "", clock.now())


async def test_one_poisoned_wave_fails_alone(store: Store, clock: SetClock) -> None:
    """A ledger row that cannot be read fails the waves that need it, with the others decided (I4)."""
    await store.writer.run(
        lambda database: database.execute(
            "INSERT INTO ledger VALUES"
            " (1, 'shop', ?, 'consent', 0, 0, 'not JSON', x'00', x'00', 1, 0, 1, x'00')",
            (KIM.hash,),
        ),
        PATIENCE,
    )
    results = await asyncio.gather(
        *(
            store.journal.decide(wave(who, submission=number, message=""), clock.now(), PATIENCE)
            for number, who in enumerate([NOA, KIM, NOA])
        ),
        return_exceptions=True,
    )
    assert [isinstance(result, StoreUnavailableError) for result in results] == [False, True, False]


async def test_what_the_outside_wrote_never_breaks_a_record(store: Store, clock: SetClock) -> None:
    """Lone surrogates and NUL in campaign, Message-ID or the smarthost's words are still put on record."""
    odd = "a\ud800\0b"
    (kim,) = await decide(store, wave(KIM, category=INVOICE, campaign=odd, message_id=odd), clock)
    await store.journal.settle([fate(kim.id)], clock.now())
    (entry,) = [entry async for entry in store.log.entries(Filters())]
    assert (entry.campaign, entry.fate) == ("a?\0b", "relayed")
