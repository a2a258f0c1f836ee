"""Ids rise, never repeat, and have a reference that people can read aloud."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ids import Ids, first_at, from_ref, ref, time_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
_MOMENTS = st.timedeltas(timedelta(0), timedelta(days=60 * 365)).map(
    lambda since: datetime(2025, 1, 1, tzinfo=UTC) + since
)


@given(st.lists(_MOMENTS, min_size=1, max_size=50), st.integers(0, 10**6))
def test_ids_of_a_writer_only_rise(moments: list[datetime], writer: int) -> None:
    """Whatever the clock does, each id is greater than the one before and fits 63 bits."""
    times = iter(moments)
    ids = Ids(writer, lambda: next(times))
    made = [ids.next() for _ in moments]
    assert made == sorted(set(made))
    assert 0 <= made[0] <= made[-1] < 1 << 63


def test_a_full_millisecond_borrows_from_the_next() -> None:
    """Five thousand ids asked for within one millisecond all differ."""
    ids = Ids(7, lambda: NOW)
    assert len({ids.next() for _ in range(5000)}) == 5000


def test_two_writers_never_make_the_same_id() -> None:
    """At the same instants, two writers' ids are disjoint."""
    one, other = Ids(1, lambda: NOW), Ids(2, lambda: NOW)
    assert not {one.next() for _ in range(3000)} & {other.next() for _ in range(3000)}


@given(_MOMENTS)
def test_an_id_is_found_by_its_time(moment: datetime) -> None:
    """No id made at a moment is below first_at of that moment, nor reaches that of the next millisecond."""
    made = Ids(4095, lambda: moment).next()
    assert first_at(moment) <= made < first_at(moment + timedelta(milliseconds=1))


@given(st.integers(0, (1 << 63) - 1), st.integers(0, (1 << 63) - 1))
def test_a_reference_names_its_id(one: int, other: int) -> None:
    """A reference leads back to its id, in capitals too, and sorts as the ids do."""
    assert from_ref(ref(one)) == from_ref(f" {ref(one).upper()} ") == one
    assert len(ref(one)) == 13
    assert (ref(one) < ref(other)) == (one < other)


@pytest.mark.parametrize("text", ["", "0" * 12, "0" * 14, "u" * 13, "z" * 13, "0000000000-00", "é" * 13])
def test_what_is_no_reference_is_refused(text: str) -> None:
    """Wrong lengths, letters outside the alphabet and numbers over 63 bits are no references."""
    with pytest.raises(ValueError, match="not a reference"):
        from_ref(text)


@given(_MOMENTS, st.integers(0, 10**6))
def test_an_id_says_when_it_was_made(moment: datetime, writer: int) -> None:
    """To the millisecond, whoever made it."""
    made = time_of(Ids(writer, lambda: moment).next())
    assert timedelta(0) <= moment - made < timedelta(milliseconds=1)
