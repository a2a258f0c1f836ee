"""Real mail, as others published it: carried with the way out in every view, or refused for a named reason.

The messages are read where they lie beside the project; none is copied into it.
"""

from __future__ import annotations

import email
import re
import signal
from collections.abc import Iterator
from email.message import Message as Parsed
from pathlib import Path

import dkim
import pytest

from gateway.mail.message import Message, UnparsableError
from gateway.mail.notice import Notice
from gateway.mail.rewrite import CannotCarryNoticeError, prepare
from gateway.mail.shapes import Refusal
from gateway.mail.signature import Signer, new_key, record
from tests.mail.reader import is_text, is_told, text_of

CORPORA = Path(__file__).parents[2].parent / "shared" / "corpora"
FOLDERS = sorted(path for path in CORPORA.glob("*") if path.is_dir())
HANGS = 120  # seconds for a folder; each takes a few at most

pytestmark = pytest.mark.skipif(not FOLDERS, reason="the corpora of real mail are not beside the project")
each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: path.name)
KEY = new_key("rsa")


@pytest.fixture(autouse=True)
def no_hang() -> Iterator[None]:
    """A message that keeps the reader busy for ever fails the test, with a traceback of where."""

    def give_up(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(HANGS)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


def as_mailed(path: Path) -> bytes:
    """A stored message with the line ends it travels with, and without a mailbox's own first line."""
    content = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return content.partition(b"\r\n")[2] if content.startswith(b"From ") else content


def messages(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The messages of a corpus by their names."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield path.name, as_mailed(path)


def copy_of(content: bytes, notice: Notice, *, eight_bit: bool = True) -> bytes | str:
    """The copy, or why there is none."""
    try:
        return prepare(Message.parse(content), eight_bit=eight_bit).copy(notice)
    except (UnparsableError, CannotCarryNoticeError) as refusal:
        return str(refusal)


def read(content: bytes) -> Parsed:
    """What the email package makes of it."""
    return email.message_from_bytes(content)


def leaves(content: bytes) -> list[Parsed]:
    """The parts that have none of their own."""
    return [part for part in read(content).walk() if not part.is_multipart()]


def own_urls(content: bytes) -> list[str]:
    """The sender's own ways out."""
    fields = read(content).get_all("List-Unsubscribe", [])
    return [url for field in fields for url in re.findall(r"<\s*(https?://[^>\s]+)\s*>", str(field))]


def only_added(old: str, new: str) -> bool:
    """Whether the new text is the old one with one stretch put in."""
    old, new = "".join(old.split()), "".join(new.split())
    same = next((at for at in range(len(old)) if old[at] != new[at : at + 1]), len(old))
    return new.endswith(old[same:]) and len(new) >= len(old)


def test_the_reasons_are_named() -> None:
    """The pattern by which reasons are recognised is not so wide that it takes any sentence."""
    assert is_named("message has no From field")
    assert is_named("message has more than one Content-Type field")
    assert not is_named("index out of range")


def is_named(reason: str) -> bool:
    """Whether it is one of the refusals that the docs list."""
    return any(re.fullmatch(re.escape(it).replace(r"\{field\}", "[A-Za-z-]+"), reason) for it in Refusal)


@each_folder
@pytest.mark.parametrize("eight_bit", [True, False], ids=["8bit", "7bit"])
def test_each_is_carried_or_refused_by_name(notice: Notice, folder: Path, eight_bit: bool) -> None:
    """Each copy tells the way out in whichever view is shown; each refusal is one that is listed."""
    carried = 0
    for name, content in messages(folder):
        copy = copy_of(content, notice, eight_bit=eight_bit)
        if isinstance(copy, str):
            assert is_named(copy), (name, copy)
            continue
        carried += 1
        parsed = read(copy)
        assert is_told(parsed, notice.link), name
        assert parsed.get_all("List-Unsubscribe") == [f"<{notice.link}>"], name
        assert parsed.get_all("List-Unsubscribe-Post") == ["List-Unsubscribe=One-Click"], name
        assert eight_bit or copy.partition(b"\r\n\r\n")[2].isascii(), name
        assert max(map(len, copy.split(b"\r\n"))) <= 998, name
    assert carried


@each_folder
def test_words_and_files_are_all_there(notice: Notice, folder: Path) -> None:
    """Every part of each message is in its copy, in order, with nothing but the notice put in."""
    for name, content in messages(folder):
        copy = copy_of(content, notice)
        if isinstance(copy, str):
            continue
        before, after = leaves(content), leaves(copy)
        assert len(after) - len(before) in (0, 1), name
        for old, new in zip(before, after, strict=False):
            came = words = text_of(old)
            for url in own_urls(content):
                words = words.replace(url, notice.link)
            assert only_added(words, text_of(new)) or only_added(came, text_of(new)), name
            assert is_text(old) or text_of(old).rstrip() == text_of(new).rstrip(), name


@each_folder
def test_each_copy_verifies(notice: Notice, folder: Path) -> None:
    """Stock dkimpy verifies the signature of every copy."""
    signer = Signer("zon.example", "s1", KEY)
    _, chunks = record("zon.example", "s1", KEY)
    for name, content in messages(folder):
        copy = copy_of(content, notice)
        if not isinstance(copy, str):
            signed = signer.sign(copy, signed_at=1_770_000_000) + copy
            assert dkim.verify(signed, dnsfunc=lambda *_, **__: "".join(chunks).encode()), name
