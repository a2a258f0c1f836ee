"""Promise: a login in report mode shows what would be withheld, while refusals bind it all the same."""

from __future__ import annotations

from datetime import timedelta

from tests.house import ANNA, BRAM, House, link_of


async def test_what_would_be_withheld_is_relayed_and_recorded(house: House) -> None:
    """An unknown person gets the copy, with its way out; the log has the withhold and its reason."""
    code, text = await house.submit(ANNA, login="trial")

    (entry,) = await house.log()
    assert (code, "relayed=1" in text) == (250, True)
    assert (entry.decision, entry.reason, entry.fate) == ("withhold", "unknown-person", "relayed")
    assert link_of(house.smarthost.messages[0]).startswith(house.url)


async def test_an_objection_binds_report_mode(house: House) -> None:
    """Who objected gets nothing, in whatever mode (contract section 4, never relaxed)."""
    await house.record({"email": BRAM, "kind": "objection"})
    await house.submit(ANNA, login="trial")
    await house.click(link_of(house.smarthost.messages[0]))

    code, text = await house.submit(ANNA, BRAM, login="trial")

    assert (code, text.split()[2:]) == (250, ["relayed=0", "withheld=2", "refused=0"])


async def test_report_mode_ends_at_its_date(house: House) -> None:
    """After report_until the login enforces."""
    house.clock.move(timedelta(days=60))

    _, text = await house.submit(ANNA, login="trial")

    assert ("withheld=1" in text, house.smarthost.messages) == (True, [])
