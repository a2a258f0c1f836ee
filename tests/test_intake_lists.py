"""Lists of addresses: the same people, however the list is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.intake import AddressFile, FileError


def read(content: bytes, path: Path) -> list[tuple[int, object]]:
    """Line and address of every row of a file with this content."""
    path.write_bytes(content)
    return [(row.line, row.fields.get("email")) for row in AddressFile(path).rows()]


@pytest.mark.parametrize(
    "content",
    [
        b"email\na@b.example\nc@d.example\n",
        b"\xef\xbb\xbfname;Email\r\nKim;a@b.example\r\n;c@d.example\r\n",
        b'email,age\n"a@b.example",7\nc@d.example\n',
        b'\n{"email": "a@b.example", "age": 7}\n{"EMAIL": "c@d.example"}\n',
        b"\na@b.example\nc@d.example",
        b"\xef\xbb\xbf\r\n  a@b.example  \r\nc@d.example\r\n\r\n",
    ],
)
def test_the_same_list_in_every_format(content: bytes, tmp_path: Path) -> None:
    """CSV with a column email, JSON lines, or one address a line: the same people on the same lines."""
    assert [address for _, address in read(content, tmp_path / "list")] == ["a@b.example", "c@d.example"]


@pytest.mark.parametrize("first", [b"{brace}@b.example", b'"a,b"@b.example', b"a@@b.example", b"@", b"a b@c"])
def test_a_first_address_is_no_header(first: bytes, tmp_path: Path) -> None:
    """Odd addresses, and even one with a slip in it, begin a plain list; the line is read as any other."""
    assert read(first + b"\nc@d.example", tmp_path / "list") == [(1, first.decode()), (2, "c@d.example")]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"name,phone\nKim,7\n", "lacks email"),
        (b"anna@b.example;Anna\n", "lacks email"),
        (b"email,email\n", "names email twice"),
        (b'[{"email": "a@b.example"}]', "lacks email"),
    ],
)
def test_what_is_no_list_is_said(content: bytes, said: str, tmp_path: Path) -> None:
    """A file in which no column is known to hold addresses is refused as a whole."""
    with pytest.raises(FileError, match=said):
        read(content, tmp_path / "list")


def test_a_line_that_is_not_utf8_is_a_row_like_any_other(tmp_path: Path) -> None:
    """Broken octets spoil their own line alone."""
    (first, second) = read(b"a@b.example\n\xff@b.example\n", tmp_path / "list")

    assert first == (1, "a@b.example")
    assert second == (2, "\udcff@b.example")
