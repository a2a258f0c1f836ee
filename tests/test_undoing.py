"""An objection pressed by mistake, undone on its own page: a consent in its own words (law.md section 2)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway import ids, sealing
from gateway.address import parse
from gateway.keys import Keys
from gateway.law.category import Category, Controller
from gateway.law.decision import Send, decide
from gateway.law.evidence import Consent, Withdrawal
from gateway.law.packs import PACKS
from gateway.law.record import Law
from gateway.law.standing import standing_of
from gateway.objecting import Choice, Objecting
from gateway.ports import NewEvidence, Sent, StoreUnavailableError
from gateway.tokens import Token, seal
from gateway.undoing import WITHIN, Offer, Undoing, Undone
from tests.confirming import Asked, Confirming
from tests.memory import MemoryLedger, StandingClock

KEYS = Keys(bytes(range(32)), {1: bytes(range(64))})
BAKERY = Controller(
    id="bakery",
    name="Bakery",
    pack=PACKS["nl"],
    postal_address="Markt 1",
    privacy_policy_url="https://bakery.example/privacy",
    privacy_policy_mentions_marketing=True,
)
NEWS = Category(id="news", controller="bakery", title="News", purpose="marketing")
OFFERS = replace(NEWS, id="offers", title="Offers")
PERSON = KEYS.hash("bakery", "kim@example.org")
ON_CONSENT = Token(decision=77, person=PERSON, controller="bakery", category="news", consent=True)
TO_CUSTOMER = replace(ON_CONSENT, consent=False)


class World:
    """The stories on a ledger in memory, and a journal of one row."""

    def __init__(self, news: Category = NEWS, *, address: str = "kim@example.org", keys: Keys = KEYS) -> None:
        self.ledger = MemoryLedger()
        self.clock = StandingClock()
        self.confirming = Confirming()
        self.categories = {"news": news, "offers": OFFERS}
        self.address = address
        self.keys = keys
        self.furnish()

    def furnish(self) -> None:
        """The stories anew, as after a change of configuration or keys."""
        controllers = {"bakery": BAKERY}
        self.objecting = Objecting(
            self.ledger, self._sent, self.keys, controllers, self.categories, self.clock
        )
        law = Law(controllers, self.categories)
        self.undoing = Undoing(self.objecting, self.ledger, self.confirming, law, self.keys, self.clock)

    async def _sent(self, _decision: int) -> Sent:
        return Sent("bakery", PERSON, "news", "consent", self.address)

    async def press(self, token: Token = ON_CONSENT, choice: Choice = "default") -> Offer | None:
        """The page's button, and what its answer offers."""
        link = seal(token, self.keys)
        about = self.objecting.about(link)
        assert about
        recorded = await self.objecting.object(about, choice=choice, via="page")
        return await self.undoing.offer(link, about, recorded, "en")

    async def undo(self, offer: Offer | None) -> Undone:
        """The button of the offer."""
        assert offer
        undone = await self.undoing.undo(offer.token)
        assert undone
        return undone

    async def undo_later(self, offer: Offer | None) -> None:
        """The same a minute from now, with success."""
        self.clock.advance(minutes=1)
        assert (await self.undo(offer)).outcome == "consented"

    async def may_come(self, category: str) -> bool:
        """Whether mail of a category may be sent now."""
        known = await self.ledger.evidence("bakery", PERSON)
        standing = standing_of(known, known_categories=frozenset(self.categories))
        decision = decide(self.categories[category], BAKERY, "email", standing, self.clock.now())
        return isinstance(decision, Send)

    @property
    def consents(self) -> list[Consent]:
        """Those on record, oldest first."""
        return [row.fact for _, row in self.ledger.rows if isinstance(row.fact, Consent)]


async def test_an_undo_is_a_consent_with_its_words() -> None:
    """From its own moment, with wording, version and source, for the link's category by e-mail alone."""
    world = World()
    offer = await world.press()
    world.clock.advance(minutes=14, seconds=59)

    undone = await world.undo(offer)

    assert (undone.outcome, undone.at) == ("consented", world.clock.present)
    (_, objection), (_, consent) = world.ledger.rows
    assert consent.fact == Consent(
        id=0,
        occurred_at=world.clock.present,
        recorded_at=world.clock.present,
        category="news",
        proven=True,
    )
    assert (consent.controller, consent.person) == (objection.controller, objection.person)
    assert consent.details == {
        "address": "kim@example.org",
        "source": "page",
        "wording": "[en] Yes, send me News.",
        "wording_version": "en-01234567",
        "language": "en",
        "reference": ids.ref(1),
    }
    assert await world.may_come("news")


async def test_later_it_is_too_late() -> None:
    """After 15 minutes nothing is recorded, and a page made then offers nothing."""
    world = World()
    offer = await world.press()
    world.clock.advance(minutes=15)

    assert (await world.undo(offer)).outcome == "late"
    assert await world.press() is None
    assert world.consents == []
    assert not await world.may_come("news")


async def test_after_stopping_everything_an_undo_is_for_its_own_category() -> None:
    """The objection to all marketing stands against every other category (law.md section 2)."""
    world = World()
    offer = await world.press(TO_CUSTOMER)
    world.clock.advance(minutes=1)

    await world.undo(offer)

    assert [row.category for row in world.consents] == ["news"]
    assert await world.may_come("news")
    assert not await world.may_come("offers")


async def test_the_same_undo_twice_is_one_consent() -> None:
    """Pressed again, it tells when it was recorded; an objection since then is not undone by it."""
    world = World()
    offer = await world.press()
    world.clock.advance(minutes=1)
    first = await world.undo(offer)
    world.clock.advance(minutes=1)

    assert (await world.undo(offer)).at == first.at
    assert len(world.consents) == 1

    await world.press()
    world.clock.advance(minutes=1)
    assert (await world.undo(offer)).outcome == "late"
    assert not await world.may_come("news")


async def test_a_refusal_made_since_stands() -> None:
    """Whoever stops everything from the page of a first objection has not asked for its undo."""
    world = World()
    offer = await world.press()
    world.clock.advance(minutes=1)
    await world.press(choice="marketing")
    world.clock.advance(minutes=1)

    assert (await world.undo(offer)).outcome == "late"
    assert world.consents == []


@pytest.mark.parametrize("refused", ["category:news", "marketing", "channel:email", "category:removed"])
async def test_an_older_refusal_is_not_undone_with_a_newer(refused: str) -> None:
    """Else whoever holds a forwarded mail could lift what its reader objected to long ago (L11)."""
    world = World()
    await world.objecting.object_address(
        parse("kim@example.org"), ["bakery"], scope=refused, via="phone", operator="Ann"
    )
    world.clock.advance(days=90)
    scope: Choice = "category" if refused == "marketing" else "marketing"

    assert await world.press(choice=scope) is None


async def test_an_older_withdrawal_is_not_undone_with_a_newer_objection() -> None:
    """It closes the category as an objection does (L4)."""
    world = World()
    at = world.clock.present
    await world.ledger.append(
        [NewEvidence("bakery", PERSON, Withdrawal(id=0, occurred_at=at, recorded_at=at), b"withdrawn")]
    )
    world.clock.advance(days=90)

    assert await world.press() is None


async def test_a_refusal_that_was_lifted_or_is_of_another_category_hinders_no_undo() -> None:
    """What this press alone took is given back."""
    world = World()
    await world.undo_later(await world.press())
    world.clock.advance(days=90)
    await world.objecting.object_address(
        parse("kim@example.org"), ["bakery"], scope="category:offers", via="phone", operator="Ann"
    )
    world.clock.advance(days=90)

    await world.undo_later(await world.press())

    assert await world.may_come("news")
    assert not await world.may_come("offers")


async def test_what_was_pressed_just_before_is_undone_with_it() -> None:
    """Who stops one thing, then everything, and thinks better of both."""
    world = World()
    await world.press()
    world.clock.advance(minutes=1)

    await world.undo_later(await world.press(choice="marketing"))

    assert await world.may_come("news")


async def test_a_double_press_of_the_objection_still_offers_its_undo() -> None:
    """A second press of the same button is answered with the time of the first, and the same way back."""
    world = World()
    first = await world.press()
    world.clock.advance(minutes=1)

    assert await world.press() == first


@pytest.mark.parametrize(
    "news",
    [replace(NEWS, purpose="service", ground="contract"), replace(NEWS, controller="butcher")],
    ids=["service", "of another controller"],
)
async def test_there_is_no_undo_without_a_category_to_consent_to(news: Category) -> None:
    """Consent is for a known category of marketing of this controller alone (L1, I8)."""
    assert await World(news).press() is None


async def test_there_is_no_undo_for_a_removed_category() -> None:
    """Neither offered, nor taken once the category is gone."""
    world = World()
    offer = await world.press()
    world.clock.advance(minutes=1)
    del world.categories["news"]
    world.furnish()

    assert (await world.undo(offer)).outcome == "late"
    assert await world.press() is None
    assert world.consents == []


async def test_words_that_were_not_shown_are_not_agreed_to() -> None:
    """Where the sentence changed between page and click, nothing is recorded."""
    world = World()
    offer = await world.press()
    world.clock.advance(minutes=1)
    world.confirming.version = "76543210"

    assert (await world.undo(offer)).outcome == "late"
    assert world.consents == []


async def test_a_category_with_double_opt_in_asks_by_mail() -> None:
    """The click sends the mail whose link gives the consent, and records nothing by itself."""
    world = World(replace(NEWS, double_opt_in=True))
    offer = await world.press()
    assert offer
    assert offer.mails

    assert (await world.undo(offer)).outcome == "mailed"

    assert world.confirming.asked == [Asked("kim@example.org", "bakery", ("news",), "en", "page")]
    assert world.consents == []


@pytest.mark.parametrize("lacking", ["address", "mailbox"])
async def test_who_cannot_be_mailed_is_offered_no_mail(lacking: str) -> None:
    """An erased address, or a controller with no mailbox to write from."""
    world = World(
        replace(NEWS, double_opt_in=True), address="" if lacking == "address" else "kim@example.org"
    )
    world.confirming.mails = lacking != "mailbox"

    assert await world.press() is None


async def test_an_erased_person_can_undo() -> None:
    """The consent is recorded without an address, under the same keyed hash."""
    world = World(address="")
    offer = await world.press()
    world.clock.advance(minutes=1)

    assert (await world.undo(offer)).outcome == "consented"
    assert "address" not in world.ledger.rows[1][1].details


async def test_consent_to_advertising_for_another_names_it() -> None:
    """Row 8 of the decision: else the consent would not serve (L8)."""
    world = World(replace(NEWS, advertiser="De Molen"))
    offer = await world.press()
    world.clock.advance(minutes=1)

    await world.undo(offer)

    assert world.consents[0].third_party == {"de molen"}
    assert world.ledger.rows[1][1].details["third_party"] == ("De Molen",)
    assert await world.may_come("news")


async def test_nothing_is_told_that_would_not_lift() -> None:
    """A clock that stands still or went back would make a consent no newer than the refusal."""
    world = World()
    offer = await world.press()

    with pytest.raises(StoreUnavailableError):
        await world.undo(offer)
    world.clock.advance(minutes=-5)
    with pytest.raises(StoreUnavailableError):
        await world.undo(offer)
    assert world.consents == []


async def test_a_store_that_fails_is_never_passed_over() -> None:
    """What was not committed is not told (I3)."""
    world = World()
    offer = await world.press()
    world.clock.advance(minutes=1)
    world.ledger.down = True

    with pytest.raises(StoreUnavailableError):
        await world.undo(offer)


async def test_an_undo_outlives_the_key_it_was_sealed_with() -> None:
    """A key retired in between opens what it sealed."""
    world = World()
    offer = await world.press()
    world.clock.advance(minutes=1)
    world.keys = Keys(KEYS.person, {**KEYS.token, 2: bytes(64)})
    world.furnish()

    assert (await world.undo(offer)).outcome == "consented"


async def test_forgeries_are_nothing() -> None:
    """Neither a changed character, nor a link's own token, nor what was sealed for another use."""
    world = World()
    offer = await world.press()
    assert offer
    world.clock.advance(minutes=1)
    link = seal(ON_CONSENT, KEYS)
    changed = [
        offer.token[:place] + ("A" if offer.token[place] != "A" else "B") + offer.token[place + 1 :]
        for place in range(len(offer.token))
    ]
    foreign = sealing.seal(bytes(100), Keys(KEYS.person, {1: bytes(64)}), b"undo")

    for forged in [*changed, link, "", offer.token[:-4], foreign, sealing.seal(bytes(100), KEYS, b"confirm")]:
        assert await world.undoing.undo(forged) is None
    assert world.consents == []


def test_the_time_is_the_contract_s() -> None:
    """Fifteen minutes."""
    assert timedelta(minutes=15) == WITHIN
