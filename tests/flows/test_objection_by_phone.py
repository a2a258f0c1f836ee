"""Promise: an objection that an officer takes by phone binds the very next message."""

from __future__ import annotations

from tests.flows.conftest import house  # noqa: F401 -- the office is of one
from tests.house import ANNA, BRAM, NEWSLETTER
from tests.web.admin.conftest import Office, hashed, office  # noqa: F401 -- fixtures


async def test_the_next_message_is_withheld(office: Office) -> None:  # noqa: F811 -- the fixture
    """Mailed; the officer records the objection and is told so; the next is withheld, others are mailed."""
    await office.house.consent(ANNA, BRAM)
    officer = await office.signed_in("olga", "officer")
    assert "relayed=2" in (await office.house.submit(ANNA, BRAM))[1]

    told = await officer.post(
        "/admin/people/object", address="Anna@Example.ORG", scope="marketing", via="phone"
    )
    _, reply = await office.house.submit(ANNA, BRAM, message=NEWSLETTER.replace(b"week47", b"week48"))

    assert "The objection is on record" in told.text
    assert "relayed=1 withheld=1" in reply
    assert [(entry.address, entry.reason) for entry in await office.house.log(withheld=True)] == [
        (ANNA, "objected")
    ]
