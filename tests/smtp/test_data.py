"""Reading content in bulk: where it ends, what it may hold, and that chunks do not matter."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.smtp.data import END, BareOctetsError, Content
from gateway.smtp.incoming import MAX_LINE, BadLineError, Incoming, LineTooLongError

PLENTY = 1 << 20
lines = st.lists(st.sampled_from([b"", b".", b"..", b"x", b".x", b"x.", b"\xff y"]), max_size=6)
chunk_sizes = st.lists(st.integers(1, 9), min_size=1, max_size=9)


def stuffed(content_lines: list[bytes]) -> bytes:
    """What a client sends for these lines, the dot included (RFC 5321 section 4.5.2)."""
    return b"".join(b"." * line.startswith(b".") + line + b"\r\n" for line in content_lines) + b".\r\n"


def fed(content: Content, octets: bytes, sizes: list[int]) -> bytes | None:
    """Feed in chunks of these sizes, over and over; what came behind the end, all chunks together."""
    place, turn = 0, 0
    while place < len(octets):
        size = sizes[turn % len(sizes)]
        turn += 1
        behind = content.feed(octets[place : place + size])
        place += size
        if behind is not None:
            return behind + octets[place:]
    return None


@given(lines, chunk_sizes, st.binary())
@example([b"."], [1], b"")
def test_content_comes_out_as_it_went_in(content_lines: list[bytes], sizes: list[int], behind: bytes) -> None:
    """However it is cut into chunks, the content is what the client meant, and the rest is left over."""
    content = Content(PLENTY)

    rest = fed(content, stuffed(content_lines) + behind, sizes)

    expected = b"".join(line + b"\r\n" for line in content_lines)
    assert rest == behind
    assert content.size == len(expected)
    assert content.whole() == expected


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b".", b"\0", b"x", b"\r\n"]), max_size=12).map(b"".join),
    chunk_sizes,
)
def test_chunks_never_change_the_verdict(octets: bytes, sizes: list[int]) -> None:
    """Bare CR, LF or NUL is found, or the end is, whether octets come at once or in pieces (A1)."""

    def verdict(sizes: list[int]) -> object:
        content = Content(PLENTY)
        try:
            behind = fed(content, octets, sizes)
        except BareOctetsError:
            return "refused"
        return behind, content.whole() if behind is not None else None

    assert verdict(sizes) == verdict([PLENTY])


@given(st.lists(st.sampled_from([b"\r", b"\n", b".", b"\0", b"x", b"\r\n"]), max_size=12).map(b"".join))
def test_only_crlf_dot_crlf_ends_it(octets: bytes) -> None:
    """The end is the first CRLF.CRLF, and there was no bare CR, LF or NUL before it."""
    stream = b"\r\n" + octets
    before, end, behind = stream.partition(b"\r\n.\r\n")
    clean = not set(before.replace(b"\r\n", b"")) & {0, 10, 13}
    content = Content(PLENTY)
    try:
        got = content.feed(octets)
    except BareOctetsError:
        assert not (end and clean)
    else:
        assert got == (behind if end else None)


@pytest.mark.parametrize("bad", [b"\n", b"\r", b"\0"])
def test_bare_octets_are_found_in_what_is_too_big_too(bad: bytes) -> None:
    """Where a message ends is beyond doubt also if it is refused for its size (A3)."""
    content = Content(10)
    content.feed(b"x" * 100)

    with pytest.raises(BareOctetsError):
        content.feed(bad + b"y")


def test_what_is_too_big_is_not_kept() -> None:
    """Beyond the limit nothing stays in memory, and the end is still found."""
    content = Content(10)

    for _ in range(100):
        assert content.feed(b"x" * 1000) is None

    assert content.held == 0
    assert content.feed(b"\r\n.\r\nQUIT") == b"QUIT"
    assert content.too_big
    assert content.whole() == b""


@pytest.mark.parametrize(("octets", "too_big"), [(b"..345678\r\n", False), (b"..3456789\r\n", True)])
def test_the_size_is_that_of_the_content(octets: bytes, too_big: bool) -> None:
    """Doubled dots and the final dot do not count (RFC 1870 section 5): 9 octets fit, 10 do not."""
    content = Content(9)

    assert content.feed(octets + b".\r\n") == b""
    assert content.too_big is too_big


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b"\0", b"x", b"\xff", b"\x85", b"\r\n"]), max_size=40).map(
        b"".join
    )
)
def test_a_bare_octet_is_what_remains_without_line_ends(octets: bytes) -> None:
    """Content is refused exactly when it has a CR, an LF or a NUL beside its CRLFs, whatever else it has."""
    content = Content(PLENTY)
    bare = bool(set(octets.replace(b"\r\n", b"")) & {0, 10, 13})
    try:
        content.feed(b"x" + octets + END)
    except BareOctetsError:
        assert bare
    else:
        assert not bare
        assert content.whole() == b"x" + octets + b"\r\n"


def test_content_that_came_at_once_is_not_copied_to_be_put_together() -> None:
    """A piece of content that needs no change is the very same object from end to end."""
    content, piece = Content(PLENTY), b"a line\r\n" * 100 + b"x"
    content.feed(piece)
    assert content.whole() is piece


@given(st.lists(st.binary(max_size=20).filter(lambda line: not set(line) & {0, 10, 13})), chunk_sizes)
def test_lines_come_out_one_by_one(command_lines: list[bytes], sizes: list[int]) -> None:
    """Command lines are found however they are cut into chunks."""
    incoming, found, turn = Incoming(), [], 0
    octets = b"".join(line + b"\r\n" for line in command_lines)
    while octets:
        size = sizes[turn % len(sizes)]
        turn += 1
        incoming.feed(octets[:size])
        octets = octets[size:]
        while (line := incoming.line()) is not None:
            found.append(line)

    assert found == command_lines


@pytest.mark.parametrize("octets", [b"A\n", b"A\r\r\n", b"A\rB\r\n", b"A\0\r\n", b"\n", b"A\nB\r\n"])
def test_a_line_ends_with_crlf_alone(octets: bytes) -> None:
    """A bare CR, a bare LF or a NUL in a command is never looked past (A4)."""
    incoming = Incoming()
    incoming.feed(octets)

    with pytest.raises(BadLineError):
        incoming.line()


def test_a_line_is_finite() -> None:
    """The longest line passes; one octet more is refused before it is all there."""
    incoming = Incoming()
    incoming.feed(b"x" * (MAX_LINE - 2) + b"\r\n")
    assert incoming.line() == b"x" * (MAX_LINE - 2)

    incoming.feed(b"x" * MAX_LINE)
    with pytest.raises(LineTooLongError):
        incoming.line()
