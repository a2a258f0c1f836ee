"""Promise: nobody hears 250 for a copy whose own 250 was never read (RFC 1047), and the doubt is on record.

The choice for the retry: what became of the copy is unknown, so the person is decided on afresh and, if the
law still lets it, mailed again; a duplicate is better than a loss (RFC 5321 section 6.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from gateway.envelope import Stage
from tests.doubles import RecordingSmarthost
from tests.house import ANNA, BRAM, House

Deed = Callable[[RecordingSmarthost], None]
LOST: dict[str, Deed] = {
    "never answers": lambda it: it.hang(Stage.DOT, times=1),
    "takes it and hangs": lambda it: it.hang(Stage.DOT, times=1, accepted=True),
    "takes it and resets": lambda it: it.reset(Stage.DOT, times=1, accepted=True),
    "takes it and closes": lambda it: it.close(Stage.DOT, times=1, accepted=True),
    "takes it and answers garbage": lambda it: it.garble(
        Stage.DOT, b"\xff\0 250\r\n", times=1, accepted=True
    ),
    "takes it and answers half": lambda it: it.garble(Stage.DOT, b"250 2.0.0 Ta", times=1, accepted=True),
    "takes it and answers 250-": lambda it: it.garble(Stage.DOT, b"250-2.0.0\r\n", times=1, accepted=True),
}


@pytest.mark.parametrize("lose", LOST.values(), ids=LOST)
async def test_a_lost_answer_is_unknown_and_the_retry_is_relayed_again(
    open_house: Callable[..., object], lose: Deed
) -> None:
    """451 and fate unknown, however the answer was lost; the retry is decided afresh and relayed (B1)."""
    house: House = await open_house(smarthost_timeout=0.5)  # type: ignore[misc]
    await house.consent(ANNA)
    lose(house.smarthost)

    lost = await house.submit(ANNA)
    taken_before = house.smarthost.delivered.copy()
    again = await house.submit(ANNA)

    assert (lost[0], lost[1].split()[0]) in [(451, "4.4.2"), (451, "4.4.5")]
    assert (again[0], again[1].split()[2]) == (250, "relayed=1")
    assert house.smarthost.delivered == [*taken_before, ANNA]
    assert [entry.fate for entry in await house.log()] == ["unknown", "relayed"]


async def test_a_late_250_changes_nothing_on_record(open_house: Callable[..., object]) -> None:
    """A 250 that comes after the wait for it ended is not read: the fate stays unknown (B1)."""
    house: House = await open_house(smarthost_timeout=0.5)  # type: ignore[misc]
    await house.consent(ANNA)
    gate = house.smarthost.hold(Stage.DOT, times=1)

    late = await house.submit(ANNA)
    gate.release()
    await house.smarthost.arrived(1)
    await house.consent(BRAM)
    other = await house.submit(BRAM, category="invoice")

    assert (late[0], other[0]) == (451, 250)
    assert [entry.fate for entry in await house.log()] == ["unknown", "relayed"]


async def test_an_objection_stops_the_retry_of_a_lost_answer(open_house: Callable[..., object]) -> None:
    """The retry is decided afresh: who objected meanwhile is not mailed again (B1, L11)."""
    house: House = await open_house()  # type: ignore[misc]
    await house.consent(ANNA)
    house.smarthost.close(Stage.DOT, times=1, accepted=True)

    await house.submit(ANNA)
    await house.record({"email": ANNA, "kind": "objection"})
    code, text = await house.submit(ANNA)

    assert (code, text.split()[2:4]) == (250, ["relayed=0", "withheld=1"])
    assert house.smarthost.delivered == [ANNA]


async def test_only_the_doubtful_copy_is_repeated(house: House) -> None:
    """Of two copies one is answered and one is lost: the retry repeats the lost one alone (B1, B4)."""
    await house.consent(ANNA, BRAM)
    house.smarthost.reset(Stage.DOT, recipient=BRAM, times=1, accepted=True)

    first = await house.submit(ANNA, BRAM)
    second = await house.submit(ANNA, BRAM)

    assert (first[0], second[0], second[1].split()[2]) == (451, 250, "relayed=2")
    assert sorted(house.smarthost.delivered) == [ANNA, BRAM, BRAM]


async def test_a_batch_of_lost_answers_at_once(house: House) -> None:
    """Ten clients whose answers are lost at once each hear 451, and each retry is relayed (B1)."""
    people = [f"reader{number}@example.org" for number in range(10)]
    await house.consent(*people)
    house.smarthost.close(Stage.DOT, times=10, accepted=True)

    lost = await asyncio.gather(*(house.submit(person) for person in people))
    again = await asyncio.gather(*(house.submit(person) for person in people))

    assert {code for code, _ in lost} == {451}
    assert {code for code, _ in again} == {250}
    assert sorted(house.smarthost.delivered) == sorted(people * 2)
