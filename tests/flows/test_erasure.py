"""A person asks to be forgotten, while the gateway is at work (GDPR 17, L25, I7)."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.address import parse
from gateway.config import load
from gateway.erasing import Erased, erase, foreseen
from gateway.intake import RowsRejectedError, record, record_together
from gateway.law.evidence import Withdrawal
from tests.house import ANNA, BRAM, NEWSLETTER, House, link_of, parsed

IDN = "Kim.O'Neil@bücher.example"
SECRETS = ("the kitchen table form", "Ja, graag Kims post", "192.0.2.77", "order-KIM-4711")
FIND = """
import json, sys
from pathlib import Path
folder, needles = Path(sys.argv[1]), [bytes.fromhex(one) for one in sys.argv[2:]]
print(json.dumps([
    [path.name, needle.decode("utf-8", "replace")]
    for path in sorted(folder.rglob("*")) if path.is_file()
    for needle in needles if needle.lower() in path.read_bytes().lower()
]))
"""


def spellings(address: str) -> list[bytes]:
    """Every way in which a file might spell an address."""
    mailbox = parse(address)
    plain = {address, mailbox.wire, mailbox.comparable}
    octets = [one.encode() for one in plain]
    return [
        *octets,
        *(one.hex().encode() for one in octets),
        *(base64.b64encode(one).rstrip(b"=")[:-1] for one in octets),
        *(json.dumps(one)[1:-1].encode() for one in plain),
        mailbox.local_part.encode(),
    ]


def found_in(house: House, *needles: bytes) -> list[list[str]]:
    """Which files of the state directory hold what; looked for by another process.

    One that closes a file of a database loses the locks it has there.
    """
    state = house.config.gateway.state_dir
    done = subprocess.run(
        [sys.executable, "-c", FIND, str(state), *(one.hex() for one in needles)],
        capture_output=True,
        check=True,
    )
    answer: list[list[str]] = json.loads(done.stdout)
    return answer


async def forget(house: House, address: str, **settings: Any) -> Erased:
    """Erase, and see that it was ended."""
    done = await erase(house.gateway.rooms, "shop", parse(address), "olga", **settings)
    assert done.complete
    return done


def proof(address: str, **changes: object) -> dict[str, object]:
    """A consent with details of every kind."""
    source, wording, ip, reference = SECRETS
    return {
        "email": address,
        "kind": "consent",
        "category": "newsletter",
        "occurred_at": "2026-11-01T12:00:00+01:00",
        "source": source,
        "wording": wording,
        "wording_version": "1",
        "ip": ip,
        "reference": reference,
    } | changes


def purchase(address: str, **changes: object) -> dict[str, object]:
    """A purchase on which the newsletter may be sent."""
    return {
        "email": address,
        "kind": "purchase",
        "product_group": "bread",
        "occurred_at": "2026-11-02T12:00:00+01:00",
        "source": "till",
        "reference": "R-1",
        "optout_offered_at": "2026-11-02T12:00:00+01:00",
        "optout_offered_how": "tick box",
    } | changes


def numbered(number: int) -> bytes:
    """The newsletter, as a message of its own."""
    return NEWSLETTER.replace(b"week47", b"week%d" % number)


@pytest.mark.parametrize("address", ["kim.visser@example.org", IDN])
async def test_no_file_holds_a_byte_of_the_person_any_more(house: House, address: str) -> None:
    """When erase returns, no file of the state directory spells the address or any detail, while mail of
    others flows and theirs is in the journal too."""
    wire = parse(address).wire
    await house.record(proof(wire), purchase(wire, reference=SECRETS[3]))
    await house.consent(ANNA)
    if wire.isascii():
        for number in range(5):
            code, _ = await house.submit(wire, ANNA, message=numbered(number))
            assert code == 250
    needles = [*spellings(address), *(one.encode() for one in SECRETS)]
    assert found_in(house, *needles)

    mail = asyncio.gather(*(house.submit(ANNA, message=numbered(90 + number)) for number in range(5)))
    done = await forget(house, address)
    assert found_in(house, *needles) == []
    assert done.evidence == 2
    assert all(code == 250 for code, _ in await mail)
    assert found_in(house, ANNA.encode())


REFUSALS: list[dict[str, object]] = [
    {"kind": "objection"},
    {"kind": "objection", "scope": "category:newsletter"},
    {"kind": "objection", "scope": "channel:email"},
    {"kind": "withdrawal", "category": "newsletter"},
    {"kind": "withdrawal"},
    {"kind": "purchase", "optout_used": True, "product_group": "bread", "source": "till"},
]


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda one: "-".join(map(str, one.values())))
async def test_who_refused_stays_refused(house: House, refusal: dict[str, object]) -> None:
    """Erase, import the old file again, send again: still withheld, for each kind of refusal."""
    rows = [
        proof(BRAM),
        purchase(BRAM),
        {"email": BRAM, "occurred_at": "2026-11-10T12:00:00+01:00"} | refusal,
    ]
    await house.record(*rows)
    await forget(house, BRAM)
    await record(house.gateway.rooms, "shop", rows, house.clock.now())
    await house.submit(BRAM, message=numbered(1))
    house.clock.move(timedelta(hours=1))
    await house.record(purchase(BRAM, occurred_at="2026-11-21T13:30:00+01:00", reference="R-2"))
    await house.submit(BRAM, message=numbered(2))
    assert house.smarthost.messages == []
    assert {entry.decision for entry in await house.log()} == {"withhold"}


async def test_without_proof_nothing_permits_mail(house: House) -> None:
    """Who had consented or bought, and never refused, gets no marketing either once that is erased (L2)."""
    await house.record(proof(BRAM), purchase(BRAM))
    assert (await house.submit(BRAM, message=numbered(1)))[0] == 250
    assert len(house.smarthost.messages) == 1
    await forget(house, BRAM)
    await house.submit(BRAM, message=numbered(2))
    assert len(house.smarthost.messages) == 1
    assert (await house.log())[-1].reason == "consent-withdrawn"


@pytest.mark.parametrize("listed", [True, False])
async def test_the_register_permits_no_call_to_whom_was_erased(house: House, *, listed: bool) -> None:
    """That somebody was not listed proves nothing once its source is gone (L28, pack nl-2019)."""
    at = "2026-11-01T12:00:00+01:00"
    await house.record(
        {"email": BRAM, "kind": "register", "listed": listed, "occurred_at": at, "source": "Bel-me-niet"}
    )
    await forget(house, BRAM)
    person = house.gateway.rooms.keys.hash("shop", parse(BRAM).comparable)
    facts = await house.gateway.rooms.ledger.evidence("shop", person)
    assert any(isinstance(fact, Withdrawal) for fact in facts) is not listed


async def test_a_consent_given_after_the_erasure_counts(house: House) -> None:
    """Older evidence is rejected wherever it comes in; a newer proven consent is taken and reopens."""
    await house.record(proof(BRAM), {"email": BRAM, "kind": "objection"})
    await forget(house, BRAM)
    older = proof(BRAM, occurred_at="2026-11-21T13:00:00+01:00")  # the very instant of the erasure
    report = await record(house.gateway.rooms, "shop", [older, proof(ANNA)], house.clock.now())
    assert (report.imported, report.rejected) == (1, 1)
    with pytest.raises(RowsRejectedError, match="row 1: older than the erasure of this person"):
        await record_together(house.gateway.rooms, "shop", [proof(ANNA, wording_version="2"), older])
    house.clock.move(timedelta(hours=1))
    newer = proof(BRAM, occurred_at="2026-11-21T13:30:00+01:00")
    assert (await record(house.gateway.rooms, "shop", [newer], house.clock.now())).imported == 1
    await house.submit(BRAM, message=numbered(1))
    assert len(house.smarthost.messages) == 1


async def test_the_link_in_mail_sent_before_still_works(house: House) -> None:
    """The unsubscribe link of an erased person records the objection, without any address."""
    await house.record(proof(BRAM))
    await house.submit(BRAM)
    (copy,) = house.smarthost.messages
    await forget(house, BRAM)
    assert await house.click(link_of(copy)) == 200
    assert found_in(house, *spellings(BRAM)) == []
    house.clock.move(timedelta(hours=1))
    assert parsed(copy)["List-Unsubscribe-Post"]


async def test_a_legal_term_keeps_what_it_needs(open_house: Callable[..., Any], write_config: Any) -> None:
    """A purchase within its legal term keeps source and reference, until when and why is told; the address,
    also where the source spells it, and free text go, here and from every file."""
    house: House = await open_house()
    retention = (
        '[retention.purchase]\nkeep_at_least_days = 2555\nkeep_at_most_days = 2920\nreason = "tax law"\n'
    )
    kept_terms = load(write_config(house.smarthost.port, retention), {}).retention
    house.config.retention.update(kept_terms)
    telling = purchase(BRAM, source="https://shop.example/?who=bram%40example.org", reference="R-2")
    await house.record(purchase(BRAM, optout_offered_how="said so to Bram"), telling)
    told = await foreseen(house.gateway.rooms, "shop", parse(BRAM))
    done = await forget(house, BRAM)
    assert done == told  # and looking ahead changed nothing
    assert [dict(one.details) for one in done.kept] == [
        {"source": "till", "reference": "R-1"},
        {"reference": "R-2"},
    ]
    assert {(one.until.date().isoformat(), one.reason) for one in done.kept} == {("2033-10-31", "tax law")}
    assert found_in(house, *spellings(BRAM), b"bram%40", b"said so to") == []
    assert found_in(house, b"R-1")
    again = await forget(house, BRAM)
    assert [one.evidence for one in again.kept] == [one.evidence for one in done.kept]
