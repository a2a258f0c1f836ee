"""Claims: a retry mails nobody twice, and a message sent again on purpose is sent (invariant I5)."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from gateway.envelope import Answer
from gateway.ports import Busy, Decided, Settled, StoreUnavailableError, Verdict
from gateway.store import claims
from gateway.store.opening import Store
from tests.store.given import (
    DEFERRED,
    INVOICE,
    PATIENCE,
    REFUSED,
    RELAYED,
    SILENT,
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

KIM, NOA = person("kim"), person("noa")


async def submit(
    store: Store, clock: SetClock, submission: int, *people: object, **changes: object
) -> list[Verdict]:
    settings = {"category": INVOICE} | changes
    asked = wave(*(people or (KIM,)), submission=submission, **settings)  # type: ignore[arg-type]
    return await store.journal.decide(asked, clock.now(), PATIENCE)


async def end(store: Store, clock: SetClock, verdict: Verdict, how: str, answer: Answer | None) -> None:
    """The first submission's end: its fate, and whether its client heard."""
    assert isinstance(verdict, Decided)
    if answer:
        await store.journal.settle([fate(verdict.id, answer)], clock.now())
    if how == "released":
        store.journal.release(1)
    elif how == "left":
        store.journal.leave(1)


@pytest.mark.parametrize(
    ("how", "answer", "later", "verdict"),
    [
        ("working", None, {}, Busy),
        ("working", RELAYED, {}, Busy),
        ("left", RELAYED, {}, Settled),
        ("left", REFUSED, {}, Settled),
        ("left", DEFERRED, {}, Decided),
        ("left", SILENT, {}, Decided),
        ("left", None, {}, Decided),
        ("released", RELAYED, {}, Decided),
        ("released", REFUSED, {}, Decided),
        ("left", RELAYED, {"days": 6.9}, Settled),
        ("left", RELAYED, {"days": 7}, Decided),
        ("working", None, {"days": 7}, Decided),
    ],
)
async def test_what_a_second_submission_meets(
    store: Store, clock: SetClock, how: str, answer: Answer | None, later: dict[str, float], verdict: type
) -> None:
    """Being worked on: busy. Left: served people are settled, all others decided anew. Heard: a new mail."""
    (first,) = await submit(store, clock, 1)
    await end(store, clock, first, how, answer)
    clock.forward(**later)
    (second,) = await submit(store, clock, 2)
    assert type(second) is verdict
    if isinstance(second, Settled):
        assert second == Settled(fate(0, answer).kind, answer)  # type: ignore[arg-type]  # it had one


async def test_without_a_message_id_a_claim_lasts_an_hour(store: Store, clock: SetClock) -> None:
    """Messages that cannot be told apart are taken for a retry for an hour only."""
    (first,) = await submit(store, clock, 1, message_id="")
    await end(store, clock, first, "left", RELAYED)
    clock.forward(minutes=59)
    assert isinstance((await submit(store, clock, 2, message_id=""))[0], Settled)
    store.journal.leave(2)
    clock.forward(hours=1)
    assert isinstance((await submit(store, clock, 3, message_id=""))[0], Decided)


async def test_one_busy_person_puts_off_the_whole_wave(store: Store, clock: SetClock, path: Path) -> None:
    """When anybody is busy, everybody is, and nothing is recorded."""
    await submit(store, clock, 1, KIM)
    assert await submit(store, clock, 2, NOA, KIM) == [Busy(), Busy()]
    database = sqlite3.connect(path)
    assert database.execute("SELECT count(*) FROM decisions").fetchone() == (1,)
    assert database.execute("SELECT count(*) FROM claims").fetchone() == (1,)
    database.close()


async def test_a_retry_serves_each_person_once(store: Store, clock: SetClock) -> None:
    """Served people stay served through any number of retries; the 250 of the last drops every claim."""
    kim, noa = await submit(store, clock, 1, KIM, NOA)
    assert isinstance(kim, Decided)
    assert isinstance(noa, Decided)
    await store.journal.settle([fate(kim.id), fate(noa.id, DEFERRED)], clock.now())
    store.journal.leave(1)
    kim, noa = await submit(store, clock, 2, KIM, NOA)
    assert (type(kim), type(noa)) == (Settled, Decided)
    assert (await submit(store, clock, 3, KIM))[0] == Busy()
    store.journal.leave(2)
    kim, noa = await submit(store, clock, 4, KIM, NOA)
    assert (type(kim), type(noa)) == (Settled, Decided)
    store.journal.release(4)
    again = await submit(store, clock, 5, KIM, NOA)
    assert [type(verdict) for verdict in again] == [Decided, Decided]


async def test_a_retry_is_decided_on_the_evidence_of_now(store: Store, clock: SetClock, path: Path) -> None:
    """Who objected between try and retry is withheld, and the claim that was left is gone (I3)."""
    await store.ledger.append([row(consent(START))])
    clock.forward(hours=1)
    await submit(store, clock, 1, category=wave().category)
    store.journal.leave(1)
    await store.ledger.append([row(objection(clock.now()))])
    (second,) = await submit(store, clock, 2, category=wave().category)
    assert isinstance(second, Decided)
    assert not second.relay
    database = sqlite3.connect(path)
    assert database.execute("SELECT count(*) FROM claims").fetchone() == (0,)
    database.close()


async def test_another_message_meets_no_claim(store: Store, clock: SetClock) -> None:
    """A claim is on one message; other messages, and messages that claim nothing, pass by."""
    await submit(store, clock, 1)
    assert isinstance((await submit(store, clock, 2, message="other"))[0], Decided)
    assert isinstance((await submit(store, clock, 3, message=""))[0], Decided)


async def test_claims_of_a_dead_process_are_left(open_store: Open, clock: SetClock) -> None:
    """What a process that died was working on is a retry for the next that serves; no other touches it."""
    async with open_store(serving=True) as dead:
        (first,) = await submit(dead, clock, 1)
        await end(dead, clock, first, "working", RELAYED)
    async with open_store() as importing:
        assert (await submit(importing, clock, 2))[0] == Busy()
    async with open_store(serving=True) as next_one:
        assert isinstance((await submit(next_one, clock, 2))[0], Settled)


async def test_expired_claims_are_swept_a_few_at_a_time(store: Store, clock: SetClock, path: Path) -> None:
    """Each wave drops a bounded number of claims that have expired, and no others."""
    await submit(store, clock, 1, *(person(f"p{number}") for number in range(30)))
    clock.forward(days=8)
    await submit(store, clock, 2, message="next")
    database = sqlite3.connect(path)
    assert database.execute("SELECT count(*) FROM claims").fetchone() == (30 - claims.FEW + 1,)
    await submit(store, clock, 3, message="one more")
    assert database.execute("SELECT count(*) FROM claims").fetchone() == (2,)
    database.close()


async def test_a_wave_whose_wait_ended_can_be_left(store: Store, clock: SetClock) -> None:
    """A decision that timed out commits later or not at all; after leave, the retry is decided (I2)."""
    with pytest.raises(StoreUnavailableError):
        await store.journal.decide(wave(category=INVOICE), clock.now(), 0)
    store.journal.leave(1)
    assert isinstance((await submit(store, clock, 2))[0], Decided)


@pytest.mark.parametrize("how", ["released", "left"])
async def test_who_ends_late_touches_no_claim_but_its_own(store: Store, clock: SetClock, how: str) -> None:
    """A claim that expired and was taken by another submission stays that one's when the first one ends."""
    (first,) = await submit(store, clock, 1)
    clock.forward(days=7)
    assert isinstance((await submit(store, clock, 2))[0], Decided)
    await end(store, clock, first, how, None)
    assert (await submit(store, clock, 3))[0] == Busy()


async def test_who_asks_again_and_again_keeps_no_more_in_mind(store: Store, clock: SetClock) -> None:
    """A submission that looks fifty times whether another is done has one claim to end for each person."""
    await submit(store, clock, 1, KIM, NOA)
    for _ in range(50):
        assert await submit(store, clock, 2, KIM, NOA) == [Busy(), Busy()]

    assert len(store.journal._claimed[2]) == 2
