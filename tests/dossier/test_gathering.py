"""What a dossier says: all that one controller holds on a person, and what it adds up to now."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from gateway.address import parse
from gateway.dossier.document import DossiersAsJson
from gateway.erasing import erase
from gateway.law.category import Controller
from gateway.law.packs import PACKS
from gateway.law.record import Law
from tests.dossier.conftest import ANNA, BRAM, CONSENT, PURCHASE, Desk, Made, faults, history

RunAtDesk = Callable[[Callable[[Desk], Awaitable[Any]]], Awaitable[Any]]


def shop(made: Made) -> Any:
    """The shop's section."""
    (section,) = made.document["sections"]
    return section


def test_who_is_responsible_is_named(anna: Made) -> None:
    """The controller, its address and contact, and the law it goes by (GDPR 13(1)(a)-(b))."""
    assert shop(anna)["controller"] == {
        "id": "shop",
        "name": "De Winkel",
        "postal_address": "Markt 1, 2611 GP Delft",
        "contact": "privacy@shop.example",
        "officer": "",
        "privacy_policy_url": "https://shop.example/privacy",
        "country": "NL",
        "on_behalf_of": None,
        "processing_agreement_date": None,
        "pack": "nl",
        "pack_version": PACKS["nl"].version,
        "law": PACKS["nl"].law,
    }


def test_every_piece_of_evidence_has_its_proof(anna: Made) -> None:
    """In order: facts whole, and beside them source, wording, version, address, IP, references, operator."""
    consent, purchase, objection = shop(anna)["evidence"]

    assert [one["kind"] for one in (consent, purchase, objection)] == ["consent", "purchase", "objection"]
    assert consent["occurred_at"] == "2026-02-01T08:30:00+00:00"
    assert consent["facts"] == {
        "corrects": None,
        "category": "newsletter",
        "proven": True,
        "channels": ["email"],
        "confirmed_at": "2026-02-01T08:35:00+00:00",
        "expires_at": None,
        "third_party": [],
    }
    said = ("source", "wording", "wording_version", "ip", "reference")
    assert consent["details"] == {name: CONSENT[name] for name in said} | {"address": ANNA}
    assert purchase["details"]["optout_offered_how"] == PURCHASE["optout_offered_how"]
    assert purchase["details"]["reference"] == "order-1"
    assert objection["details"] == {"address": ANNA, "via": "phone", "operator": "jo"}
    assert shop(anna)["refusals"] == [objection["id"]]


def test_standing_now_is_said_for_each_category_and_channel(anna: Made) -> None:
    """What would be decided now, with article and sentence: nothing but service mail, after an objection."""
    now = [(one["category"], one["channel"], one["ground"] or one["reason"]) for one in shop(anna)["now"]]

    assert now == [
        ("newsletter", "email", "objected"),
        ("offers", "email", "objected"),
        ("invoice", "email", "contract"),
        ("club", "email", "objected"),
        ("club", "sms", "objected"),
    ]
    assert {one["article"] for one in shop(anna)["now"]} == {"GDPR 6(1)(b)", "Tw 11.7(4), GDPR 21(2)-(3)"}


def test_every_decision_is_there_in_order_with_its_article(anna: Made) -> None:
    """Eight mails: seven before the objection, two after it; each with category, campaign and fate."""
    decisions = shop(anna)["decisions"]

    assert [(one["category"], one["ground"] or one["reason"], one["article"]) for one in decisions] == [
        *[("newsletter", "consent", "Tw 11.7(1)-(2), GDPR 6(1)(a)")] * 5,
        ("invoice", "contract", "GDPR 6(1)(b)"),
        ("newsletter", "objected", "Tw 11.7(4), GDPR 21(2)-(3)"),
        ("club", "objected", "Tw 11.7(4), GDPR 21(2)-(3)"),
    ]
    assert [one["fate"] and one["fate"]["fate"] for one in decisions] == [
        "relayed",
        "relayed",
        "refused",
        "relayed",
        "relayed",
        None,
        None,
        None,
    ]
    assert {one["login"] for one in decisions} == {"tool"}
    assert {one["details"]["campaign"] for one in decisions} == {"spring"}
    assert {one["details"]["message_id"] for one in decisions} == {"<1@shop.example>"}
    assert decisions[2]["fate"]["details"] == {"text": "we do not like you"}
    assert decisions == sorted(decisions, key=lambda one: one["decided_at"])


def test_mail_is_counted(anna: Made) -> None:
    """Passed on, refused, not known, withheld: one count each."""
    assert shop(anna)["mail"] == {"relayed": 4, "refused": 1, "deferred": 0, "unknown": 1, "withheld": 2}


def test_the_terms_that_apply_are_said_with_their_reasons(anna: Made) -> None:
    """Each class of which something is held; refusals have no term (L24)."""
    terms = {
        one["class"]: (one["rows"], one["keep_at_most_days"], one["reason"])
        for one in shop(anna)["retention"]
    }

    assert terms == {
        "consent": (1, 1825, "proof of consent"),
        "purchase": (1, None, None),
        "refusal": (1, None, None),
        "journal": (8, 730, "to answer complaints"),
        "audit": (1, None, None),
    }


def test_acts_about_the_person_are_told(anna: Made) -> None:
    """What an operator did, when and who."""
    (act,) = shop(anna)["acts"]

    assert (act["act"], act["details"]) == ("noted", {"operator": "jo"})


async def test_a_section_for_each_controller_and_none_of_another_in_it(run_at_desk: RunAtDesk) -> None:
    """The shop's section has nothing of the rival's, and the other way round (I8)."""

    async def work(desk: Desk) -> Any:
        await history(desk)
        return await desk.document(ANNA, "shop", "rival")

    body = await run_at_desk(work)
    ours, theirs = body["sections"]

    assert faults(body) == []
    assert ours["person"] != theirs["person"]
    assert {one["category"] for one in ours["decisions"]} == {"newsletter", "invoice", "club"}
    assert {one["category"] for one in theirs["decisions"]} == {"rumours"}
    assert len(theirs["evidence"]) == 2
    assert theirs["controller"]["on_behalf_of"] == "Moederbedrijf"
    assert theirs["controller"]["processing_agreement_date"] == "2025-01-02"
    assert not {"shop", "newsletter", "tool"} & set(str(theirs["evidence"]).split("'"))


async def test_nobody_else_is_in_it(run_at_desk: RunAtDesk) -> None:
    """Bram's mail went with Anna's; his dossier has his, hers has hers."""

    async def work(desk: Desk) -> tuple[Any, Any]:
        await history(desk)
        return await desk.document(BRAM), await desk.document(ANNA)

    bram, anna = await run_at_desk(work)

    assert faults(bram) == []
    assert BRAM not in str(anna)
    assert ANNA not in str(bram)
    assert len(bram["sections"][0]["decisions"]) == 6


async def test_of_nobody_there_is_an_empty_dossier_that_holds(run_at_desk: RunAtDesk) -> None:
    """It is signed too: that nothing is held is an answer (GDPR 15(1)); the API has none to give."""

    async def work(desk: Desk) -> tuple[Any, object]:
        await history(desk)
        body = await desk.document("nobody@example.org")
        return body, await DossiersAsJson(desk.place).of("shop", parse("nobody@example.org"))

    body, answer = await run_at_desk(work)

    assert faults(body) == []
    assert body["sections"][0]["evidence"] == body["sections"][0]["decisions"] == []
    assert answer is None


async def test_an_erased_person_has_a_dossier_of_what_stays(run_at_desk: RunAtDesk) -> None:
    """Rows without details, the refusals, and the act with what a legal term keeps and why; it verifies."""

    async def work(desk: Desk) -> Any:
        await history(desk)
        desk.clock.move(timedelta(hours=1))  # no copy is under way any more
        await erase(desk.place, "shop", parse(ANNA), "jo")
        return await desk.document()

    body = await run_at_desk(work)
    (section,) = body["sections"]
    body["address"] = ""  # it stands there because it was asked for

    assert faults(body)[1:] == []
    assert {one["erased"] for one in section["decisions"]} == {True}
    assert {(one["details"] or {}).get("address") for one in section["evidence"]} == {None}
    assert "erase" in {one["act"] for one in section["acts"]}
    assert ANNA not in str(body)


async def test_a_decision_under_an_older_pack_cites_that_packs_article(run_at_desk: RunAtDesk) -> None:
    """A pack that this version no longer has is read from the configuration put on record then."""
    old = replace(PACKS["nl"], version="0", articles={**PACKS["nl"].articles, "consent": "Tw (old) 11.7"})

    async def work(desk: Desk) -> Any:
        await desk.record(CONSENT)
        controllers: dict[str, Controller] = {
            name: replace(one, pack=old) for name, one in desk.place.config.controllers.items()
        }
        law = Law(controllers, desk.place.config.categories)
        digest = await desk.place.store.configurations.put_in_force(law, desk.clock.now())
        desk.place.journal.rests_on(digest)
        object.__setattr__(desk.place.config, "controllers", controllers)
        await desk.mail(ANNA)
        return await desk.document()

    body = await run_at_desk(work)
    (decision,) = body["sections"][0]["decisions"]

    assert (decision["pack_version"], decision["article"]) == ("0", "Tw (old) 11.7")


async def test_a_long_history_is_read_in_parts(run_at_desk: RunAtDesk, monkeypatch: Any) -> None:
    """Pages and spans of days that end anywhere lose no decision and give none twice."""
    from gateway.store import dossiers

    monkeypatch.setattr(dossiers, "PAGE", 3)
    monkeypatch.setattr(dossiers, "DAYS", 10)
    monkeypatch.setattr(dossiers, "AT_ONCE", 2)

    async def work(desk: Desk) -> tuple[list[int], Any]:
        await desk.record(CONSENT)
        made = []
        for mail in range(25):
            desk.clock.move(timedelta(days=mail % 4 * 5))
            made += await desk.mail(ANNA, submission=mail + 1)
        return made, await desk.document()

    made, body = await run_at_desk(work)

    assert [one["id"] for one in body["sections"][0]["decisions"]] == made
    assert faults(body) == []
