"""POST /api/v1/evidence: all or none, and once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from gateway.intake.kinds import CONTACTS, MAY_CARRY, SUBJECTS
from gateway.law.evidence import KINDS, Consent, Objection, Withdrawal
from gateway.ports import Answered, StoreUnavailableError
from gateway.web.api import rows
from tests.web.machine import CONSENT, Machine

OBJECTION: dict[str, object] = {"email": "anna@example.org", "kind": "objection"}
PURCHASE: dict[str, object] = {
    "email": "anna@example.org",
    "kind": "purchase",
    "product_group": "bread",
    "occurred_at": "2026-10-01T12:00:00+02:00",
    "source": "till",
}
MODELS = {
    model.model_fields["kind"].annotation.__args__[0]: model  # type: ignore[union-attr]
    for model in rows.Row.__subclasses__()
}


async def test_a_row_goes_on_record(machine: Machine) -> None:
    """One row by itself is taken as it is, with its own time, and counts for the next mail."""
    said = await machine.post("evidence", CONSENT)

    (row,) = said.json["rows"]
    (fact,) = await machine.on_record()
    assert isinstance(fact, Consent)
    assert said.status == 200
    assert row == {"id": fact.id, "new": True, "counts": True, "note": None, "dropped": []}
    assert (await machine.house.submit("anna@example.org"))[1].endswith("relayed=1 withheld=0 refused=0")


async def test_one_bad_row_keeps_out_all(machine: Machine) -> None:
    """Nothing is recorded, and every bad row is named by its place with every reason."""
    bad = CONSENT | {"category": "unknown", "occurred_at": "2027-01-01T00:00:00Z"}

    said = await machine.post("evidence", {"rows": [CONSENT, bad, OBJECTION, PURCHASE | {"email": "anna"}]})

    assert said.status == 422
    assert [fault["where"] for fault in said.json["faults"]] == ["/rows/1", "/rows/3"]
    assert "category 'unknown'" in said.json["faults"][0]["fault"]
    assert "lies ahead" in said.json["faults"][0]["fault"]
    assert await machine.on_record() == []


async def test_many_rows_may_come_as_a_list(machine: Machine) -> None:
    """One or many rows (contract section 5): a list of them is as good as an object that names it."""
    bad = CONSENT | {"category": "unknown"}
    told = [
        (await machine.post("evidence", body)).json["faults"][0]["where"]
        for body in ([OBJECTION, bad], [OBJECTION, CONSENT | {"source": 5}])
    ]
    assert told == ["/1", "/1/source"]
    assert await machine.on_record() == []

    said = await machine.post("evidence", [CONSENT, OBJECTION])
    assert [row["new"] for row in said.json["rows"]] == [True, True]
    assert len(await machine.on_record()) == 2


async def test_a_fault_of_shape_names_its_place(machine: Machine) -> None:
    """What is wrong with a row's shape is told by a JSON pointer, all of it at once."""
    said = await machine.post("evidence", {"rows": [CONSENT, CONSENT | {"source": 5, "channels": ["fax"]}]})

    assert {fault["where"] for fault in said.json["faults"]} == {"/rows/1/source", "/rows/1/channels/0"}


async def test_a_consent_without_proof_is_kept_and_does_not_count(machine: Machine) -> None:
    """It is stored as evidence that never counts, and the answer says so and why (L2)."""
    bare = {name: value for name, value in CONSENT.items() if name not in ("wording", "source")}

    said = await machine.post("evidence", bare | {"wording_version": " "})

    (row,) = said.json["rows"]
    assert (row["new"], row["counts"]) == (True, False)
    assert row["note"] == "unproven: lacks source, wording, wording_version"
    assert (await machine.house.submit("anna@example.org"))[1].endswith("relayed=0 withheld=1 refused=0")


@pytest.mark.parametrize(("confirmed", "counts"), [(None, False), ("2026-11-02T12:00:00+01:00", True)])
async def test_double_opt_in_needs_its_confirmation(
    machine: Machine, confirmed: str | None, counts: bool
) -> None:
    """Where the category asks for it, a consent that was not confirmed does not count (L2)."""
    said = await machine.post("evidence", CONSENT | {"category": "club", "confirmed_at": confirmed})

    (row,) = said.json["rows"]
    assert row["counts"] is counts
    assert ("confirmed_at" in (row["note"] or "")) is not counts


async def test_what_may_not_be_kept_is_named_and_dropped(machine: Machine) -> None:
    """Fields that nobody knows, or that this kind may not carry, are not stored anywhere (L23)."""
    said = await machine.post(
        "evidence", CONSENT | {"birth_date": "1990-05-05", "gen\x1bder": "f", "smtp_reply": "x", "paid": True}
    )

    (row,) = said.json["rows"]
    assert sorted(row["dropped"]) == ["birth_date", "gen?der", "paid (consent)", "smtp_reply (consent)"]
    state = machine.house.config.gateway.state_dir
    assert not any(b"1990-05-05" in path.read_bytes() for path in state.iterdir() if path.is_file())


async def test_the_same_rows_again_change_nothing(machine: Machine) -> None:
    """Rows on record are not recorded again; the answer names them by their old ids."""
    first = await machine.post("evidence", {"rows": [CONSENT, PURCHASE, CONSENT]})
    again = await machine.post("evidence", {"rows": [PURCHASE, CONSENT]})

    assert [row["new"] for row in first.json["rows"]] == [True, True, False]
    assert [row["new"] for row in again.json["rows"]] == [False, False]
    assert [row["id"] for row in again.json["rows"]] == [
        first.json["rows"][1]["id"],
        first.json["rows"][0]["id"],
    ]


@pytest.mark.parametrize(
    "extra",
    [
        {"scope": {"a": [1]}},
        {"scope": 5, "via": True},
        {"occurred_at": "yesterday"},
        {"occurred_at": 1e300},
        {"via": "\ud800\x00", "operator": None},
        {"category": ["x"]},
    ],
)
@pytest.mark.parametrize("kind", ["objection", "withdrawal"])
async def test_a_refusal_needs_only_an_address(machine: Machine, kind: str, extra: dict[str, object]) -> None:
    """Nothing else in its row, of whatever shape, is a reason to turn a refusal away (law.md section 3)."""
    said = await machine.post("evidence", {"email": "anna@example.org", "kind": kind, **extra})

    (fact,) = await machine.on_record()
    assert said.status == 200
    assert isinstance(fact, Objection | Withdrawal)
    assert fact.occurred_at == machine.house.clock.now()


@pytest.mark.parametrize("extra", [{"rows": 1}, {"Scope": "profiling", "scope": "channel:sms"}])
async def test_no_field_beside_turns_a_refusal_away(machine: Machine, extra: dict[str, object]) -> None:
    """One that is given twice in unlike letters says nothing: the objection is to all marketing."""
    assert (await machine.post("evidence", OBJECTION | extra)).status == 200
    (fact,) = await machine.on_record()
    assert isinstance(fact, Objection)
    assert fact.scope == "marketing"


async def test_who_opted_out_at_a_purchase_has_objected(machine: Machine) -> None:
    """`optout_used` is an objection to marketing too, all in one transaction; the answer says so (L9)."""
    said = await machine.post("evidence", PURCHASE | {"optout_used": True})

    assert "objection" in said.json["rows"][0]["note"]
    assert sorted(type(fact).__name__ for fact in await machine.on_record()) == ["Objection", "Purchase"]


async def test_a_refusal_binds_against_a_consent_that_came_with_it(machine: Machine) -> None:
    """An objection made before, repeated beside a newer consent, means from now on: it is recorded anew."""
    await machine.post("evidence", OBJECTION)
    machine.house.clock.move(timedelta(days=2))

    said = await machine.post(
        "evidence", {"rows": [OBJECTION, CONSENT | {"occurred_at": "2026-11-22T12:00:00+01:00"}]}
    )

    assert [row["new"] for row in said.json["rows"]] == [True, True]
    assert (await machine.house.submit("anna@example.org"))[1].endswith("relayed=0 withheld=1 refused=0")


async def test_a_correction_names_a_row_of_the_same_person(machine: Machine) -> None:
    """A row can be corrected by its id; one of another person or kind cannot, and keeps out all."""
    known = (await machine.post("evidence", CONSENT)).json["rows"][0]["id"]

    right = await machine.post("evidence", CONSENT | {"source": "paper form", "corrects": known})
    wrong = await machine.post("evidence", CONSENT | {"email": "bram@example.org", "corrects": known})

    assert right.status == 200
    assert (wrong.status, wrong.json["faults"][0]["fault"][:9]) == (422, "corrects:")


async def test_another_controllers_category_is_as_unknown(machine: Machine) -> None:
    """A rival's category and one that nobody has get the same answer but for the name (I8)."""
    theirs, nobodys = [
        (await machine.post("evidence", CONSENT | {"category": name})).json["faults"][0]["fault"]
        for name in ("rumours", "nothing")
    ]

    assert theirs.replace("rumours", "nothing") == nobodys


async def test_a_token_writes_for_its_own_controller_alone(machine: Machine) -> None:
    """What the rival records is on record for the rival, and changes nothing here (I8)."""
    await machine.post("evidence", OBJECTION, token="rival")

    assert await machine.on_record("shop") == []
    assert len(await machine.on_record("rival")) == 1


async def test_a_batch_has_bounds(machine: Machine) -> None:
    """As many rows as a short transaction takes, and not one more."""
    many = [OBJECTION | {"email": f"p{number}@example.org"} for number in range(rows.MOST_ROWS + 1)]

    assert (await machine.post("evidence", {"rows": many})).status == 422
    said = await machine.post("evidence", {"rows": many[:-1]})
    assert (said.status, len(said.json["rows"])) == (200, rows.MOST_ROWS)
    assert (await machine.post("evidence", {"rows": []})).status == 422


KEY = {"Idempotency-Key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"'}


class TestIdempotency:
    """An Idempotency-Key makes the same request be answered the same."""

    async def test_the_same_request_is_answered_the_same(self, machine: Machine) -> None:
        """Although the row is on record by then, the answer is the first one, octet for octet."""
        first = await machine.post("evidence", CONSENT, headers=KEY)
        again = await machine.post("evidence", CONSENT, headers=KEY)
        other = await machine.post("evidence", CONSENT, headers={"Idempotency-Key": "another"})

        assert again.text == first.text
        assert [said.json["rows"][0]["new"] for said in (again, other)] == [True, False]

    async def test_another_body_under_the_same_key_is_refused(self, machine: Machine) -> None:
        """422, and nothing of it is recorded."""
        await machine.post("evidence", CONSENT, headers=KEY)
        said = await machine.post("evidence", OBJECTION, headers=KEY)

        assert said.status == 422
        assert len(await machine.on_record()) == 1

    async def test_a_key_belongs_to_its_token(self, machine: Machine) -> None:
        """Two controllers that chose the same key do not meet (I8)."""
        await machine.post("evidence", CONSENT, headers=KEY)
        said = await machine.post("evidence", OBJECTION, token="rival", headers=KEY)

        assert said.status == 200
        assert len(await machine.on_record("rival")) == 1

    async def test_an_answer_is_forgotten_after_a_day(self, machine: Machine) -> None:
        """Then the same key is a new request, and the old answer is nowhere in the store."""
        await machine.post("evidence", CONSENT, headers=KEY)
        machine.house.clock.move(timedelta(days=1))
        said = await machine.post("evidence", CONSENT, headers=KEY)

        assert said.json["rows"][0]["new"] is False

    async def test_a_refused_request_may_be_mended_under_its_key(self, machine: Machine) -> None:
        """Only what was done is kept: a client may correct its rows and go on with the same key."""
        assert (await machine.post("evidence", {}, headers=KEY)).status == 422
        assert (await machine.post("evidence", CONSENT, headers=KEY)).status == 200

    async def test_two_at_once_are_one(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        """While the first is under way the second hears 409; afterwards it hears the first one's answer."""
        ledger, begun, go = machine.house.gateway.rooms.store.ledger, asyncio.Event(), asyncio.Event()
        append = type(ledger).append

        async def slowly(*args: object, **more: object) -> object:
            if not begun.is_set():
                begun.set()
                await go.wait()
            return await append(*args, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(type(ledger), "append", slowly)
        first = asyncio.create_task(machine.post("evidence", CONSENT, headers=KEY))
        await begun.wait()
        second = await machine.post("evidence", CONSENT, headers=KEY)
        go.set()

        assert second.status == 409
        assert (await first).text == (await machine.post("evidence", CONSENT, headers=KEY)).text

    async def test_an_answer_that_cannot_be_kept_is_given(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The evidence is on record, so the client hears so; a retry finds every row unchanged."""

        async def keep(*_: object) -> None:
            raise StoreUnavailableError("full")

        monkeypatch.setattr(type(machine.house.gateway.rooms.store.idempotency), "keep", keep)
        said = await machine.post("evidence", CONSENT, headers=KEY)
        again = await machine.post("evidence", CONSENT, headers=KEY)

        assert [one.json["rows"][0]["new"] for one in (said, again)] == [True, False]

    @pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "é"])
    async def test_a_key_is_a_short_plain_text(self, machine: Machine, key: str) -> None:
        """Anything else is 400, and nothing is recorded."""
        said = await machine.post("evidence", CONSENT, headers={"Idempotency-Key": key})

        assert said.status == 400
        assert await machine.on_record() == []

    async def test_a_key_that_names_a_person_is_not_kept(self, machine: Machine) -> None:
        """What is kept beside the answer tells nothing of the key or the body (I7)."""
        await machine.post("evidence", CONSENT, headers={"Idempotency-Key": "sign-up-of-anna"})

        state = machine.house.config.gateway.state_dir
        assert not any(b"sign-up-of-anna" in path.read_bytes() for path in state.iterdir() if path.is_file())

    async def test_the_store_keeps_the_first_answer(self, machine: Machine) -> None:
        """Of two that are kept under one key the first stays, until it expires."""
        kept, now = machine.house.gateway.rooms.store.idempotency, machine.house.clock.now()
        day = timedelta(days=1)

        await kept.keep("crm", "k", Answered(b"1" * 16, "first"), now, now + day)
        await kept.keep("crm", "k", Answered(b"2" * 16, "second"), now, now + day)

        assert await kept.find("crm", "k", now) == Answered(b"1" * 16, "first")
        assert await kept.find("crm", "k", now + day) is None
        await kept.keep("crm", "k", Answered(b"2" * 16, "second"), now + day, now + 2 * day)
        assert await kept.find("crm", "k", now + day) == Answered(b"2" * 16, "second")


@pytest.mark.parametrize("kind", KINDS)
def test_the_shapes_say_what_intake_takes(kind: str) -> None:
    """Each kind's model has exactly the fields that its rows may carry."""
    assert set(MODELS[kind].model_fields) - {"email", "kind"} == MAY_CARRY[kind]


def test_the_shapes_know_the_same_words() -> None:
    """Subjects and contacts in the models are those that intake knows."""
    assert rows.Notice.model_fields["subject"].annotation.__args__ == SUBJECTS  # type: ignore[union-attr]
    assert rows.Contact.model_fields["what"].annotation.__args__ == CONTACTS  # type: ignore[union-attr]
