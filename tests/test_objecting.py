"""The story from a link, or a spoken word, to an objection on record (L11, I3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway import ids
from gateway.address import parse
from gateway.keys import Keys
from gateway.law.category import Category, Controller
from gateway.law.evidence import Consent, Objection
from gateway.law.packs import PACKS
from gateway.objecting import About, Choice, Objecting, Recorded, checked_scope
from gateway.ports import NewEvidence, Sent, StoreUnavailableError
from gateway.tokens import Token, seal
from tests.memory import MemoryLedger, StandingClock

KEYS = Keys(bytes(range(32)), {1: bytes(range(64))})
BAKERY = Controller(id="bakery", name="Bakery", pack=PACKS["nl"])
BUTCHER = Controller(id="butcher", name="Butcher", pack=PACKS["nl"])
NEWS = Category(
    id="news", controller="bakery", title="News", purpose="marketing", formerly=frozenset({"old-news"})
)
KIM = parse("Kim@example.org")
PERSON = KEYS.hash("bakery", KIM.comparable)
ON_CONSENT = Token(decision=77, person=PERSON, controller="bakery", category="news", consent=True)
TO_CUSTOMER = replace(ON_CONSENT, consent=False)
SENT = Sent(controller="bakery", person=PERSON, category="news", ground="consent", address="Kim@example.org")


class World:
    """The story on a ledger in memory, and a journal of one row."""

    def __init__(
        self, *, controllers=(BAKERY, BUTCHER), categories=(NEWS,), sent: Sent | None = SENT
    ) -> None:
        self.ledger = MemoryLedger()
        self.clock = StandingClock()
        self.sent = sent
        self.journal_down = False
        self.confirmed: list[tuple[Recorded, str]] = []
        self.objecting = Objecting(
            self.ledger,
            self.look_up,
            KEYS,
            {each.id: each for each in controllers},
            {each.id: each for each in categories},
            self.clock,
            lambda recorded, address: self.confirmed.append((recorded, address)),
        )

    async def look_up(self, decision: int) -> Sent | None:
        """The journal's row of decision 77."""
        if self.journal_down:
            raise StoreUnavailableError
        return self.sent if decision == 77 else None

    async def click(self, token: Token = ON_CONSENT, choice: Choice = "default") -> Recorded:
        """One click on the token's link."""
        about = self.objecting.about(seal(token, KEYS))
        assert about
        return await self.objecting.object(about, choice=choice, via="one-click")

    @property
    def rows(self) -> list[NewEvidence]:
        """What is on record."""
        return [row for _, row in self.ledger.rows]

    @property
    def scopes(self) -> list[str]:
        """The scopes objected to, oldest first."""
        return [row.fact.scope for row in self.rows if isinstance(row.fact, Objection)]


@pytest.mark.parametrize(
    ("token", "choice", "scope"),
    [
        (ON_CONSENT, "default", "category:news"),
        (TO_CUSTOMER, "default", "marketing"),
        (ON_CONSENT, "marketing", "marketing"),
        (TO_CUSTOMER, "category", "category:news"),
        (ON_CONSENT, "profiling", "profiling"),
        (replace(ON_CONSENT, category="old-news"), "default", "category:old-news"),
    ],
)
async def test_a_click_objects_to_what_the_message_stood_on(token: Token, choice: Choice, scope: str) -> None:
    """By itself a click ends the category asked for, or all marketing of a customer; a choice can differ."""
    world = World()

    recorded = await world.click(token, choice)

    assert recorded == Recorded(1, new=True, controller="bakery", scope=scope, at=world.clock.present)
    assert world.scopes == [scope]


async def test_the_row_says_who_how_and_from_which_message() -> None:
    """The objection names controller and person, and its details carry address, way and message."""
    world = World()

    await world.click()

    (row,) = world.rows
    assert (row.controller, row.person) == ("bakery", PERSON)
    assert row.fact == Objection(
        id=0, occurred_at=world.clock.present, recorded_at=world.clock.present, scope="category:news"
    )
    assert row.details == {
        "via": "one-click",
        "message_reference": ids.ref(77),
        "address": "Kim@example.org",
    }


async def test_fifty_clicks_are_one_row_with_its_first_time() -> None:
    """Clicking again, also on another message's link, adds nothing and tells when it was first recorded."""
    world = World()
    first = await world.click()
    assert first is not None
    world.clock.advance(hours=1)

    later = [await world.click(replace(ON_CONSENT, decision=number)) for number in range(77, 127)]

    assert later == [replace(first, new=False)] * 50
    assert len(world.rows) == 1


async def test_a_click_after_a_newer_consent_binds_again() -> None:
    """An old link still ends what was asked for again since, and never begins anything (research C11)."""
    world = World()
    await world.click()
    world.clock.advance(days=1)
    now = world.clock.present
    consent = Consent(id=0, occurred_at=now, recorded_at=now, category="news", proven=True)
    await world.ledger.append([NewEvidence("bakery", PERSON, consent, b"consent of kim  ")])
    world.clock.advance(days=1)

    recorded = await world.click()

    assert recorded is not None
    assert recorded.new
    assert recorded.at == now + timedelta(days=1)
    assert world.scopes == ["category:news", "category:news"]


@pytest.mark.parametrize(
    ("sent", "scope"), [(replace(SENT, category="gone"), "category:gone"), (None, "marketing")]
)
async def test_a_removed_category_is_named_by_the_journal_or_widens(sent: Sent | None, scope: str) -> None:
    """A category the configuration forgot is looked up; forgotten there too, all marketing is meant."""
    world = World(sent=sent)

    await world.click(replace(ON_CONSENT, category="gone"))

    assert world.scopes == [scope]


async def test_a_removed_controller_is_named_by_the_journal() -> None:
    """The objection is kept for a controller that the configuration no longer has."""
    world = World(controllers=(BUTCHER,), categories=())

    recorded = await world.click()

    assert recorded is not None
    assert recorded.controller == "bakery"


async def test_what_cannot_be_found_again_is_not_acknowledged() -> None:
    """Known to neither configuration nor journal: better no answer than a promise that cannot be kept."""
    world = World(controllers=(), categories=(), sent=None)

    with pytest.raises(StoreUnavailableError):
        await world.click()
    assert world.rows == []


async def test_an_erased_person_can_still_object() -> None:
    """After erasure the link works, and brings no address back."""
    world = World(sent=replace(SENT, address=""))

    recorded = await world.click()

    assert recorded is not None
    assert recorded.new
    assert "address" not in world.rows[0].details


@pytest.mark.parametrize("sent", [replace(SENT, person=b"x" * 16), replace(SENT, controller="butcher")])
async def test_a_journal_row_of_someone_else_is_not_used(sent: Sent) -> None:
    """A row that does not fit the token (a journal put back from elsewhere) lends no address (I8)."""
    world = World(sent=sent)

    recorded = await world.click()

    assert recorded is not None
    assert recorded.controller == "bakery"
    assert "address" not in world.rows[0].details


async def test_an_objection_does_not_need_the_journal() -> None:
    """With the journal out of reach the objection is recorded from the token alone."""
    world = World()
    world.journal_down = True

    await world.click()

    assert world.scopes == ["category:news"]
    assert "address" not in world.rows[0].details


async def test_a_store_that_fails_is_never_passed_over() -> None:
    """What was not committed is not acknowledged (I3)."""
    world = World()
    world.ledger.down = True

    with pytest.raises(StoreUnavailableError):
        await world.click()


@pytest.mark.parametrize(
    "text", ["", "x" * 72, "../etc/passwd", seal(ON_CONSENT, Keys(KEYS.person, {1: bytes(64)}))]
)
def test_a_forged_token_is_nothing(text: str) -> None:
    """A token we did not seal is about nothing, so that nothing can be recorded by it."""
    world = World()

    assert world.objecting.about(text) is None
    assert world.rows == []


def test_looking_changes_and_reads_nothing() -> None:
    """What a link is about is known from the token and the configuration alone."""
    world = World()
    world.ledger.down = world.journal_down = True

    renamed, removed = replace(ON_CONSENT, category="old-news"), replace(ON_CONSENT, controller="gone")
    abouts = [
        world.objecting.about(seal(token, KEYS)) for token in (ON_CONSENT, TO_CUSTOMER, renamed, removed)
    ]
    assert abouts == [
        About(ON_CONSENT, BAKERY, NEWS),
        About(TO_CUSTOMER, BAKERY, NEWS),
        About(renamed, BAKERY, NEWS),
        About(replace(removed, controller=""), None, NEWS),
    ]
    assert [about.choice for about in abouts if about] == ["category", "marketing", "category", "category"]


async def test_a_spoken_objection_is_recorded_for_every_controller() -> None:
    """By telephone, one row for each controller, each under that controller's own name for the person."""
    world = World()

    recorded = await world.objecting.object_address(
        parse("kim@EXAMPLE.org"), ["bakery", "butcher"], scope="marketing", via="phone", operator="Robin"
    )

    assert [each.controller for each in recorded] == ["bakery", "butcher"]
    assert [row.person for row in world.rows] == [PERSON, KEYS.hash("butcher", KIM.comparable)]
    assert world.rows[0].details == {"address": "kim@EXAMPLE.org", "via": "phone", "operator": "Robin"}


async def test_a_category_of_one_controller_is_all_marketing_of_another() -> None:
    """The id may one day be another's category: their objection must not shrink to it (law.md section 3)."""
    world = World()

    recorded = await world.objecting.object_address(
        KIM, ["bakery", "butcher"], scope="category:old-news", via="phone", operator="Robin"
    )

    assert [each.scope for each in recorded] == world.scopes == ["category:old-news", "marketing"]


async def test_a_spoken_objection_after_a_click_is_a_fact_of_its_own() -> None:
    """Who took the call and under which reference stays on record; the same call entered twice does not."""
    world = World()
    await world.click(TO_CUSTOMER)

    for _ in range(2):
        await world.objecting.object_address(
            KIM, ["bakery"], scope="marketing", via="phone", operator="Robin", reference="call 12"
        )

    assert world.scopes == ["marketing", "marketing"]
    assert world.rows[1].details["reference"] == "call 12"


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("marketing", "marketing"),
        ("profiling", "profiling"),
        ("category:news", "category:news"),
        ("category:old-news", "category:old-news"),
        ("channel:sms", "channel:sms"),
        ("category:unheard-of", "marketing"),
        ("channel:pigeon", "marketing"),
        ("category:", "marketing"),
        ("profiling:news", "marketing"),
        ("everything", "marketing"),
        ("", "marketing"),
    ],
)
def test_an_unknown_scope_means_all_marketing(text: str, scope: str) -> None:
    """A scope that nobody knows is read in the widest way (law.md section 3)."""
    assert checked_scope(text, {"news", "old-news"}) == scope


async def test_what_is_recorded_new_is_confirmed_to_the_address_on_record() -> None:
    """One receipt for each objection of each controller (L31), and none for a repeat."""
    world = World()

    first = await world.click()
    await world.click()
    spoken = await world.objecting.object_address(
        KIM, ["bakery", "butcher"], scope="marketing", via="phone", operator="jo"
    )

    assert world.confirmed == [(first, KIM.wire), *((one, KIM.wire) for one in spoken)]


@pytest.mark.parametrize("sent", [None, replace(SENT, address=""), replace(SENT, person=b"another person..")])
async def test_nothing_is_confirmed_without_an_address_on_record(sent: Sent | None) -> None:
    """A link carries no address; where the journal knows none, or it was erased, nobody can be written to."""
    world = World(sent=sent)

    assert await world.click() is not None
    assert world.confirmed == []


async def test_nothing_is_confirmed_that_is_not_on_record() -> None:
    """A store that fails leaves no receipt for an objection that it did not take."""
    world = World()
    world.ledger.down = True

    with pytest.raises(StoreUnavailableError):
        await world.click()
    assert world.confirmed == []
