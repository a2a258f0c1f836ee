"""Whole messages in, whole copies out: one file triple per shape, `.why` in one line."""

from __future__ import annotations

import email
import email.policy
from pathlib import Path

import pytest

from gateway.mail.message import Message
from gateway.mail.notice import Notice
from gateway.mail.rewrite import CannotCarryNoticeError, prepare
from tests.mail.reader import is_told

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.eml"))


def wire(path: Path) -> bytes:
    """A file's octets as they travel: the files have LF, so that they can be read and compared."""
    return path.read_bytes().replace(b"\n", b"\r\n")


def copy_of(content: bytes, notice: Notice) -> bytes:
    """The marketing copy, or the refusal as text."""
    try:
        prepared = prepare(Message.parse(content), eight_bit=True, received=b"Received: by gw.example\r\n")
    except CannotCarryNoticeError as refusal:
        return f"refused: {refusal}\r\n".encode()
    return prepared.copy(notice)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_copy_is_as_expected(path: Path, notice: Notice) -> None:
    """Each shape gives exactly the copy on disk, or the refusal on disk."""
    expected = wire(path.with_suffix(".expected"))

    assert copy_of(wire(path), notice) == expected


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_an_independent_reader_finds_the_way_out(path: Path, notice: Notice) -> None:
    """The email package shows the link in the copy: in every alternative, or once in a mixture."""
    copy = copy_of(wire(path), notice)
    if copy.startswith(b"refused: "):
        return
    parsed = email.message_from_bytes(copy)

    assert is_told(parsed, notice.link)
    assert parsed.get_all("List-Unsubscribe") == [f"<{notice.link}>"]
    assert parsed.get_all("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_each_golden_says_why(path: Path) -> None:
    """Every shape on disk has its reason in one line."""
    assert path.with_suffix(".why").read_text("utf-8").count("\n") == 1
