"""What a client sent and nobody has taken yet: bounded, uncopied, and ended truthfully."""

from __future__ import annotations

import asyncio

import pytest

from gateway.smtp.stream import READ_AHEAD, Stream

FAR = 1000.0  # seconds


class Valve(asyncio.Transport):
    """A transport of which only the reading is looked at."""

    reading = True

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True


@pytest.fixture
async def valve() -> Valve:
    """The transport of `stream`."""
    return Valve()


@pytest.fixture
async def stream(valve: Valve) -> Stream:
    """A stream whose connection has begun."""
    stream = Stream(asyncio.get_running_loop())
    stream.begin(valve)
    return stream


async def test_octets_come_out_as_they_went_in(stream: Stream) -> None:
    """All that came in is taken at once, in order; a single piece is the very same object."""
    piece = b"x" * 1000
    stream.feed(piece)
    assert stream.ready
    assert stream.take() is piece
    assert not stream.ready

    for octets in (b"a", b"b", b"c"):
        stream.feed(octets)
    assert stream.take() == b"abc"
    assert stream.take() == b""


async def test_who_sends_too_far_ahead_waits(stream: Stream, valve: Valve) -> None:
    """Beyond READ_AHEAD no more is read until what there is has been taken, once and again."""
    for _ in range(2):
        stream.feed(b"x" * READ_AHEAD)
        assert valve.reading
        stream.feed(b"x")
        stream.feed(b"what was under way already")
        assert not valve.reading
        stream.take()
        assert valve.reading


async def test_who_does_not_read_is_not_heard(stream: Stream) -> None:
    """While the client does not take our replies, its commands wait, and nothing ends the wait but time."""
    stream.feed(b"NOOP\r\n")
    stream.turn(stuck=True)
    assert not stream.ready
    with pytest.raises(TimeoutError):
        await stream.news(asyncio.get_running_loop().time() + 0.01)

    stream.turn(stuck=False)
    assert stream.ready


async def test_an_end_in_order_leaves_what_came_before(stream: Stream) -> None:
    """What a client sent before it closed still counts, and then comes the end."""
    stream.feed(b"QUIT\r\n")
    stream.end()
    stream.lose(None)
    assert (stream.ready, stream.take()) == (True, b"QUIT\r\n")
    assert (stream.ready, stream.take()) == (True, b"")


async def test_a_breakdown_leaves_nothing(stream: Stream, valve: Valve) -> None:
    """Of a connection that broke nothing counts that was not taken, and nothing more is asked of it."""
    stream.feed(b"x" * (READ_AHEAD + 1))
    stream.turn(stuck=True)
    stream.lose(ConnectionResetError())
    assert (stream.ready, stream.take()) == (True, b"")
    assert not valve.reading  # it is closed: to resume would raise


async def test_what_came_in_the_clear_is_forgotten_under_tls(stream: Stream) -> None:
    """A new transport begins with nothing (CVE-2024-34083)."""
    stream.feed(b"RSET\r\n")
    stream.begin(Valve())
    assert not stream.ready


@pytest.mark.parametrize("event", ["feed", "turn", "end", "lose", "nudge"])
async def test_all_that_happens_is_news(event: str, stream: Stream) -> None:
    """Whoever waits is woken by anything that may end its wait."""
    loop = asyncio.get_running_loop()
    deeds = {
        "feed": lambda: stream.feed(b"x"),
        "turn": lambda: stream.turn(stuck=False),
        "end": stream.end,
        "lose": lambda: stream.lose(None),
        "nudge": stream.nudge,
    }
    loop.call_soon(deeds[event])

    await stream.news(loop.time() + FAR)

    stream.lose(None)
