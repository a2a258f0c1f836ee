"""Confirming by mail: who is written to, what a link says, and what a click puts on record (L1, L2, L11)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.address import parse
from gateway.config import Config, load
from gateway.confirming import Confirmed, Confirming
from gateway.keys import Keys
from gateway.law.decision import Send, decide
from gateway.law.evidence import Consent, Notice, Objection, Withdrawal
from gateway.law.standing import standing_of
from gateway.mail.signature import Signer, new_key
from gateway.objecting import Objecting
from gateway.ports import Filters, LogPage, NewEvidence, StoreUnavailableError
from gateway.post import Post
from gateway.texts import LANGUAGES
from tests.house import written
from tests.memory import MemoryLedger, StandingClock
from tests.relaying import SETUP, Hop
from tests.test_tokens import KEYS

KIM = parse("Kim@example.org")
PAGE = "https://gateway.test.example/subscribe/club"
EXTRA = """
[[controller]]
id = "bakkerij"
name = "Bakkerij <De Korst>"
postal_address = "Markt 1, 9000 Gent"
contact = "privacy@korst.example"
privacy_policy_url = "https://korst.example/privacy"
privacy_policy_mentions_marketing = true
country = "NL"
mail_from = "info@korst.example"
[[category]]
id = "club"
formerly = ["circle"]
controller = "bakkerij"
title = "clubnieuws"
purpose = "marketing"
double_opt_in = true
[[category]]
id = "bank"
controller = "bakkerij"
title = "aanbiedingen van de bank"
purpose = "marketing"
double_opt_in = true
advertiser = "De Bank"
[[category]]
id = "picks"
controller = "bakkerij"
title = "tips op maat"
purpose = "marketing"
double_opt_in = true
profiled = true
"""


@dataclass
class MemoryLog:
    """A journal that has decisions on some people, or is down."""

    mailed: set[tuple[str, bytes]] = field(default_factory=set)
    down: bool = False

    async def page(self, filters: Filters, after: int, most: int) -> LogPage:
        """As ports.Log.page."""
        if self.down:
            raise StoreUnavailableError("the disk is full")
        (person,) = filters.people or ()
        return LogPage((object(),) if person in self.mailed else (), None)  # type: ignore[arg-type]


@dataclass
class Desk:
    """A story of confirming over a ledger, a log and a next hop in memory."""

    config: Config
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    log: MemoryLog = field(default_factory=MemoryLog)
    keys: Keys = KEYS
    clock: StandingClock = field(default_factory=StandingClock)
    hop: Hop = field(default_factory=lambda: Hop([]))

    def __post_init__(self) -> None:
        async def sent(_decision: int) -> None:
            return None

        signers = {"korst.example": [Signer("korst.example", "s1", new_key("ed25519"))]}
        self.objecting = Objecting(
            self.ledger, sent, self.keys, self.config.controllers, self.config.categories, self.clock
        )
        self.confirming = Confirming(
            self,  # type: ignore[arg-type]
            self.objecting,
            Post("confirmation", self.hop, signers, self.clock),
            iter(range(1, 1000)).__next__,
            pause=lambda: 0.0,
        )

    async def ask(self, *categories: str, language: str = "nl", address: str = KIM.wire) -> bool:
        """Ask for consent, and wait for the letter."""
        topics = self.confirming.topics([self.config.categories[one] for one in categories], language)
        done = self.confirming.ask(parse(address), "bakkerij", topics, language=language, page=PAGE)
        await self.confirming.finished()
        return done

    async def ask_objection(self, address: str = KIM.wire) -> bool:
        """Ask for an objection, and wait for the letter."""
        done = self.confirming.ask_objection(parse(address), "bakkerij", language="nl", page=PAGE)
        await self.confirming.finished()
        return done

    @property
    def message(self) -> EmailMessage:
        """The last letter, as a reader has it."""
        return message_from_bytes(self.hop.sent[-1][2], policy=policy.default)  # type: ignore[return-value]

    @property
    def token(self) -> str:
        """The token of the link in the last letter."""
        return self.in_letter(self.message)

    def in_letter(self, message: EmailMessage) -> str:
        """The token of the link in a letter."""
        (found,) = re.findall(r"http://127.0.0.1:\d+/confirm/([\w-]+)\s", message.get_content())
        return str(found)

    async def click(self, token: str | None = None) -> Confirmed | None:
        """Press the button behind the link."""
        return await self.confirming.confirm(token or self.token)

    @property
    def rows(self) -> list[NewEvidence]:
        """What is on record."""
        return [row for _, row in self.ledger.rows]

    @property
    def person(self) -> bytes:
        """Kim, as the bakery's records name her."""
        return self.keys.hash("bakkerij", KIM.comparable)

    def refuse(self, fact: Objection | Withdrawal) -> None:
        """Kim refuses by another way."""
        row = NewEvidence("bakkerij", self.person, fact, bytes([len(self.rows)]) * 16)
        self.ledger.rows.append((len(self.ledger.rows) + 1, row))


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a configuration."""
    return partial(written, tmp_path)


@pytest.fixture
def desk(write: Callable[..., Path]) -> Desk:
    """The ordinary one."""
    return Desk(load(write(2525, extra=EXTRA), {}))


# --- the letter


async def test_the_letter_says_who_asks_for_what_and_how_to_say_yes(desk: Desk) -> None:
    """From the controller, signed, in the words shown, with the link, and what to do if it was not you."""
    assert await desk.ask("club")

    ((sender, recipient, content, smtputf8),) = desk.hop.sent
    assert (sender, recipient, smtputf8) == ("info@korst.example", "Kim@example.org", False)
    assert content.startswith(b"DKIM-Signature: ")
    assert content.isascii()
    assert desk.message["From"].addresses[0].display_name == "Bakkerij <De Korst>"
    assert desk.message["Auto-Submitted"] == "auto-generated"
    assert desk.message["List-Unsubscribe"] is None
    assert re.sub(r"/confirm/\S+", "/confirm/TOKEN", desk.message.get_content().replace("\r\n", "\n")) == (
        "Iemand, waarschijnlijk jijzelf, heeft Bakkerij <De Korst> voor dit adres gevraagd om:\n"
        "\n"
        "– Ja, Bakkerij <De Korst> mag mij clubnieuws per e-mail sturen. Ik kan dit altijd weer intrekken.\n"
        "\n"
        "Klopt dat? Open dan binnen 7 dagen deze link en druk op de knop:\n"
        f"{desk.config.gateway.public_url}/confirm/TOKEN\n"
        "\n"
        "Was jij dit niet? Dan hoef je niets te doen: zolang niemand het bevestigt, verandert er niets.\n"
        "\n"
        "Bakkerij <De Korst>\n"
        "Markt 1, 9000 Gent\n"
        "Contact: privacy@korst.example\n"
        "Privacyverklaring: https://korst.example/privacy\n"
    )


@pytest.mark.parametrize("language", LANGUAGES)
async def test_it_speaks_the_readers_language(desk: Desk, language: str) -> None:
    """Not the controller's: whoever signs up on a French page gets a French letter."""
    await desk.ask("club", "bank", language=language)

    worded = [desk.confirming.wording(desk.config.categories[one], language) for one in ("club", "bank")]
    text = desk.message.get_content()
    assert all(f"– {one.text}" in text for one in worded)
    assert "De Bank" in text


async def test_nothing_is_on_record_by_asking(desk: Desk) -> None:
    """Nor after the letter has left: only a click counts."""
    await desk.ask("club")
    desk.log.mailed.add(("bakkerij", desk.person))
    await desk.ask_objection()

    assert len(desk.hop.sent) == 2
    assert desk.rows == []


async def test_an_objection_is_mailed_to_whoever_is_on_record_alone(desk: Desk) -> None:
    """In the ledger or the journal of this controller; others get nothing, and the answer is the same."""
    strangers = [await desk.ask_objection(f"{name}@example.org") for name in "abc"]
    desk.log.mailed.add(("shop", desk.keys.hash("shop", KIM.comparable)))
    of_another = await desk.ask_objection()
    assert desk.hop.sent == []

    desk.log.mailed.add(("bakkerij", desk.person))
    in_the_journal = await desk.ask_objection()
    desk.log.mailed.clear()
    desk.refuse(Objection(id=1, occurred_at=desk.clock.now(), recorded_at=desk.clock.now()))
    in_the_ledger = await desk.ask_objection()

    assert desk.hop.served == ["Kim@example.org"] * 2
    assert strangers == [of_another] * 3 == [in_the_journal] * 3 == [in_the_ledger] * 3


async def test_nobody_can_be_flooded(desk: Desk) -> None:
    """Three letters an hour to one address for one controller, however it is spelled; others get theirs."""
    asked = [
        await desk.ask("club"),
        await desk.ask("club"),
        await desk.ask("bank", address="KIM@example.ORG"),
    ]

    assert (asked, await desk.ask("club")) == ([True] * 3, False)
    assert await desk.ask("club", address="lee@example.org")
    assert len(desk.hop.sent) == 4

    desk.clock.advance(hours=1)
    assert await desk.ask("club")


async def test_no_sign_up_in_somebodys_name_keeps_them_from_objecting(desk: Desk) -> None:
    """Objections have three letters of their own, whose links all object (L11)."""
    desk.log.mailed.add(("bakkerij", desk.person))
    assert [await desk.ask("club") for _ in range(4)] == [True] * 3 + [False]

    assert [await desk.ask_objection() for _ in range(4)] == [True] * 3 + [False]
    assert len(desk.hop.sent) == 6


async def test_what_cannot_be_sent_is_logged_without_an_address(desk: Desk) -> None:
    """A next hop or a store that is down: a line with a reference, and nothing that says who."""
    desk.hop.fault = SETUP
    desk.log.down = True

    with capture_logs() as logged:
        await desk.ask("club")
        await desk.ask_objection()

    assert [line["event"] for line in logged] == ["confirmation.not-sent"] * 2
    assert "example.org" not in str(logged).lower()


async def test_asking_waits_for_nobody(desk: Desk) -> None:
    """The page is answered while the letter waits for the next hop."""
    desk.hop.open.clear()
    topics = desk.confirming.topics([desk.config.categories["club"]], "nl")

    assert desk.confirming.ask(KIM, "bakkerij", topics, language="nl", page=PAGE)
    await desk.hop.begun.wait()
    assert desk.hop.sent == []

    desk.hop.open.set()
    await desk.confirming.finished()
    assert desk.hop.served == ["Kim@example.org"]


async def test_consent_is_to_something(desk: Desk) -> None:
    """Asking for nothing is a mistake of the caller, and never an objection."""
    with pytest.raises(ValueError, match="something"):
        await desk.ask()


async def test_a_controller_without_a_mailbox_cannot_ask(desk: Desk) -> None:
    """And says so before."""
    assert desk.confirming.can_mail("bakkerij")
    assert not desk.confirming.can_mail("shop")


# --- the click


async def test_a_click_is_a_consent_with_its_proof(desk: Desk) -> None:
    """The words shown, their version, where and when it was asked; its times are the click's (L2)."""
    asked_at = desk.clock.now()
    await desk.ask("club")
    desk.clock.advance(days=2)

    confirmed = await desk.click()

    now = desk.clock.now()
    (row,) = desk.rows
    wording = desk.confirming.wording(desk.config.categories["club"], "nl")
    assert confirmed is not None
    assert (confirmed.new, confirmed.at, confirmed.refused) == (True, now, False)
    assert row.fact == Consent(
        id=0, occurred_at=now, recorded_at=now, category="club", proven=True, confirmed_at=now
    )
    assert (row.controller, row.person) == ("bakkerij", desk.person)
    assert row.details == {
        "address": "Kim@example.org",
        "source": f"double opt-in, asked on {PAGE}",
        "wording": wording.text,
        "wording_version": wording.version,
        "language": "nl",
        "requested_at": asked_at.isoformat(),
    }


async def test_each_topic_is_a_consent_by_itself(desk: Desk) -> None:
    """Two boxes, two rows, each in its own words; one names the other company that it is for (L1, L8)."""
    await desk.ask("club", "bank")
    await desk.click()

    assert [row.fact.category for row in desk.rows if isinstance(row.fact, Consent)] == ["club", "bank"]
    assert [row.fact.third_party for row in desk.rows if isinstance(row.fact, Consent)] == [
        frozenset(),
        frozenset({"de bank"}),
    ]
    assert desk.rows[1].details["third_party"] == ("De Bank",)
    assert desk.rows[0].details["wording"] != desk.rows[1].details["wording"]


async def test_whoever_agrees_to_a_profile_was_told_of_it(desk: Desk) -> None:
    """A profiled category says so in its words, and that notice goes on record too, once (L19)."""
    await desk.ask("club", "picks")
    await desk.click()
    await desk.click()

    assert [type(row.fact) for row in desk.rows] == [Consent, Consent, Notice]
    (_, consent, notice) = desk.rows
    assert notice.fact == Notice(
        id=0,
        occurred_at=desk.clock.now(),
        recorded_at=desk.clock.now(),
        subject="profiling",
        version=consent.details["wording_version"],
    )
    assert notice.details["wording"] == consent.details["wording"]
    assert "profiel" in notice.details["wording"]
    assert decide_now(desk, "picks")


def decide_now(desk: Desk, category: str) -> bool:
    """Whether the law lets a mail of this category reach Kim now."""
    facts = [replace(row.fact, id=number) for number, row in desk.ledger.rows]
    known = frozenset(desk.config.categories)
    decision = decide(
        desk.config.categories[category],
        desk.config.controllers["bakkerij"],
        "email",
        standing_of(facts, known_categories=known),
        desk.clock.now(),
    )
    return isinstance(decision, Send)


async def test_the_words_are_those_that_were_shown(desk: Desk, write: Callable[..., Path]) -> None:
    """What the configuration or the texts say by the time of the click changes nothing."""
    await desk.ask("club")
    shown = desk.confirming.wording(desk.config.categories["club"], "nl")
    later = Desk(load(write(2525, extra=EXTRA.replace("clubnieuws", "van alles")), {}))

    await later.click(desk.token)

    assert later.rows[0].details["wording"] == shown.text


async def test_one_link_confirms_once(desk: Desk) -> None:
    """Again, or many at the same time: one row, and the time that it was first on record."""
    await desk.ask("club")
    first = desk.clock.now()
    await asyncio.gather(*(desk.click() for _ in range(5)))
    desk.clock.advance(hours=1)

    again = await desk.click()

    assert len(desk.rows) == 1
    assert again is not None
    assert (again.new, again.at, again.refused) == (False, first, False)


@pytest.mark.parametrize(
    ("refusal", "refused"),
    [
        (lambda now: Objection(id=9, occurred_at=now, recorded_at=now), True),
        (lambda now: Objection(id=9, occurred_at=now, recorded_at=now, scope="category:circle"), True),
        (lambda now: Objection(id=9, occurred_at=now, recorded_at=now, scope="channel:email"), True),
        (lambda now: Objection(id=9, occurred_at=now, recorded_at=now, scope="category:bank"), False),
        (lambda now: Objection(id=9, occurred_at=now, recorded_at=now, scope="channel:phone"), False),
        (lambda now: Withdrawal(id=9, occurred_at=now, recorded_at=now), True),
        (lambda now: Withdrawal(id=9, occurred_at=now, recorded_at=now, category="club"), True),
        (lambda now: Withdrawal(id=9, occurred_at=now, recorded_at=now, category="bank"), False),
    ],
)
async def test_a_used_link_lifts_no_later_refusal(
    desk: Desk, refusal: Callable[[datetime], Objection | Withdrawal], refused: bool
) -> None:
    """Who objected or withdrew since the click is not signed up again by it, and is told so."""
    await desk.ask("club")
    await desk.click()
    desk.clock.advance(hours=1)
    desk.refuse(refusal(desk.clock.now()))
    desk.clock.advance(hours=1)

    again = await desk.click()

    assert again is not None
    assert (again.new, again.refused) == (False, refused)
    assert len(desk.rows) == 2


async def test_asked_anew_after_a_refusal_it_is_a_new_consent(desk: Desk) -> None:
    """The first click after the refusal counts, for its time is its own (L4, L11)."""
    await desk.ask("club")
    await desk.click()
    desk.clock.advance(hours=1)
    desk.refuse(Withdrawal(id=9, occurred_at=desk.clock.now(), recorded_at=desk.clock.now()))
    desk.clock.advance(seconds=1)

    await desk.ask("club")
    confirmed = await desk.click()

    assert confirmed is not None
    assert (confirmed.new, confirmed.refused) == (True, False)
    assert [type(row.fact) for row in desk.rows] == [Consent, Withdrawal, Consent]


async def test_a_click_on_an_objection_objects_to_all_marketing(desk: Desk) -> None:
    """By the page, at the time of the click, to the address it came to; again it is no other row."""
    desk.log.mailed.add(("bakkerij", desk.person))
    await desk.ask_objection()
    desk.clock.advance(days=1)

    first, second = await desk.click(), await desk.click()

    (row,) = desk.rows
    assert row.fact == Objection(
        id=0, occurred_at=desk.clock.now(), recorded_at=desk.clock.now(), scope="marketing"
    )
    assert row.details == {"address": "Kim@example.org", "via": "page"}
    assert first is not None
    assert second is not None
    assert (first.new, second.new, second.at) == (True, False, first.at)


async def test_an_objection_outlives_its_controllers_configuration(
    desk: Desk, write: Callable[..., Path]
) -> None:
    """A controller that was removed meanwhile is objected to all the same (L11)."""
    desk.log.mailed.add(("bakkerij", desk.person))
    await desk.ask_objection()
    later = Desk(load(write(2525), {}))

    confirmed = await later.click(desk.token)

    assert confirmed is not None
    assert confirmed.about.controller is None
    assert [row.controller for row in later.rows] == ["bakkerij"]


async def test_a_consent_to_what_is_gone_is_dead(desk: Desk, write: Callable[..., Path]) -> None:
    """A category that was removed is consented to no more; one that was renamed is."""
    await desk.ask("club")
    gone = Desk(load(write(2525), {}))
    renamed = EXTRA.replace('id = "club"', 'id = "members"').replace('["circle"]', '["club"]')
    known = Desk(load(write(2525, extra=renamed), {}))

    assert await gone.click(desk.token) is None
    assert await known.click(desk.token) is not None
    assert (len(gone.rows), len(known.rows)) == (0, 1)


async def test_after_a_week_a_link_is_dead(desk: Desk) -> None:
    """As is one that was never ours; neither puts anything on record."""
    await desk.ask("club")
    desk.clock.advance(days=7)

    assert desk.confirming.about(desk.token) is None
    assert await desk.click() is None
    assert await desk.click("forged") is None
    assert desk.rows == []


async def test_a_store_that_is_down_confirms_nothing(desk: Desk) -> None:
    """It raises, and the link works once the store is back (I3, I4)."""
    await desk.ask("club")
    desk.ledger.down = True
    with pytest.raises(StoreUnavailableError):
        await desk.click()

    desk.ledger.down = False
    confirmed = await desk.click()

    assert confirmed is not None
    assert confirmed.new
