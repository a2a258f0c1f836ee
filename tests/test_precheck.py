"""The story before a campaign: what would be decided on everybody of a list."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import pytest

from gateway.address import parse
from gateway.intake import RawRow
from gateway.keys import Keys
from gateway.law.category import Category, Controller
from gateway.law.decision import Decision, Send, Withhold
from gateway.law.evidence import Consent, Evidence, Objection
from gateway.law.packs import PACKS
from gateway.ports import NewEvidence, StoreUnavailableError
from gateway.precheck import PEOPLE, Checked, Mail, decisions_for, precheck
from tests.memory import MemoryLedger, StandingClock

KEYS = Keys(bytes(range(32)), {1: bytes(range(64))})
BAKERY = Controller(
    id="bakery",
    name="Bakery",
    pack=PACKS["be"],
    postal_address="Markt 1, Gent",
    privacy_policy_url="https://bakery.example/privacy",
    privacy_policy_mentions_marketing=True,
    impersonal_addresses=True,
)
NEWS = Category(id="news", controller="bakery", title="News", purpose="marketing")
MAIL = Mail(BAKERY, NEWS, "email", frozenset({"news"}))
NOW = StandingClock().now()


class Shelf:
    """A ledger in memory, read in bulk; counts the reads."""

    def __init__(self) -> None:
        self.ledger = MemoryLedger()
        self.reads: list[int] = []

    async def evidence_of_many(
        self, controller: str, people: Collection[bytes]
    ) -> Mapping[bytes, Sequence[Evidence]]:
        """As precheck.Records."""
        self.reads.append(len(people))
        found = {person: await self.ledger.evidence(controller, person) for person in people}
        return {person: rows for person, rows in found.items() if rows}

    async def put(self, address: str, fact: Evidence, controller: str = "bakery") -> None:
        """Put a fact on record."""
        person = KEYS.hash(controller, parse(address).comparable)
        content = f"{controller} {address} {fact}".encode()
        await self.ledger.append([NewEvidence(controller, person, fact, content)])


def consent(at: datetime = NOW) -> Consent:
    return Consent(id=0, occurred_at=at, recorded_at=at, category="news", proven=True)


def objection(at: datetime = NOW) -> Objection:
    return Objection(id=0, occurred_at=at, recorded_at=at)


def why(decision: Decision | None) -> str:
    """The ground or the reason."""
    assert decision is not None
    return decision.ground.value if isinstance(decision, Send) else decision.reason.value


async def checked(shelf: Shelf, rows: Iterator[RawRow]) -> list[Checked]:
    return [one async for one in precheck(shelf, KEYS, MAIL, rows, NOW)]


def rows_of(*emails: object) -> Iterator[RawRow]:
    return (RawRow(line, {"email": email}) for line, email in enumerate(emails, 1))


async def test_everybody_is_decided_on_by_their_own_evidence_in_order() -> None:
    """Each answer is that person's, however spelled, also twice; info@ counts where the pack says so."""
    shelf = Shelf()
    await shelf.put("anna@example.org", consent())
    await shelf.put("bram@example.org", consent(NOW - timedelta(days=1)))
    await shelf.put("bram@example.org", objection())
    addresses = ["bram@example.org", "Anna@EXAMPLE.org", "dewi@example.org", "info@example.org"]
    mailboxes = [parse(address) for address in [*addresses, "anna@example.org"]]

    decisions = await decisions_for(shelf, KEYS, MAIL, mailboxes, NOW)

    assert [why(one) for one in decisions] == [
        "objected",
        "consent",
        "unknown-person",
        "impersonal-address",
        "consent",
    ]
    assert decisions[0].evidence == (3,)
    assert decisions[0].article == BAKERY.pack.articles["objected"]


async def test_nothing_of_another_controller_counts() -> None:
    """A consent given to the butcher does not serve the bakery (I8)."""
    shelf = Shelf()
    await shelf.put("anna@example.org", consent(), controller="butcher")

    (decision,) = await decisions_for(shelf, KEYS, MAIL, [parse("anna@example.org")], NOW)

    assert why(decision) == "unknown-person"


async def test_an_objection_to_a_category_nobody_knows_binds_here_too() -> None:
    """The known categories are passed on: what the configuration does not know is all marketing."""
    shelf = Shelf()
    fact = Objection(id=0, occurred_at=NOW, recorded_at=NOW, scope="category:gone")
    await shelf.put("anna@example.org", fact)

    (decision,) = await decisions_for(shelf, KEYS, MAIL, [parse("anna@example.org")], NOW)

    assert why(decision) == "objected"


@pytest.mark.parametrize("count", [0, 1, PEOPLE, PEOPLE + 1, 3 * PEOPLE])
async def test_many_are_read_in_batches(count: int) -> None:
    """Any number of people gets an answer each, some hundred in one read."""
    shelf = Shelf()
    mailboxes = [parse(f"p{number}@example.org") for number in range(count)]

    assert len(await decisions_for(shelf, KEYS, MAIL, mailboxes, NOW)) == count
    assert len(shelf.reads) == -(-count // PEOPLE)
    assert max(shelf.reads, default=0) <= PEOPLE


async def test_a_line_that_is_no_address_is_rejected_and_the_rest_decided() -> None:
    """A slip, a blank, a number and a broken row are named with their lines; order is kept."""
    shelf = Shelf()
    await shelf.put("anna@example.org", consent())
    broken = RawRow(6, {"email": "anna@example.org"}, "has 3 cells, the header 2")

    answers = await checked(
        shelf, iter([*rows_of("kim@@example.org", " anna@example.org ", "", 7, None), broken])
    )

    assert [(one.line, one.address, bool(one.fault)) for one in answers] == [
        (1, "kim@@example.org", True),
        (2, "anna@example.org", False),
        (3, "", True),
        (4, "7", True),
        (5, "", True),
        (6, "anna@example.org", True),
    ]
    assert [one.line for one in answers if isinstance(one.decision, Send | Withhold)] == [2]


async def test_a_list_is_never_held_whole() -> None:
    """Memory does not grow with the list: answers come while rows are still unread."""
    taken = 0

    def endless() -> Iterator[RawRow]:
        nonlocal taken
        while True:
            taken += 1
            yield RawRow(taken, {"email": f"p{taken}@example.org"})

    answers = precheck(Shelf(), KEYS, MAIL, endless(), NOW)
    for _ in range(2 * PEOPLE):
        await anext(answers)

    assert taken == 2 * PEOPLE


async def test_a_store_that_fails_gives_no_answer() -> None:
    """No decision is made up where the evidence cannot be read."""
    shelf = Shelf()
    shelf.ledger.down = True

    with pytest.raises(StoreUnavailableError):
        await checked(shelf, rows_of("anna@example.org"))
