"""One row checked, and rows put on record in the right order (law.md section 3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.intake import (
    FIELDS,
    Accepted,
    Desk,
    Imported,
    RawRow,
    Rejected,
    RowsRejectedError,
    check_together,
    import_file,
    record,
)
from gateway.intake.files import raw_row
from gateway.keys import Keys, fresh
from gateway.law.category import Category
from gateway.law.evidence import (
    Consent,
    Contact,
    Evidence,
    Notice,
    Objection,
    Purchase,
    Register,
    Undeliverable,
    Withdrawal,
    kind_of,
    to_facts,
)
from tests.memory import MemoryLedger, StandingClock

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
THEN = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
WHEN = "2026-03-01T09:30:00+01:00"
KEYS = Keys(b"k" * 32, {1: b"t" * 64})
DESK = Desk("shop", frozenset({"news", "nieuws"}), KEYS)

CONSENT = {
    "email": "anna@example.org",
    "kind": "consent",
    "category": "news",
    "occurred_at": WHEN,
    "source": "form",
    "wording": "Yes",
    "wording_version": "1",
}
PURCHASE = {
    "email": "bram@example.org",
    "kind": "purchase",
    "product_group": "bread",
    "occurred_at": WHEN,
    "source": "shop",
}
OBJECTION = {"email": "chris@example.org", "kind": "objection"}
WITHDRAWAL = {"email": "chris@example.org", "kind": "withdrawal"}
NOTICE = {
    "email": "a@example.org",
    "kind": "notice",
    "subject": "profiling",
    "version": "2",
    "occurred_at": WHEN,
}
CONTACT = {"email": "a@example.org", "kind": "contact", "what": "contest", "occurred_at": WHEN}
REGISTER = {"email": "a@example.org", "kind": "register", "listed": True, "occurred_at": WHEN}
DEAD = {
    "email": "a@example.org",
    "kind": "undeliverable",
    "occurred_at": WHEN,
    "smtp_reply": "550 5.1.1 <a@example.org> unknown",
}
REFERENCE_HASH = KEYS.digest("reference", b"shop\0order 1").hex()


def check(row: Mapping[str, object]) -> Accepted | Rejected:
    """What the desk says of a row."""
    return DESK.check(raw_row(1, row), NOW)


def accepted(row: Mapping[str, object]) -> Accepted:
    """The row, which must be accepted."""
    checked = check(row)
    assert isinstance(checked, Accepted), checked
    return checked


def fact_of(row: Mapping[str, object]) -> Evidence:
    """The fact a row becomes."""
    return accepted(row).row.fact


@pytest.mark.parametrize(
    ("row", "fact"),
    [
        (CONSENT, Consent(id=0, occurred_at=THEN, recorded_at=NOW, category="news", proven=True)),
        (
            CONSENT
            | {
                "category": "nieuws",
                "channels": "email SMS",
                "confirmed_at": "2026-03-01T08:31:00Z",
                "expires_at": "2027-03-01t08:30:00z",
                "third_party": " De Slager ;STRASSE; ",
            },
            Consent(
                id=0,
                occurred_at=THEN,
                recorded_at=NOW,
                category="nieuws",
                proven=True,
                channels=frozenset({"email", "sms"}),
                confirmed_at=THEN + timedelta(minutes=1),
                expires_at=datetime(2027, 3, 1, 8, 30, tzinfo=UTC),
                third_party=frozenset({"de slager", "strasse"}),
            ),
        ),
        (
            CONSENT | {"channels": ["post"], "third_party": ["A; B"], "wording": "  "},
            Consent(
                id=0,
                occurred_at=THEN,
                recorded_at=NOW,
                category="news",
                proven=False,
                channels=frozenset({"post"}),
                third_party=frozenset({"a; b"}),
            ),
        ),
        (PURCHASE, Purchase(id=0, occurred_at=THEN, recorded_at=NOW, product_group="bread")),
        (
            PURCHASE
            | {
                "reference": "order 1",
                "paid": "FALSE",
                "ongoing": "true",
                "ended_at": WHEN,
                "optout_offered_at": "2026-04-01T00:00:00Z",
                "optout_offered_how": "box",
            },
            Purchase(
                id=0,
                occurred_at=THEN,
                recorded_at=NOW,
                product_group="bread",
                reference=REFERENCE_HASH,
                paid=False,
                ongoing=True,
                ended_at=THEN,
                optout_offered_at=datetime(2026, 4, 1, tzinfo=UTC),
                optout_offered_how=True,
            ),
        ),
        (OBJECTION, Objection(id=0, occurred_at=NOW, recorded_at=NOW)),
        (
            OBJECTION | {"scope": "category:news", "occurred_at": WHEN},
            Objection(id=0, occurred_at=THEN, recorded_at=NOW, scope="category:news"),
        ),
        (WITHDRAWAL, Withdrawal(id=0, occurred_at=NOW, recorded_at=NOW)),
        (
            WITHDRAWAL | {"category": "news"},
            Withdrawal(id=0, occurred_at=NOW, recorded_at=NOW, category="news"),
        ),
        (NOTICE, Notice(id=0, occurred_at=THEN, recorded_at=NOW, subject="profiling", version="2")),
        (CONTACT, Contact(id=0, occurred_at=THEN, recorded_at=NOW, what="contest")),
        (REGISTER, Register(id=0, occurred_at=THEN, recorded_at=NOW, listed=True)),
        (REGISTER | {"listed": "false"}, Register(id=0, occurred_at=THEN, recorded_at=NOW, listed=False)),
        (DEAD, Undeliverable(id=0, occurred_at=THEN, recorded_at=NOW, smtp_reply="5.1.1")),
    ],
)
def test_a_sound_row_becomes_its_fact(row: dict[str, object], fact: Evidence) -> None:
    """Every kind becomes the fact law.md section 3 describes, from CSV text and from JSON values."""
    assert fact_of(row) == fact


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (CONSENT | {"email": None}, "email is missing"),
        (CONSENT | {"email": "no"}, "email: address must have the form local-part@domain"),
        (CONSENT | {"email": "a\0@example.org"}, "email: address has a control character"),
        (CONSENT | {"email": "a\ud800@example.org"}, "email: address is not valid Unicode"),
        (CONSENT | {"kind": " "}, "kind is missing"),
        (CONSENT | {"kind": "love"}, "kind 'love' is not known"),
        (CONSENT | {"kind": 3}, "kind is missing"),
        (CONSENT | {"category": ""}, "category is missing"),
        (CONSENT | {"category": "others"}, "category 'others' is not one of this controller's"),
        (CONSENT | {"occurred_at": ""}, "occurred_at is missing"),
        (CONSENT | {"occurred_at": "2026-03-01"}, "occurred_at must be a time with a zone, as"),
        (CONSENT | {"occurred_at": "2026-03-01T09:30:00"}, "occurred_at must be a time with a zone, as"),
        (CONSENT | {"occurred_at": "0001-01-01T00:00:00+23:00"}, "occurred_at must be a time with a zone"),
        (CONSENT | {"occurred_at": 1772353800}, "occurred_at must be a time with a zone, as"),
        (CONSENT | {"occurred_at": "2026-11-21T12:05:01Z"}, "occurred_at lies ahead"),
        (CONSENT | {"confirmed_at": "yesterday"}, "confirmed_at must be a time with a zone"),
        (CONSENT | {"expires_at": "2027-01-01"}, "expires_at must be a time with a zone"),
        (CONSENT | {"channels": "email fax"}, "channels has 'fax'; known are email, sms, app, phone, post"),
        (CONSENT | {"channels": []}, "channels is empty"),
        (CONSENT | {"channels": [1]}, "channels must be a list of texts"),
        (CONSENT | {"third_party": "x" * 2001}, "third_party is longer than 2000 characters"),
        (CONSENT | {"wording": "x" * 20_001}, "wording is longer than 20000 characters"),
        (CONSENT | {"source": "a\0b"}, "source has a NUL character"),
        (CONSENT | {"source": "a\udce9b"}, "source is not valid UTF-8"),
        (CONSENT | {"source": {"a": 1}}, "source must be text"),
        (CONSENT | {"source": True}, "source must be text"),
        (CONSENT | {"corrects": "x"}, "corrects must be the id of a row on record"),
        (CONSENT | {"corrects": True}, "corrects must be the id of a row on record"),
        (CONSENT | {"corrects": 1 << 63}, "corrects must be the id of a row on record"),
        (PURCHASE | {"product_group": ""}, "product_group is missing"),
        (PURCHASE | {"source": ""}, "source is missing"),
        (PURCHASE | {"paid": "yes"}, "paid must be true or false"),
        (PURCHASE | {"paid": 1}, "paid must be true or false"),
        (PURCHASE | {"ended_at": "2026"}, "ended_at must be a time with a zone"),
        (PURCHASE | {"optout_offered_at": "x"}, "optout_offered_at must be a time with a zone"),
        (NOTICE | {"subject": "cookies"}, "subject must be one of privacy, profiling"),
        (NOTICE | {"version": ""}, "version is missing"),
        (CONTACT | {"what": "chat"}, "what must be one of newsletter-signup, survey, contest, account"),
        (REGISTER | {"listed": None}, "listed is missing"),
        (DEAD | {"smtp_reply": "550 5.7.1 no"}, "smtp_reply must have one of 5.1.1, 5.1.2, 5.1.10, 5.2.1"),
        (DEAD | {"smtp_reply": "550 5.1.11 no"}, "smtp_reply must have one of"),
        (DEAD | {"smtp_reply": "550 no"}, "smtp_reply must have one of"),
        (DEAD | {"smtp_reply": ""}, "smtp_reply is missing"),
    ],
)
def test_a_faulty_row_is_rejected_with_its_reason(row: dict[str, object], reason: str) -> None:
    """Each fault of a row that is no refusal rejects it, and is named."""
    checked = check(row)

    assert isinstance(checked, Rejected)
    assert checked.reason.startswith(reason)


def test_every_fault_of_a_row_is_named_at_once() -> None:
    """A row with three faults is rejected with all three."""
    checked = check({"kind": "purchase", "paid": "no", "email": "x", "occurred_at": WHEN, "source": "s"})

    assert isinstance(checked, Rejected)
    assert checked.reason.count("; ") == 2


@pytest.mark.parametrize("code", ["5.1.1", "5.1.2", "5.1.10", "5.2.1"])
def test_the_codes_that_mean_a_dead_mailbox(code: str) -> None:
    """The four codes of law.md section 3 are taken; the reply's text stays a detail that can be erased."""
    row = accepted(DEAD | {"smtp_reply": f"550-{code} gon\u00e9"}).row

    assert (row.fact.smtp_reply, row.details["smtp_reply"]) == (code, f"550-{code} goné")  # type: ignore[union-attr]


@pytest.mark.parametrize("lacking", ["source", "wording", "wording_version"])
@pytest.mark.parametrize("blank", [None, "", " \t"])
def test_a_consent_without_its_proof_is_kept_as_unproven(lacking: str, blank: object) -> None:
    """GDPR 7(1): a consent that lacks any of its proof, or has it blank, is kept, and says what it lacks."""
    checked = accepted(CONSENT | {lacking: blank})

    assert checked.row.fact.proven is False  # type: ignore[union-attr]
    assert checked.note == f"unproven: lacks {lacking}"


def test_five_minutes_ahead_is_a_clock_that_differs() -> None:
    """A row exactly five minutes ahead is taken."""
    assert fact_of(CONSENT | {"occurred_at": "2026-11-21T12:05:00Z"}).occurred_at == NOW + timedelta(
        minutes=5
    )


@pytest.mark.parametrize(
    "fault",
    [
        {"occurred_at": "2026-03-01 10:00"},
        {"occurred_at": "2026-11-21T12:00:01Z"},
        {"occurred_at": 7},
        {"via": ["a", {"b": 1}]},
        {"via": "a\0\ud800" * 1000},
        {"scope": "category:others"},
        {"scope": "everything"},
        {"scope": 1.5},
        {"category": "others"},
        {"corrects": "nothing"},
        {"operator": "x" * 10_000},
    ],
)
@pytest.mark.parametrize("refusal", [OBJECTION, WITHDRAWAL])
def test_a_refusal_needs_only_an_address(refusal: dict[str, object], fault: dict[str, object]) -> None:
    """Whatever else is wrong, a refusal is taken: as wide as can be, and from the time of recording."""
    checked = accepted(refusal | fault)
    fact = checked.row.fact

    assert fact.occurred_at == NOW
    assert not checked.dated
    assert fact.corrects is None
    assert getattr(fact, "scope", "marketing") == "marketing"
    assert getattr(fact, "category", "all") == "all"
    "".join(map(str, checked.row.details.values())).encode()  # storable


def test_a_refusal_on_a_broken_line_is_taken() -> None:
    """A row that could not be read whole is a refusal all the same, if kind and address are there."""
    broken = RawRow(7, OBJECTION, fault="has 9 cells, the header 3")

    assert isinstance(DESK.check(broken, NOW), Accepted)
    assert DESK.check(RawRow(7, CONSENT, fault="torn"), NOW) == Rejected("torn")


def test_a_refusal_without_address_is_rejected() -> None:
    """Nobody can be found by a refusal without an address."""
    assert check({"kind": "objection", "email": "x"}) == Rejected(
        "email: address must have the form local-part@domain"
    )


def test_the_words_of_a_refusal_are_kept() -> None:
    """Any via is kept, with who recorded it and the message it answers."""
    said = {"via": "shouted across the street", "operator": "Saskia", "message_reference": "abc"}

    assert dict(accepted(OBJECTION | said).row.details) == {"address": "chris@example.org", **said}


@pytest.mark.parametrize("used", [True, "true", "TRUE "])
@pytest.mark.parametrize("fault", [{}, {"source": ""}, {"paid": "perhaps"}])
def test_who_used_the_way_out_at_a_purchase_has_objected(used: object, fault: dict[str, object]) -> None:
    """L9: optout_used is an objection to marketing at the time of the purchase, however faulty its row."""
    refusal = DESK.refusal(raw_row(1, PURCHASE | fault | {"optout_used": used}), NOW)

    assert refusal is not None
    assert refusal.row.fact == Objection(id=0, occurred_at=THEN, recorded_at=NOW)
    assert DESK.refusal(raw_row(1, PURCHASE | {"optout_used": "false"}), NOW) is None
    assert DESK.refusal(raw_row(1, CONSENT), NOW) is None


@pytest.mark.parametrize(
    "row",
    [
        CONSENT
        | {"wording": 'Ja, "graag" \u00e9', "third_party": "A;B", "expires_at": "2027-01-01T00:00:00Z"},
        PURCHASE | {"reference": "order 1"},
        OBJECTION,
        OBJECTION | {"occurred_at": WHEN, "via": "phone"},
        WITHDRAWAL,
        NOTICE,
        CONTACT,
        REGISTER,
        DEAD,
    ],
)
def test_content_is_the_hash_of_what_the_row_said(row: dict[str, object]) -> None:
    """By `content` a row is recognised for ever: it is the keyed hash of one JSON list."""
    new = accepted(row).row
    details = {name: value for name, value in new.details.items() if name != "address"}
    said = new.fact.occurred_at.isoformat() if "occurred_at" in row else None
    whole = [kind_of(new.fact), "shop", new.details["address"], said, to_facts(new.fact), details]

    assert new.content == KEYS.digest("content", json.dumps(whole, sort_keys=True).encode())


def test_facts_hold_nothing_that_names_a_person() -> None:
    """I7: what a row says of a person is a detail; the fact has neither address, nor words, nor reference."""
    row = accepted(PURCHASE | {"reference": "order 1", "optout_offered_how": "a box"}).row

    assert row.details == {
        "address": "bram@example.org",
        "source": "shop",
        "reference": "order 1",
        "optout_offered_how": "a box",
    }
    assert "order 1" not in repr(row.fact)
    assert row.person == KEYS.hash("shop", "bram@example.org")


@pytest.mark.parametrize(
    ("row", "name", "value"),
    [
        (PURCHASE, "product_group", "bread for bram@example.org"),
        (NOTICE, "version", "2 (Bram@Example.ORG)"),
        (CONSENT, "third_party", ["the butcher", "bram@example.org"]),
        (CONSENT, "third_party", "the butcher; bram@example.org"),
    ],
)
def test_no_fact_spells_the_address(row: dict[str, object], name: str, value: object) -> None:
    """I7: facts outlive an erasure, so that free text in them must not name the person."""
    checked = DESK.check(RawRow(2, row | {"email": "bram@example.org", name: value}), NOW)

    assert checked == Rejected(f"{name} must not name the person")


def test_a_field_that_is_not_for_this_kind_is_dropped_and_named() -> None:
    """L23: neither an unknown field nor one of another kind is stored; both are named."""
    checked = accepted(CONTACT | {"ip": "192.0.2.1", "Date of birth": "2000-01-01"})

    assert checked.dropped == ("Date of birth", "ip (contact)")
    assert "192.0.2.1" not in checked.row.details.values()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (CONSENT, CONSENT | {"email": " ANNA@Example.ORG "}, True),
        (CONSENT, CONSENT | {"occurred_at": "2026-03-01T08:30:00Z", "channels": ""}, True),
        (CONSENT, CONSENT | {"wording_version": 1}, True),
        (CONSENT, CONSENT | {"wording": "No"}, False),
        (CONSENT, CONSENT | {"ip": "192.0.2.1"}, False),
        (PURCHASE, PURCHASE | {"paid": "true"}, True),
        (OBJECTION, OBJECTION | {"occurred_at": "2030-01-01"}, True),
        (OBJECTION, OBJECTION | {"scope": "marketing"}, False),
        (OBJECTION, OBJECTION | {"occurred_at": WHEN}, False),
    ],
)
def test_content_tells_rows_apart(one: dict[str, object], other: dict[str, object], same: bool) -> None:
    """A row spelled otherwise is the same row; one that says something else is another."""
    assert (accepted(one).row.content == accepted(other).row.content) is same


def test_content_leaves_out_times_that_were_filled_in() -> None:
    """A refusal without a time is the same row tomorrow; one whose time lay ahead as well."""
    ahead = OBJECTION | {"occurred_at": "2026-11-21T15:00:00Z"}
    for row in (OBJECTION, ahead):
        later = DESK.check(raw_row(1, row), NOW + timedelta(days=1))
        assert isinstance(later, Accepted)
        assert later.row.content == accepted(row).row.content


def test_the_same_row_for_two_controllers_cannot_be_joined() -> None:
    """I8: neither person nor content nor reference of two controllers' rows are equal."""
    other = Desk("butcher", frozenset({"news"}), KEYS).check(raw_row(1, PURCHASE | {"reference": "1"}), NOW)
    ours = accepted(PURCHASE | {"reference": "1"}).row

    assert isinstance(other, Accepted)
    assert other.row.person != ours.person
    assert other.row.content != ours.content
    assert other.row.fact.reference != ours.fact.reference  # type: ignore[union-attr]


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=5,
)
_KIND = st.sampled_from(["consent", "withdrawal", "purchase", "objection", "notice", "contact", "register"])


@given(
    st.dictionaries(st.sampled_from(FIELDS), _VALUES),
    _KIND,
    st.sampled_from(["anna@example.org", "x", None]),
)
def test_any_row_is_accepted_or_rejected(fields: dict[str, object], kind: str, email: str | None) -> None:
    """Any row is accepted, or rejected with a reason; a refusal with an address is always accepted."""
    checked = check(fields | {"kind": kind, "email": email})

    if kind in ("objection", "withdrawal") and email == "anna@example.org":
        assert isinstance(checked, Accepted)
    if isinstance(checked, Rejected):
        assert checked.reason
    else:
        repr(sorted(checked.row.details.items())).encode()


# --- rows put on record


@dataclass
class Place:
    """What intake asks of the house, in memory."""

    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    clock: StandingClock = field(default_factory=StandingClock)
    keys: Keys = field(default_factory=fresh)
    config: Any = field(
        default_factory=lambda: SimpleNamespace(
            controllers={},
            categories={
                "news": Category(id="news", controller="shop", title="News", purpose="marketing"),
                "meat": Category(id="meat", controller="butcher", title="Meat", purpose="marketing"),
            },
        )
    )

    async def record(self, *rows: dict[str, object]) -> Imported:
        """Put rows on record."""
        return await record(self, "shop", rows, self.clock.now())

    @property
    def kinds(self) -> list[str]:
        """What is on record, in order."""
        return [type(row.fact).__name__ for _, row in self.ledger.rows]


@pytest.fixture
def place() -> Place:
    """An empty house."""
    return Place()


async def test_refusals_take_effect_before_anything_else(place: Place) -> None:
    """However a file is ordered, its refusals are on record first, those at a purchase too."""
    report = await place.record(CONSENT, PURCHASE | {"optout_used": True}, CONTACT, WITHDRAWAL, OBJECTION)

    assert place.kinds == ["Objection", "Withdrawal", "Objection", "Consent", "Purchase", "Contact"]
    assert (report.imported, report.unchanged, report.rejected) == (5, 0, 0)


async def test_five_hundred_rows_twice_change_nothing(place: Place) -> None:
    """A second import of 500 rows imports none and finds all of them unchanged."""
    kinds = (CONSENT, OBJECTION, PURCHASE, NOTICE, CONTACT)
    rows = [kinds[n % len(kinds)] | {"email": f"p{n}@example.org"} for n in range(500)]

    first, second = await place.record(*rows), await place.record(*rows)

    assert (first.imported, first.unchanged) == (500, 0)
    assert (second.imported, second.unchanged) == (0, 500)
    assert len(place.ledger.rows) == 500


async def test_a_refusal_and_a_consent_in_one_file_stay_as_they_are(place: Place) -> None:
    """The same file again changes nothing, also where it holds a consent of who refused without a time."""
    rows = (OBJECTION, CONSENT | {"email": "chris@example.org"})

    await place.record(*rows)
    again = await place.record(*rows)

    assert (again.imported, again.unchanged) == (0, 2)


async def test_a_refusal_without_a_time_binds_again_after_a_newer_consent(place: Place) -> None:
    """A list of refusals that comes again means "from now on": consent given meanwhile does not lift it."""
    await place.record(OBJECTION)
    place.clock.advance(days=2)
    newer = (place.clock.now() - timedelta(days=1)).isoformat()
    await place.record(CONSENT | {"email": "chris@example.org", "occurred_at": newer})

    report = await place.record(OBJECTION)

    assert report.imported == 1
    assert place.kinds == ["Objection", "Consent", "Objection"]


async def test_another_controllers_category_is_rejected_but_never_a_refusal(place: Place) -> None:
    """I8: a consent to another controller's category is rejected; a refusal of it refuses all marketing."""
    report = await place.record(CONSENT | {"category": "meat"}, OBJECTION | {"scope": "category:meat"})

    assert (report.imported, report.rejected) == (1, 1)
    assert place.ledger.rows[0][1].fact.scope == "marketing"  # type: ignore[union-attr]


async def test_a_correction_names_an_older_row_of_the_same_person_and_kind(place: Place) -> None:
    """A correction of a row that is not this person's, or of another kind, or not there, is rejected."""
    await place.record(CONSENT, PURCHASE | {"email": "anna@example.org"})
    fixed = CONSENT | {"wording": "Yes, please"}

    outcomes = [
        (await place.record(fixed | {"corrects": number} | more)).imported
        for number, more in [(1, {}), (2, {}), (9, {}), (1, {"email": "bram@example.org"})]
    ]

    assert outcomes == [1, 0, 0, 0]
    assert place.ledger.rows[-1][1].fact.corrects == 1


async def test_a_check_tells_every_fault_and_records_nothing(place: Place) -> None:
    """What would be rejected is named as when it is recorded; what would be taken is not recorded either."""
    await place.record(CONSENT)
    await check_together(place, "shop", [CONSENT | {"corrects": 1, "wording": "Yes, please"}])

    with pytest.raises(RowsRejectedError) as raised:
        await check_together(place, "shop", [CONSENT | {"occurred_at": "", "category": "meat"}])

    assert [fault.reason for fault in raised.value.faults] == [
        "occurred_at is missing; category 'meat' is not one of this controller's"
    ]
    assert place.kinds == ["Consent"]


async def test_unproven_consents_and_dropped_columns_are_told(place: Place) -> None:
    """The report counts consents without proof and names each dropped field once."""
    report = await place.record(CONSENT | {"wording": "", "Age": 7}, OBJECTION | {"age": 8, "Age": 9})

    assert report.unproven == 1
    assert report.dropped_columns == ("age", "Age")


async def test_a_file_is_put_on_record_and_its_rejects_named(place: Place, tmp_path: Path) -> None:
    """Sound rows of a file are imported, and each that fails is told with line and reason, in order."""
    path = tmp_path / "people.csv"
    path.write_text(
        "email,kind,what,occurred_at\n"
        f"a@example.org,contact,chat,{WHEN}\n"
        f"a@example.org,contact,survey,{WHEN}\n"
        "nobody,objection,,\n"
        "b@example.org,objection,,\n"
    )
    told: list[tuple[int, str]] = []

    report = await import_file(
        place, "shop", path, on_reject=lambda row, reason: told.append((row.line, reason[:4]))
    )

    assert (report.imported, report.rejected) == (2, 2)
    assert told == [(2, "what"), (4, "emai")]
    assert place.kinds == ["Objection", "Contact"]
