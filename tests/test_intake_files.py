"""Evidence files: what CSV and JSON lines say, and what is wrong with them (contract section 6)."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.intake import EvidenceFile, FileError, RawRow

HEADER = b"email,kind,source\n"


def read(content: bytes, path: Path) -> list[RawRow]:
    """The rows of a file with this content."""
    path.write_bytes(content)
    return list(EvidenceFile(path).rows())


@pytest.fixture
def csv_file(tmp_path: Path) -> Path:
    """Where a CSV file goes."""
    return tmp_path / "people.csv"


@pytest.mark.parametrize(
    "content",
    [
        b'email,kind,source\na@b.example,contact,"x\ny, z"\n',
        b'\xef\xbb\xbfemail;kind;source\r\na@b.example;contact;"x\ny, z"\r\n',
        b'\n EMAIL , Kind ,SOURCE \n\na@b.example,contact,"x\ny, z"\n,,\n',
        b'"source";"kind";"email"\n"x\ny, z";contact;a@b.example',
        b'{"email": "a@b.example", "Kind": "contact", "source": "x\\ny, z"}\n',
        b'\xef\xbb\xbf\n{"EMAIL": "a@b.example", "kind": "contact", " source": "x\\ny, z"}',
    ],
)
def test_the_same_row_in_every_format(content: bytes, csv_file: Path) -> None:
    """Comma or semicolon, with or without BOM, quoted fields with newlines, JSON: one and the same row."""
    (row,) = read(content, csv_file)

    assert row.fields == {"email": "a@b.example", "kind": "contact", "source": "x\ny, z"}
    assert (row.fault, row.dropped) == ("", ())


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.ndjson", "rows.JSON"])
def test_json_lines_are_known_by_the_files_name(name: str, tmp_path: Path) -> None:
    """By these names a file is JSON lines, even an empty one."""
    assert read(b"", tmp_path / name) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (b"name,phone\n", "lacks email and kind"),
        (b"email,name\na@b.example,x\n", "lacks kind"),
        (b"email,kind,Email\n", "names email twice"),
        (b"\xff\xfee\0m\0a\0i\0l\0", "lacks email and kind"),
    ],
)
def test_a_file_that_cannot_be_evidence_is_named(content: bytes, said: str, csv_file: Path) -> None:
    """A file without the columns it needs is refused as a whole, and says why."""
    with pytest.raises(FileError, match=said):
        read(content, csv_file)


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    """A path that is missing, or a folder, is refused."""
    for path, said in ((tmp_path / "none.csv", "no such file"), (tmp_path, "not a file")):
        with pytest.raises(FileError, match=said):
            EvidenceFile(path)


def test_a_json_array_is_named(tmp_path: Path) -> None:
    """One array instead of lines is a fault of the file, not of each of its lines."""
    with pytest.raises(FileError, match="not one JSON array"):
        read(b'[{"email": "a@b.example"}]', tmp_path / "rows.json")


def test_unknown_columns_are_dropped_and_named(csv_file: Path) -> None:
    """L23: a column nobody asked for is not read, and is named as written; one without name by its place."""
    (row,) = read(b"email,Birth Date,kind,\x1b[2J,\na@b.example,2000-01-01,contact,x,\n", csv_file)

    assert row.fields == {"email": "a@b.example", "kind": "contact"}
    assert row.dropped == ("Birth Date", "?[2J", "column 5")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"a@b.example,contact,x,more", "has 4 cells, the header 3"),
        (b'a@b.example,contact,"open', "quotation marks"),
        (b'a@b.example,contact,"x"y', "quotation marks"),
        (
            b"a@b.example,contact," + b"x" * 140_000,
            "quotation marks that do not match, or a row that is too long",
        ),
        (
            b"a@b.example,contact," + b"x" * 1_100_000,
            "quotation marks that do not match, or a row that is too long",
        ),
    ],
)
def test_a_broken_row_is_named_and_the_others_are_read(line: bytes, fault: str, csv_file: Path) -> None:
    """A row that cannot be read is named by its line; the rows before and after it are read all the same."""
    before, broken, after = read(
        HEADER + b"1@b.example,contact,x\n" + line + b"\n2@b.example,objection,x\n", csv_file
    )

    assert (before.line, broken.line, after.line) == (2, 3, 4)
    assert broken.fault.startswith(fault)
    assert (before.fault, after.fault) == ("", "")
    assert after.fields["email"] == "2@b.example"


def test_an_open_quotation_does_not_swallow_refusals(csv_file: Path) -> None:
    """A quotation mark that is never closed spoils its own line: thousands of refusals after it are read."""
    refusals = b"".join(b"%d@b.example,objection,\n" % number for number in range(20_000))

    rows = read(HEADER + b'a@b.example,contact,"oops\n' + refusals, csv_file)

    assert len(rows) == 20_001
    assert [row.line for row in rows if row.fault] == [2]


def test_quotations_open_on_every_line_take_no_longer(csv_file: Path) -> None:
    """However many lines leave a quotation open, each is looked at a few times, and refusals are found."""
    lines = b'a""",b,"\n' * 20_000 + b"a@b.example,objection,\n"
    started = time.process_time()
    *broken, sound = read(HEADER + lines, csv_file)
    assert time.process_time() - started < 10
    assert len(broken) == 20_000
    assert all(row.fault for row in broken)
    assert (sound.line, sound.fault, sound.fields["kind"]) == (20_002, "", "objection")


def test_octets_that_are_no_utf8_stay_in_their_row(csv_file: Path) -> None:
    """Latin-1 in one row leaves the others readable, and nothing of it passes for text."""
    rows = read(HEADER + b"a@b.example,contact,caf\xe9\nb@b.example,contact,caf\xc3\xa9\n", csv_file)

    assert [row.fields["source"] for row in rows] == ["caf\udce9", "café"]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[1]",
        b"7",
        b'{"email": NaN}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"version": ' + b"9" * 5000 + b"}",
        b"\xff\xfe",
    ],
)
def test_a_json_line_that_is_no_object_is_named(line: bytes, tmp_path: Path) -> None:
    """A line that is not one JSON object is named by its number; the next is read."""
    _, broken, sound = read(
        b"{}\n" + line + b'\n{"email": "a@b.example", "kind": "objection"}\n', tmp_path / "rows.jsonl"
    )

    assert (broken.line, broken.fields) == (2, {})
    assert broken.fault
    assert sound.fields == {"email": "a@b.example", "kind": "objection"}


@pytest.mark.parametrize("name", [b"via", b"VIA", b"scope", b"email"])
def test_a_field_given_twice_breaks_its_row_and_says_nothing(name: bytes, tmp_path: Path) -> None:
    """Whoever took one of the two would choose for the sender; the row's other fields are read."""
    (row,) = read(
        b'{"email": "a@b.example", "kind": "objection", "via": "post", "scope": "profiling", %b: "x"}'
        % json.dumps(name.decode()).encode(),
        tmp_path / "rows.jsonl",
    )

    plain = name.decode().lower()
    assert row.fault == f"{plain} is given twice"
    said = {"email": "a@b.example", "kind": "objection", "via": "post", "scope": "profiling"}
    assert row.fields == said | {plain: None}


def test_a_file_can_be_read_again(csv_file: Path) -> None:
    """Two passes see the same rows, and progress grows to twice the file's size."""
    csv_file.write_bytes(HEADER + b"a@b.example,contact,x\n" * 1200)
    file = EvidenceFile(csv_file)
    seen: list[int] = []
    file.on_progress = seen.append

    assert list(file.rows()) == list(file.rows())
    assert seen == sorted(seen)
    assert seen[-1] == 2 * file.size


_PIECES = st.sampled_from(
    [
        b'"',
        b",",
        b";",
        b"\n",
        b"\r",
        b"\r\n",
        b"\0",
        b"\xff",
        b"{",
        b"}",
        b"[",
        b"email",
        b"a@b.example",
        b"\\u0000",
    ]
)


@given(
    st.sampled_from([b"", HEADER, b"email;kind\n", b"{"]),
    st.binary(max_size=60) | st.lists(_PIECES, max_size=30).map(b"".join),
    st.sampled_from(["x.csv", "x.jsonl", "x"]),
)
@example(HEADER, b'"\n"', "x.csv")
def test_no_octets_break_the_reader(head: bytes, body: bytes, name: str) -> None:
    """Any octets as a file give rows, each with its line, or a FileError: nothing else is ever raised."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            rows = read(head + body, Path(folder) / name)
        except FileError:
            return
    assert [row.line for row in rows] == sorted({row.line for row in rows})
