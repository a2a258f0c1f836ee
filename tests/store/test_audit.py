"""What operators did is evidence too: chained, verified, in the dossier, and ended as the law asks."""

from __future__ import annotations

from pathlib import Path

from gateway.store.opening import Store
from tests.store.given import SetClock, person
from tests.store.proofs import found

KIM = person("kim")


async def noted(store: Store, clock: SetClock) -> None:
    """One act about Kim, one about nobody."""
    await store.audit.record(
        "olga", "show-dossier", clock.at, "shop", KIM.hash, {"address": "kim@example.org"}
    )
    await store.audit.record("olga", "revoke-operator", clock.forward(minutes=1), details={"of": "otto"})


async def test_acts_are_read_newest_first_and_verify(store: Store, clock: SetClock, path: Path) -> None:
    """Each with its operator, what it was and about whom; verify finds nothing amiss."""
    await noted(store, clock)

    revoked, shown = await store.audit.page(None, 10)

    assert (shown.operator, shown.what, shown.controller) == ("olga", "show-dossier", "shop")
    assert (shown.person, shown.details) == (KIM.hash, {"address": "kim@example.org"})
    assert (revoked.controller, revoked.person, revoked.details) == ("", None, {"of": "otto"})
    assert list(await store.audit.page(revoked.id, 10)) == [shown]
    assert list(await store.audit.page(None, 1)) == [revoked]
    assert found(path) == []


async def test_an_act_about_a_person_is_in_their_dossier(store: Store, clock: SetClock) -> None:
    """Who saw or changed what is held on them is held on them too (GDPR 15)."""
    await noted(store, clock)

    held = await store.dossiers.of("shop", KIM.hash)

    assert [(one.act, (one.stored.details or {})["what"]) for one in held.acts] == [
        ("operator", "show-dossier")
    ]


async def test_an_act_about_a_person_loses_its_details_with_them(
    store: Store, clock: SetClock, path: Path
) -> None:
    """Erasure takes the details, the row stays, and verify knows why; acts about nobody stay as they are."""
    await noted(store, clock)
    held = await store.erasure.held("shop", KIM.hash, clock.forward(minutes=1))
    await store.erasure.begin("shop", KIM.hash, clock.at, {"operator": "olga"}, None)
    await store.erasure.erase("shop", KIM.hash, clock.at, held, [])

    erased, revoked, shown = await store.audit.page(None, 10)

    assert (erased.what, erased.operator) == ("erase", "olga")
    assert (shown.what, shown.operator, shown.details) == ("operator", "", None)
    assert revoked.details == {"of": "otto"}
    assert found(path) == []


async def test_acts_end_with_the_term_of_the_audit(store: Store, clock: SetClock, path: Path) -> None:
    """Retention takes their details as of its class audit, and verify knows why."""
    await noted(store, clock)
    due = [one.id async for one in store.retention.acts() if one.kind == "audit"]
    assert len(due) == 2

    await store.retention.end_acts("audit", due, clock.at)

    retention, *rest = await store.audit.page(None, 10)
    assert (retention.what, retention.operator) == ("retention", "")
    assert [one.details for one in rest] == [None, None]
    assert found(path) == []
