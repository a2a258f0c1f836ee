"""Ten years of evidence and mail, and the terms that end them (L24, contract section 3)."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.config.schema import Retention
from gateway.law.evidence import (
    Consent,
    Contact,
    Evidence,
    Notice,
    Purchase,
    Register,
    Undeliverable,
    Withdrawal,
)
from gateway.law.terms import begins, stopped
from gateway.ports import Decided
from gateway.retaining import apply, plan
from gateway.store.opening import Store
from tests.store.given import PATIENCE, SetClock, consent, fate, objection, person, purchase, row, wave
from tests.store.proofs import found

NOW = datetime.fromisoformat("2026-03-01T12:00:00+00:00")
YEAR = timedelta(days=365)
KNOWN = {"news": "news", "bulletin": "news", "offers": "offers"}
TERMS = {
    "consent": Retention(keep_at_least_days=0, keep_at_most_days=730, reason="proof"),
    "purchase": Retention(keep_at_least_days=2555, keep_at_most_days=2920, reason="tax law"),
    "contact": Retention(keep_at_least_days=0, keep_at_most_days=365, reason="no need"),
    "journal": Retention(keep_at_least_days=365, keep_at_most_days=1095, reason="complaints"),
    "audit": Retention(keep_at_least_days=0, keep_at_most_days=3650, reason="accountability"),
}


def ago(years: float) -> datetime:
    """So many years of 365 days before now."""
    return NOW - years * YEAR


def given(kind: type[Evidence], years: float, number: int = 1, **fields: Any) -> Evidence:
    """A row of so many years ago."""
    at = ago(years)
    common: dict[str, Any] = {"id": number, "occurred_at": at, "recorded_at": at}
    return kind(**(common | fields))


NEWS: dict[str, Any] = {"category": "news", "proven": True}
STOPPED: dict[str, tuple[list[Evidence], float | None]] = {
    "a consent that holds": ([given(Consent, 9, **NEWS)], None),
    "withdrawn": ([given(Consent, 9, **NEWS), given(Withdrawal, 4, 2, category="news")], 4),
    "withdrawn by a former id": (
        [given(Consent, 9, **NEWS), given(Withdrawal, 4, 2, category="bulletin")],
        4,
    ),
    "withdrawn of all": ([given(Consent, 9, **NEWS), given(Withdrawal, 4, 2)], 4),
    "withdrawn of nobody knows what": ([given(Consent, 9, **NEWS), given(Withdrawal, 4, 2, category="x")], 4),
    "another withdrawn": ([given(Consent, 9, **NEWS), given(Withdrawal, 4, 2, category="offers")], None),
    "withdrawn before": ([given(Consent, 9, **NEWS), given(Withdrawal, 9.5, 2)], None),
    "expired": ([given(Consent, 9, expires_at=ago(3), **NEWS)], 3),
    "to expire": ([given(Consent, 9, expires_at=ago(-1), **NEWS)], None),
    "expired, then withdrawn": (
        [given(Consent, 9, expires_at=ago(3), **NEWS), given(Withdrawal, 2, 2)],
        3,
    ),
    "outdone by a newer one": ([given(Consent, 9, **NEWS), given(Consent, 5, 2, **NEWS)], 5),
    "a newer one that proves nothing": (
        [given(Consent, 9, **NEWS), given(Consent, 5, 2, category="news", proven=False)],
        None,
    ),
    "a newer one that ends sooner": (
        [given(Consent, 9, **NEWS), given(Consent, 5, 2, expires_at=ago(-1), **NEWS)],
        None,
    ),
    "corrected": (
        [given(Consent, 9, **NEWS), given(Consent, 9, 2, corrects=1, recorded_at=ago(6), **NEWS)],
        6,
    ),
    "an ended purchase": ([given(Purchase, 9, product_group="p", ended_at=ago(8))], None),
    "an older notice": (
        [given(Notice, 9, subject="privacy"), given(Notice, 7, 2, subject="privacy")],
        7,
    ),
    "a notice of something else": (
        [given(Notice, 9, subject="privacy"), given(Notice, 7, 2, subject="profiling")],
        None,
    ),
    "an older word of the register": (
        [given(Register, 9, listed=True), given(Register, 7, 2, listed=False)],
        7,
    ),
    "undeliverable, then bought": ([given(Undeliverable, 9), given(Purchase, 7, 2, product_group="p")], 7),
    "a contact": ([given(Contact, 9, what="contest"), given(Withdrawal, 4, 2)], None),
    "a refusal": ([given(Withdrawal, 9), given(Withdrawal, 4, 2)], None),
}


@pytest.mark.parametrize(("rows", "years"), STOPPED.values(), ids=STOPPED)
def test_when_a_row_stopped_counting(rows: list[Evidence], years: float | None) -> None:
    """Withdrawn, expired, superseded or refused: from the first of these its term runs."""
    assert stopped(rows, KNOWN, NOW).get(1) == (None if years is None else ago(years))


@pytest.mark.parametrize("kind", [Consent, Notice, Register])
def test_a_person_may_have_rows_by_the_thousand(kind: type[Evidence]) -> None:
    """Each of 20,000 rows ends with the next, found in seconds: not each held against all others."""
    own: dict[type[Evidence], dict[str, Any]] = {
        Consent: NEWS,
        Notice: {"subject": "privacy"},
        Register: {"listed": False},
    }
    rows = [given(kind, 1 - number / 30_000, number, **own[kind]) for number in range(20_000)]
    started = time.process_time()
    ends = stopped(rows, KNOWN, NOW)
    assert time.process_time() - started < 10
    assert ends == {row.id: rows[row.id + 1].occurred_at for row in rows[:-1]}


@pytest.mark.parametrize(
    ("row_", "stopped_at", "rested", "years"),
    [
        (given(Consent, 9, **NEWS), None, None, 9),
        (given(Consent, 9, **NEWS), None, 2, 2),
        (given(Consent, 9, **NEWS), 4, 2, 4),
        (given(Purchase, 9, product_group="p", ended_at=ago(8)), None, None, 8),
        (given(Purchase, 9, product_group="p", ended_at=ago(8)), None, 2, 2),
    ],
)
def test_from_when_a_term_runs(
    row_: Evidence, stopped_at: float | None, rested: float | None, years: float
) -> None:
    """From when the row stopped counting, else the last decision resting on it, else when it occurred."""
    moments = [None if one is None else ago(one) for one in (stopped_at, rested)]
    assert begins(row_, *moments) == ago(years)


@dataclass
class Rooms:
    """The house, as far as retention asks."""

    store: Store
    clock: SetClock
    config: Any = field(
        default_factory=lambda: SimpleNamespace(
            retention=dict(TERMS),
            categories={"news": SimpleNamespace(id="news", controller="shop", formerly=frozenset())},
        )
    )

    @property
    def retaining(self) -> Any:
        """The store's retention."""
        return self.store.retention


async def history(store: Store, clock: SetClock) -> None:
    """Ten years: a consent a year, a purchase a year, a contest a year, mail to a subscriber once a year."""
    for years in range(10, 0, -1):
        clock.at = ago(years)
        who = person(f"p{years}")
        rows = [
            row(consent(clock.at), who, wording="yes"),
            row(purchase(clock.at), person(f"b{years}"), source="till"),
            row(
                Contact(id=0, occurred_at=clock.at, recorded_at=clock.at, what="contest"), person(f"c{years}")
            ),
            row(objection(clock.at), person(f"o{years}"), via="phone"),
        ]
        await store.ledger.append(rows)
        (mailed,) = await store.journal.decide(
            wave(person("p10"), submission=years, message=f"m{years}"), clock.at, PATIENCE
        )
        assert isinstance(mailed, Decided)
        await store.journal.settle([fate(mailed.id)], clock.at)
    clock.at = NOW


def counted(made: Any) -> dict[str, tuple[int, int, int]]:
    """What goes, must stay and may stay, of each class that has any."""
    found = {name: (one.goes, one.must_stay, one.may_stay) for name, one in made.classes.items()}
    return {name: counts for name, counts in found.items() if any(counts)}


def details_left(path: Path) -> dict[str, int]:
    """How many rows have their details still."""
    database = sqlite3.connect(path)
    tables = ("ledger_details", "decision_details", "fate_details")
    left = {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}
    database.close()
    return left


EXPECTED = {
    "consent": (8, 0, 2),  # nine to two years old; the oldest was mailed a year ago
    "purchase": (3, 6, 1),  # ten to eight years old go; seven may; six to one must
    "contact": (10, 0, 0),
    "journal": (8, 0, 2),  # ten to three years old; a year to the day is no longer within its minimum
}


async def test_what_the_terms_say_of_ten_years(store: Store, clock: SetClock, path: Path) -> None:
    """The plan is exactly what the terms say; applied while mail flows it ends that and nothing else, says so
    in the acts, and leaves nothing to a second plan."""
    await history(store, clock)
    rooms = Rooms(store, clock)
    made = await plan(rooms)
    assert counted(made) == EXPECTED
    assert made.classes["purchase"].oldest == ago(10)
    assert made.classes["purchase"].newest == ago(8)
    before = details_left(path)

    mail = asyncio.gather(
        *(
            store.journal.decide(wave(person("p1"), submission=100 + n, message=f"n{n}"), NOW, PATIENCE)
            for n in range(20)
        )
    )
    done, is_clean = await apply(rooms)
    assert is_clean
    goes, _, may_stay = counted(done)["journal"]  # beside it must stay what was decided meanwhile
    assert counted(done) | {"journal": (goes, 0, may_stay)} == EXPECTED
    assert all(isinstance(one, Decided) for (one,) in await mail)
    left = details_left(path)
    corrected = 8  # unproven from now on; purchases here never said how one could refuse
    assert left["ledger_details"] == before["ledger_details"] - 21 + corrected
    assert left["decision_details"] == before["decision_details"] - 8 + 20
    assert left["fate_details"] == before["fate_details"] - 8
    assert (await plan(rooms)).is_empty
    assert found(path) == []  # by `verify`: each missing detail is accounted for
    acts = await store.writer.run(
        lambda database: database.execute(
            "SELECT a.act, d.details FROM acts a JOIN act_details d ON d.act = a.id ORDER BY a.id"
        ).fetchall(),
        PATIENCE,
    )
    told = [json.loads(text) for act, text in acts if act == "retention"]
    assert {one["class"]: len(one.get("ledger", ())) for one in told} == {
        "consent": 8,
        "purchase": 3,
        "contact": 10,
        "journal": 0,
    }


async def test_what_lost_its_proof_counts_no_more(store: Store, clock: SetClock) -> None:
    """A consent past its maximum, on which nothing rested since, is unproven from then on (L2)."""
    await history(store, clock)
    await apply(Rooms(store, clock))
    for name, reason in (("p5", "consent-unproven"), ("p10", None)):
        (decided,) = await store.journal.decide(wave(person(name), submission=7, message=name), NOW, PATIENCE)
        assert isinstance(decided, Decided)
        assert getattr(decided.decision, "reason", None) == reason


@pytest.mark.parametrize(("listed", "left"), [(False, [True, False]), (True, [True])])
async def test_a_word_of_the_register_without_its_proof_permits_no_call(
    store: Store, clock: SetClock, *, listed: bool, left: list[bool]
) -> None:
    """That a number is not listed is unproven once its details ended (L28); that it is, holds on."""
    clock.at = ago(5)
    await store.ledger.append([row(given(Register, 5, listed=listed), source="register")])
    clock.at = NOW
    rooms = Rooms(store, clock)
    rooms.config.retention["register"] = TERMS["consent"]

    await apply(rooms)

    facts = await store.ledger.evidence("shop", person().hash)
    assert [fact.proven for fact in facts if isinstance(fact, Register)] == left
    assert (await plan(rooms)).is_empty


async def test_a_decision_made_after_the_plan_keeps_the_row(
    store: Store, clock: SetClock, path: Path
) -> None:
    """What a decision came to rest on between plan and deletion is left."""
    clock.at = ago(5)
    await store.ledger.append([row(consent(clock.at), wording="yes")])
    clock.at = NOW
    rooms = Rooms(store, clock)
    made = await plan(rooms)
    (due,) = made.evidence["consent"]
    await store.journal.decide(wave(), NOW, PATIENCE)
    await store.retention.end_evidence("consent", [due], NOW, NOW)
    (held,) = (await store.erasure.held("shop", person().hash, NOW)).rows
    assert held.details == {"address": "kim@example.org", "wording": "yes"}


async def test_refusals_have_no_term(store: Store, clock: SetClock, path: Path) -> None:
    """Objections and withdrawals are left as they are, however old (L24)."""
    clock.at = ago(10)
    await store.ledger.append([row(objection(clock.at), via="phone")])
    clock.at = NOW
    done, _ = await apply(Rooms(store, clock))
    assert done.is_empty
    assert details_left(path)["ledger_details"] == 1
