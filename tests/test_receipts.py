"""Receipts for objections: who gets one, what it says, and that it never stands in anybody's way (L31)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage

import pytest
from structlog.testing import capture_logs

from gateway import post as module
from gateway.address import parse
from gateway.law.category import Controller
from gateway.law.evidence import Consent, Evidence, Objection, Withdrawal
from gateway.law.packs import PACKS
from gateway.mail.signature import Signer, new_key
from gateway.objecting import Recorded, refused
from gateway.ports import NewEvidence
from gateway.post import identity
from gateway.receipts import Receipts, Sender
from gateway.texts import texts
from tests.memory import MemoryLedger, StandingClock
from tests.relaying import DEFERRED, SETUP, Hop

AT = datetime(2026, 11, 21, 18, 17, tzinfo=UTC)
BAKKERIJ = Controller(
    id="bakkerij",
    name='Bakkerij "De Korst"',
    pack=PACKS["be"],
    postal_address="Markt 1, 9000 Gent",
    privacy_policy_url="https://korst.example/privacy",
    contact="privacy@korst.example",
)
TITLES = {("bakkerij", "news"): "de nieuwsbrief", ("slagerij", "meat"): "vlees"}
KIM = "Kim@example.org"
PERSON = b"the hash of kim."


class Post:
    """Receipts of one bakery, and the next hop they go to."""

    def __init__(self, controller: Controller = BAKKERIJ, mail_from: str = "info@korst.example") -> None:
        self.hop = Hop([])
        signers = {"korst.example": [Signer("korst.example", "s1", new_key("ed25519"))]}
        clock = StandingClock(AT)
        self.ledger = MemoryLedger()
        self.receipts = Receipts(
            {controller.id: Sender(controller, parse(mail_from))},
            TITLES,
            self.ledger,
            module.Post("receipt", self.hop, signers, clock),
            clock,
            "gw.example",
        )

    async def on_record(self, *facts: Evidence) -> None:
        """Put facts of Kim's on record, the last of which is then confirmed."""
        for number, fact in enumerate(facts):
            await self.ledger.append([NewEvidence("bakkerij", PERSON, fact, bytes([number] * 16))])
        last = facts[-1]
        assert isinstance(last, Objection | Withdrawal)
        number = len(self.ledger.rows)
        self.receipts.send(
            Recorded(number, new=True, controller="bakkerij", scope=refused(last), at=AT, person=PERSON), KIM
        )
        await self.receipts.finished()

    async def confirm(self, scope: str = "marketing", to: str = KIM, controller: str = "bakkerij") -> None:
        """Confirm one objection, and wait for what comes of it."""
        recorded = Recorded(id=7, new=True, controller=controller, scope=scope, at=AT)
        self.receipts.send(recorded, to)
        await self.receipts.finished()

    @property
    def message(self) -> EmailMessage:
        """The one receipt sent, as a reader has it."""
        ((_, _, content, _),) = self.hop.sent
        return message_from_bytes(content, policy=policy.default)  # type: ignore[return-value]


def text_of(message: EmailMessage) -> str:
    content: str = message.get_content()
    return content.replace("\r\n", "\n")


async def test_a_receipt_says_what_is_on_record_and_who_sends_it() -> None:
    """From and to whom, since when, that it comes once, the sender's address and policy; signed, no reply."""
    post = Post()

    await post.confirm()

    ((sender, recipient, content, smtputf8),) = post.hop.sent
    message = post.message
    assert (sender, recipient, smtputf8) == ("info@korst.example", KIM, False)
    assert content.isascii()
    assert content.startswith(b"DKIM-Signature: ")
    assert message["From"].addresses[0].display_name == BAKKERIJ.name
    assert message["From"].addresses[0].addr_spec == "info@korst.example"
    assert (message["To"], message["Subject"]) == (KIM, "Je bezwaar is vastgelegd")
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["Date"].datetime == AT
    assert text_of(message) == (
        'Vanaf nu stuurt Bakkerij "De Korst" je geen reclame meer.\n'
        "Vastgelegd op 2026-11-21 18:17:00 UTC.\n"
        "\n"
        'Je krijgt dit bericht één keer, omdat de wet Bakkerij "De Korst" vraagt je bezwaar te bevestigen. '
        "Je hoeft niets te doen.\n"
        "\n"
        'Bakkerij "De Korst"\n'
        "Markt 1, 9000 Gent\n"
        "Contact: privacy@korst.example\n"
        "Privacyverklaring: https://korst.example/privacy\n"
    )


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ("marketing", "geen reclame meer"),
        ("category:news", "geen de nieuwsbrief meer"),
        ("category:gone", "geen reclame meer"),
        ("category:meat", "geen reclame meer"),
        ("profiling", "geen profiel"),
        ("channel:phone", "langs die weg geen reclame"),
    ],
)
async def test_each_scope_is_told_as_it_binds(scope: str, said: str) -> None:
    """A category nobody knows any more, or of another controller (I8), binds as all marketing."""
    post = Post()

    await post.confirm(scope)

    assert said in text_of(post.message).splitlines()[0]


def test_a_french_letter_leaves_a_blank_before_its_colons() -> None:
    """Who sends it, labelled as French has it."""
    shop = Controller(
        id="b", name="B", pack=PACKS["be"], contact="b@b.example", privacy_policy_url="https://b.example/"
    )
    said = "B\nContact : b@b.example\nPolitique de confidentialité : https://b.example/"
    assert identity(shop, texts("fr")) == said
    assert identity(shop, texts("en")).splitlines()[1] == "Contact: b@b.example"


@pytest.mark.parametrize("language", ["nl", "fr", "de", "en"])
async def test_each_language_and_any_name(language: str) -> None:
    """Words and names beyond ASCII go out as ASCII and are read as they are."""
    name = "Crème & Brûlée, " + "très longue maison " * 6
    controller = Controller(id="bakkerij", name=name.strip(), pack=PACKS["be"], language=language)
    post = Post(controller)

    await post.confirm()

    content = post.hop.sent[0][2]
    shown = message_from_bytes(content)["From"]
    assert content.isascii()
    assert str(make_header(decode_header(shown))) == f"{controller.name} <info@korst.example>"
    assert controller.name in text_of(post.message)
    assert not text_of(post.message).rstrip("\n").endswith(":")
    assert max(map(len, content.split(b"\r\n"))) <= 998


async def test_another_controller_confirms_nothing() -> None:
    """A controller whose law asks for no receipt, or who has no mailbox to send from, sends none."""
    post = Post()

    await post.confirm(controller="slagerij")

    assert post.hop.sent == []


def objection(scope: str = "marketing") -> Objection:
    return Objection(id=0, occurred_at=AT, recorded_at=AT, scope=scope)


def withdrawal(category: str = "all") -> Withdrawal:
    return Withdrawal(id=0, occurred_at=AT, recorded_at=AT, category=category)


def consent(*, proven: bool = True) -> Consent:
    return Consent(id=0, occurred_at=AT, recorded_at=AT, category="news", proven=proven)


@pytest.mark.parametrize(
    ("before", "scope", "sent"),
    [
        ([], "marketing", 1),
        ([consent()], "marketing", 1),
        ([objection()], "marketing", 0),
        ([objection()], "category:news", 0),
        ([objection("category:news")], "category:news", 0),
        ([objection("category:news")], "marketing", 1),
        ([objection("category:news")], "category:bread", 1),
        ([objection("channel:sms")], "channel:email", 1),
        ([objection(), consent()], "marketing", 1),
        ([objection(), consent(proven=False)], "marketing", 0),
        ([objection(), consent(), objection()], "marketing", 0),
    ],
)
async def test_what_stood_already_is_not_confirmed_again(
    before: list[Evidence], scope: str, sent: int
) -> None:
    """Who objected to it, or to all marketing, was told so; but not of what a proven consent came before."""
    post = Post()

    await post.on_record(*before, objection(scope))

    assert len(post.hop.sent) == sent


@pytest.mark.parametrize(
    ("before", "withdrawn", "sent"),
    [
        ([], "all", 1),
        ([withdrawal()], "all", 0),
        ([withdrawal()], "news", 0),
        ([withdrawal("news")], "news", 0),
        ([withdrawal("news")], "all", 1),
        ([objection()], "news", 0),
        ([objection("category:news")], "news", 0),
        ([withdrawal("news"), consent()], "news", 1),
    ],
)
async def test_a_withdrawal_is_confirmed_unless_any_refusal_stood(
    before: list[Evidence], withdrawn: str, sent: int
) -> None:
    """It says as well that no more advertising is wanted (RD 4 April 2003 art. 2)."""
    post = Post()

    await post.on_record(*before, withdrawal(withdrawn))

    assert len(post.hop.sent) == sent


async def test_an_objection_is_confirmed_though_consent_was_withdrawn_before() -> None:
    """What was withdrawn by a file, or by an erasure, was confirmed to nobody."""
    post = Post()

    await post.on_record(withdrawal(), objection())

    assert len(post.hop.sent) == 1


async def test_a_ledger_that_cannot_be_read_confirms_nothing() -> None:
    """Whether it stood already cannot be told: a receipt is best effort, and never one too many."""
    post = Post()
    post.ledger.down = True

    await post.confirm()

    assert post.hop.sent == []


async def test_an_address_beyond_ascii_goes_out_where_that_is_taken() -> None:
    """Declared as SMTPUTF8, or not sent at all (RFC 6531 section 3.4)."""
    taken, not_taken = Post(), Post()
    not_taken.hop.takes_smtputf8 = False

    await taken.confirm(to="jürgen@example.org")
    await not_taken.confirm(to="jürgen@example.org")

    assert [(to, smtputf8) for _, to, _, smtputf8 in taken.hop.sent] == [("jürgen@example.org", True)]
    assert not_taken.hop.sent == []


@pytest.mark.parametrize("fault", ["setup", "deferred", "address"])
async def test_what_fails_is_not_tried_again_and_hurts_nobody(fault: str) -> None:
    """A next hop that is down or says no, or an address that is none: a line in the log, without it."""
    post = Post()
    post.hop.fault = SETUP if fault == "setup" else None
    post.hop.answers = {KIM: DEFERRED}

    with capture_logs() as logged:
        await post.confirm(to="kim@@example.org" if fault == "address" else KIM)

    assert len(post.hop.sent) == (fault == "deferred")
    assert [(line["event"], line["evidence"]) for line in logged] == [("receipt.not-sent", 7)]
    assert "example.org" not in str(logged)


async def test_sending_returns_at_once_and_the_end_waits_for_it() -> None:
    """Nobody waits for a receipt but the gateway that stops, which lets it go first."""
    post = Post()
    post.hop.open.clear()
    post.receipts.send(Recorded(7, True, "bakkerij", "marketing", AT), KIM)
    await post.hop.begun.wait()

    ending = asyncio.create_task(post.receipts.finished())
    post.hop.open.set()
    await ending

    assert post.hop.served == [KIM]


async def test_the_end_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A receipt that the next hop does not take in time is given up."""
    monkeypatch.setattr(module, "DRAIN", 0.01)
    post = Post()
    post.hop.open.clear()

    await post.confirm()

    assert post.hop.sent == []


async def test_receipts_that_wait_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the next hop slow, memory does not grow with the objections."""
    monkeypatch.setattr(module, "MOST", 2)
    post = Post()
    post.hop.open.clear()
    for _ in range(5):
        post.receipts.send(Recorded(7, True, "bakkerij", "marketing", AT), KIM)
    await post.hop.begun.wait()
    post.hop.open.set()
    await post.receipts.finished()

    assert len(post.hop.sent) == 2
