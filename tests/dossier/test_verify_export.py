"""deploy/verify_export.py checks an exported dossier by itself: a true one holds, a doctored one does not."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gateway.dossier.document import canonical
from tests.dossier.conftest import VERIFIER, Made, checked, faults, resigned, verify_export

OTHER_KEY = b"o" * 32


def verified(path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The verifier as a program of its own, which sees nothing of the gateway."""
    return subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(path), *options],
        capture_output=True,
        text=True,
        cwd=path.parent,
        timeout=60,
        env={},
    )


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[Any], Path]:
    """Saves a document as a file."""

    def save(body: Any) -> Path:
        path = tmp_path / "dossier.json"
        path.write_text(json.dumps(body))
        return path

    return save


def test_a_true_dossier_holds(anna: Made, saved: Callable[[Any], Path]) -> None:
    """Evidence, sends, withholds, fates, an objection and an act: all of it is checked, and said in words."""
    done = verified(saved(anna.document), "--key", anna.document["key"])

    assert (done.returncode, done.stderr) == (0, "")
    assert "rows      17" in done.stdout
    assert "0 were erased" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("seals     1")
    assert anna.document["key"] in done.stdout


def test_it_says_how_many_rows_a_seal_covers(anna: Made) -> None:
    """Rows of the last seconds are under no seal yet; all others are."""
    check = checked(anna.document)

    assert check.faults == []
    assert 0 < len(check.sealed) < check.count["rows"]


def test_another_key_than_the_one_named_is_told(anna: Made, saved: Callable[[Any], Path]) -> None:
    """--key pins the installation: a file signed by another is not its."""
    done = verified(saved(anna.document), "--key", "00" * 32)

    assert done.returncode == 1
    assert "signed with another key" in done.stdout


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"\xff", b"{", b'{"format": "other/1"}', b'{"format": ["x"]}'], ids=repr
)
def test_what_is_no_dossier_is_exit_2(tmp_path: Path, content: bytes) -> None:
    """Nothing to check is not the same as something that does not hold."""
    path = tmp_path / "file.json"
    path.write_bytes(content)

    done = verified(path)

    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert verified(tmp_path / "absent.json").returncode == 2


Doctor = Callable[[Any], None]


def _section(body: Any) -> Any:
    return body["sections"][0]


DOCTORED: dict[str, Doctor] = {
    "the signature is left out": lambda body: body.pop("signature"),
    "another time": lambda body: body.update(made_at="2026-01-01T00:00:00+00:00"),
    "another person": lambda body: body.update(address="bram@example.org"),
    "the officer": lambda body: _section(body)["controller"].update(officer="nobody"),
    "a row of evidence is left out": lambda body: _section(body)["evidence"].pop(0),
    "the last row of evidence is left out": lambda body: _section(body)["evidence"].pop(),
    "two rows are swapped": lambda body: _section(body)["evidence"].insert(
        0, _section(body)["evidence"].pop()
    ),
    "a decision is left out": lambda body: _section(body)["decisions"].pop(3),
    "a decision is given twice": lambda body: _section(body)["decisions"].append(
        _section(body)["decisions"][0]
    ),
    "a fate is left out": lambda body: _section(body)["decisions"][0].update(fate=None),
    "the act is left out": lambda body: _section(body)["acts"].clear(),
    "the seals are left out": lambda body: _section(body)["seals"].clear(),
    "a withheld mail is shown as sent": lambda body: _section(body)["decisions"][-1].update(decision="send"),
    "a salt is changed": lambda body: _section(body)["evidence"][0]["stored"].update(salt="00" * 16),
    "details are said to be erased": lambda body: _section(body)["evidence"][0].update(
        erased=True, details=None
    ),
    "the wording is changed": lambda body: _section(body)["evidence"][0]["details"].update(wording="Yes!"),
    "the objection is hidden": lambda body: _section(body)["refusals"].clear(),
    "a term is changed": lambda body: _section(body)["retention"][0].update(keep_at_most_days=1),
}


@pytest.mark.parametrize("what", DOCTORED)
def test_a_doctored_dossier_does_not_hold(anna: Made, saved: Callable[[Any], Path], what: str) -> None:
    """Whatever is changed, the file is no longer what was signed."""
    body = anna.copy()
    DOCTORED[what](body)

    done = verified(saved(body))

    assert done.returncode == 1
    assert done.stdout.startswith("FAULT  ")


def test_a_name_given_twice_does_not_hold(anna: Made, tmp_path: Path) -> None:
    """Of two values of one name a reader may take the other: such a file is not taken for what was signed."""
    text = json.dumps(anna.document)
    path = tmp_path / "twice.json"
    path.write_text('{"address": "chris@example.org", ' + text[1:])
    inner = tmp_path / "inner.json"
    inner.write_text(text.replace('"erased": false', '"erased": true, "erased": false', 1))

    assert verified(path).returncode == 2
    assert verified(inner).returncode == 1


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every value that is no list and no object."""
    if isinstance(value, dict | list):
        for name in value if isinstance(value, dict) else range(len(value)):
            yield from leaves(value[name], (*path, name))
    else:
        yield path


def altered(value: Any) -> Any:
    """Another value of the same kind, as near as can be."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str) and value:
        return value[:-1] + ("0" if value[-1] != "0" else "1")
    return "0"


@contextmanager
def doctored(body: Any, path: tuple[Any, ...]) -> Iterator[None]:
    """The value at this place is another for a while."""
    for name in path[:-1]:
        body = body[name]
    was = body[path[-1]]
    body[path[-1]] = altered(was)
    yield
    body[path[-1]] = was


def is_found(body: Any) -> bool:
    """Whether the verifier finds a fault; one that is found by a value of the wrong kind is one, too."""
    try:
        return bool(faults(body))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return True


def test_no_single_value_can_be_altered(anna: Made) -> None:
    """Of some thousand values, each altered by itself: the verifier finds every one."""
    body = anna.copy()
    places = list(leaves(body))
    unseen = []
    for path in places:
        with doctored(body, path):
            if not is_found(body):
                unseen.append(path)

    assert len(places) > 500
    assert unseen == []


# What a key cannot vouch for, since the chain, the salts and the seals do: signed anew by the very same key.
OF_ROWS = {"stored", "details", "erased", "evidence", "decisions", "acts", "seals", "person", "refusals"}
SAID_ONLY = {"ref", "sentence", "article"}  # made from what is on record, and in no row


def test_the_signer_cannot_alter_a_row(anna: Made) -> None:
    """Even signed anew with the right key: a row, its details or what is said of them no longer fits."""
    body = anna.copy()
    unseen = []
    for path in leaves(body["sections"]):
        if path[1] in OF_ROWS and path[-1] not in SAID_ONLY:
            with doctored(body["sections"], path):
                if not is_found(resigned(body, anna.seal_key)):
                    unseen.append(path)

    rest = [path for path in unseen if "facts" not in path]  # a row holds no fact that is at its default
    assert {(path[1], path[-1]) for path in rest} == {("seals", "id")}


FORGED = {
    **{
        name: doctor
        for name, doctor in DOCTORED.items()
        if name in ("a row of evidence is left out", "a salt is changed")
    },
    "nothing": lambda body: None,
}


@pytest.mark.parametrize("what", FORGED)
def test_a_dossier_signed_by_another_does_not_hold(
    anna: Made, saved: Callable[[Any], Path], what: str
) -> None:
    """Whoever signs a dossier with a key of their own: neither the key that is named nor the seals fit."""
    body = anna.copy()
    FORGED[what](body)
    path = saved(resigned(body, OTHER_KEY))

    assert verified(path, "--key", anna.document["key"]).returncode == 1
    assert "made with another key than the file's" in verified(path).stdout


def relinked(stream: str, entry: Any, **changes: Any) -> Any:
    """The entry with another row, and a link that fits: what only the holder of the store can make."""
    stored = entry["stored"]
    stored["row"].update(changes)
    values = [stored["row"][name] for name in verify_export.COLUMNS[stream].split()]
    digest = sha256(canonical(values).encode()).digest()
    stored["link"] = sha256(bytes.fromhex(stored["before"]) + digest).hexdigest()
    return entry


def _other_first_row(body: Any) -> None:
    row = _section(body)["evidence"][0]
    relinked("ledger", row, content="00" * 16)


def _other_sealed_row(body: Any) -> None:
    fate = relinked("fates", _section(body)["decisions"][0]["fate"], code=251)
    fate["code"] = 251


def _later_evidence(body: Any) -> None:
    row = relinked("ledger", _section(body)["evidence"][0], occurred_at=1_900_000_000_000_000)
    row["occurred_at"] = "2030-03-17T17:46:40+00:00"


def _fate_of_withheld(body: Any) -> None:
    decisions = _section(body)["decisions"]
    fate = relinked("fates", decisions[0]["fate"], decision=decisions[-1]["id"])
    decisions[-1]["fate"], decisions[0]["fate"] = fate, None


RECORD_LIES: dict[str, tuple[Doctor, str]] = {
    "evidence from before, left out": (lambda body: _section(body)["evidence"].pop(0), "evidence: has a gap"),
    "evidence decided on, left out": (
        lambda body: _section(body)["evidence"].pop(0),
        "was not on record then",
    ),
    "a section of somebody else": (
        lambda body: _section(body).update(person="00" * 16),
        "is about somebody else",
    ),
    "an objection not listed": (lambda body: _section(body)["refusals"].clear(), "refusals"),
    "the fate of another mail": (
        lambda body: _section(body)["decisions"][0].update(fate=_section(body)["decisions"][1]["fate"]),
        "has another's fate",
    ),
    "a decision twice": (
        lambda body: _section(body)["decisions"].append(_section(body)["decisions"][0]),
        "another row has its place",
    ),
    "details without salt": (
        lambda body: _section(body)["evidence"][0]["stored"].update(salt=None),
        "details are not those recorded",
    ),
    "the newest evidence, left out": (
        lambda body: _section(body)["evidence"].pop(),
        "was made on more evidence than there is",
    ),
    "a row made anew": (_other_first_row, "row 2 follows another"),
    "a sealed row made anew": (_other_sealed_row, "was changed"),
    "a send on evidence from later": (_later_evidence, "is of a later time"),
    "a fate of what was withheld": (_fate_of_withheld, "was withheld, yet has a fate"),
    "a seal of other octets": (
        lambda body: _section(body)["seals"][0].update(at=0),
        "was altered",
    ),
}


@pytest.mark.parametrize("what", RECORD_LIES)
def test_each_rule_is_checked_by_itself(anna: Made, what: str) -> None:
    """With a signature that fits, each kind of lie is named by the rule it breaks."""
    doctor, said = RECORD_LIES[what]
    body = anna.copy()
    doctor(body)

    assert any(said in fault for fault in faults(resigned(body, anna.seal_key)))


def test_the_verifier_is_small_and_stands_alone() -> None:
    """Under 150 lines, the standard library and cryptography, nothing of the gateway."""
    text = VERIFIER.read_text()
    modules = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            modules |= {one.name.split(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add((node.module or "").split(".")[0])

    assert len(text.splitlines()) < 150
    assert modules - set(sys.stdlib_module_names) == {"cryptography"}
