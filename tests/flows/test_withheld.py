"""Promise: nobody gets marketing without a ground on record, and the log says why."""

from __future__ import annotations

import pytest

from tests.house import ANNA, BRAM, CHRIS, DEWI, House

CASES = {
    "unknown": ([], "unknown-person"),
    "contest": (
        [{"kind": "contact", "what": "contest", "occurred_at": "2026-05-01T10:00:00Z"}],
        "not-a-customer",
    ),
    "unproven consent": (
        [{"kind": "consent", "category": "newsletter", "occurred_at": "2026-05-01T10:00:00Z"}],
        "consent-unproven",
    ),
    "objected customer": (
        [
            {
                "kind": "purchase",
                "product_group": "bread",
                "occurred_at": "2026-05-01T10:00:00Z",
                "source": "shop",
                "optout_offered_at": "2026-05-01T10:00:00Z",
                "optout_offered_how": "box",
            },
            {"kind": "objection", "via": "phone"},
        ],
        "objected",
    ),
}


@pytest.mark.parametrize(("rows", "reason"), CASES.values(), ids=CASES)
async def test_a_person_without_a_ground_gets_nothing(
    house: House, rows: list[dict[str, object]], reason: str
) -> None:
    """The client hears 250, nothing reaches the smarthost, and the log names the reason (I1)."""
    await house.record(*({"email": ANNA} | row for row in rows))

    code, text = await house.submit(ANNA)

    (entry,) = await house.log(withheld=True)
    assert (code, text.split()[2:]) == (250, ["relayed=0", "withheld=1", "refused=0"])
    assert house.smarthost.messages == []
    assert (entry.address, entry.decision, entry.reason, entry.fate) == (ANNA, "withhold", reason, None)


async def test_a_login_without_categories_sends_nothing(house: House) -> None:
    """Whatever a login without any category submits is withheld."""
    await house.consent(ANNA)

    code, text = await house.submit(ANNA, login="nothing")

    assert (code, "withheld=1" in text, house.smarthost.messages) == (250, True, [])
    assert [entry.reason for entry in await house.log()] == ["no-category"]


async def test_a_login_that_wants_to_hear_it_is_told_at_rcpt(house: House) -> None:
    """With on_withheld = reject and one category, RCPT is refused without saying why, and others go on."""
    await house.consent(ANNA)

    code, text = await house.submit(DEWI, login="strict")
    mixed, _ = await house.submit(ANNA, DEWI, login="strict")

    assert (code, text.split()[0], "unknown" in text) == (550, "5.7.1", False)
    assert (mixed, [message.recipients for message in house.smarthost.messages]) == (250, [(ANNA,)])
    assert [entry.reason for entry in await house.log(withheld=True)] == ["unknown-person"] * 2


async def test_mixed_recipients_are_each_decided_on(house: House) -> None:
    """Of one message to four people, the two with a ground get it and the two without do not."""
    await house.consent(ANNA, CHRIS)

    code, text = await house.submit(ANNA, BRAM, CHRIS, DEWI)

    assert (code, text.split()[2:]) == (250, ["relayed=2", "withheld=2", "refused=0"])
    assert sorted(message.recipients for message in house.smarthost.messages) == [(ANNA,), (CHRIS,)]
    assert {entry.address for entry in await house.log(withheld=True)} == {BRAM, DEWI}


async def test_another_spelling_of_an_address_is_the_same_person(house: House) -> None:
    """An objection binds every spelling of the same mailbox (research A8)."""
    await house.consent(ANNA)
    await house.record({"email": ANNA, "kind": "objection"})

    for spelling in ("ANNA@EXAMPLE.ORG", '"anna"@example.org', "Anna@Example.Org"):
        await house.submit(spelling)

    assert house.smarthost.messages == []
    assert [entry.reason for entry in await house.log()] == ["objected"] * 3
