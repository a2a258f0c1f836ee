"""What report mode let through is counted from the tallies, by their key."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from gateway.store.opening import Store
from gateway.store.writer import PATIENCE
from tests.store.given import SetClock, objection, person, row, wave
from tests.store.statements import statements


async def test_relaxed_decisions_are_counted_by_login_and_reason(
    store: Store, clock: SetClock, path: Path
) -> None:
    """Those of these controllers since then; an objection, which is never relaxed, is none."""
    kim, noa, ana = person(), person("noa"), person("ana")
    await store.ledger.append([row(objection(clock.now()), kim)])
    began = clock.now()
    for number in (1, 2):
        reporting = wave(kim, noa, ana, message=f"m{number}", submission=number, report=True)
        await store.journal.decide(reporting, clock.now(), PATIENCE)
        clock.forward(minutes=90)
    await store.journal.decide(wave(noa, message="m3", submission=3), clock.now(), PATIENCE)

    with statements(store) as run:
        found = await store.relaxed.by_login(["shop", "rival"], began)
    (login,) = found

    assert found == {login: {"unknown-person": 4}}
    assert await store.relaxed.by_login(["shop"], began + timedelta(hours=1)) == {
        login: {"unknown-person": 2}
    }
    assert await store.relaxed.by_login(["rival"], began) == {}
    (plan,) = run.plans(path).values()
    assert any("SEARCH tallies USING PRIMARY KEY (controller=? AND hour>?)" in step for step in plan)
