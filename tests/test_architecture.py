"""The house keeps its floors: who may import whom, and what stays pure."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "gateway"

# The first match names the floor; a folder's files may also import one another.
FLOORS = {
    "gateway.address": 0,
    "gateway.law": 1,
    "gateway.envelope": 2,
    "gateway.keys": 2,
    "gateway.ids": 2,
    "gateway.sealing": 2,
    "gateway.tokens": 2,
    "gateway.pending": 2,
    "gateway.tries": 2,
    "gateway.wording": 2,
    "gateway.config": 2,
    "gateway.grants": 2,
    "gateway.typical": 2,
    "gateway.listening": 2,
    "gateway.metrics": 2,
    "gateway.cells": 2,
    "gateway.look": 2,
    "gateway.texts": 2,
    "gateway.mail": 3,
    "gateway.ports": 4,
    "gateway.copies": 5,
    "gateway.mailing": 5,
    "gateway.operators": 5,
    "gateway.passwords": 5,
    "gateway.second_factor": 5,
    "gateway.signing_in": 5,
    "gateway.tally": 5,
    "gateway.submission": 5,
    "gateway.objecting": 5,
    "gateway.undoing": 5,
    "gateway.preferring": 5,
    "gateway.intake": 5,
    "gateway.precheck": 5,
    "gateway.post": 5,
    "gateway.receipts": 5,
    "gateway.confirmation": 5,
    "gateway.consenting": 5,
    "gateway.confirming": 5,
    "gateway.replay": 5,
    "gateway.dossier": 5,
    "gateway.erasing": 5,
    "gateway.retaining": 5,
    "gateway.oversight": 5,
    "gateway.store": 6,
    "gateway.smtp": 6,
    "gateway.web": 6,
    "gateway.logs": 7,
    "gateway.opening": 7,
    "gateway.app": 7,
    "gateway.workers": 7,
    "gateway.demo": 8,
    "gateway.commands": 8,
    "gateway.cli": 8,
    "gateway.__main__": 8,
}
SAME_FLOOR = {2, 5, 7, 8}  # floors of single files that build on one another; the edges of floor 6 never do
LAW_MAY = set(sys.stdlib_module_names) - {"asyncio", "logging", "os", "random", "secrets", "socket", "time"}
IMPURE = {
    "asyncio",
    "logging",
    "os",
    "pathlib",
    "random",
    "secrets",
    "socket",
    "time",
    "structlog",
    "sqlalchemy",
}


def module_name(path: Path) -> str:
    """The dotted name under which a file is imported."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str | None:
    """The name in FLOORS that a module belongs to."""
    return next((room for room in FLOORS if module == room or module.startswith(room + ".")), None)


def imports_of(path: Path) -> set[str]:
    """Every module a file imports, wherever in the file it does."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def misplaced(module: str, imported: str) -> bool:
    """Whether an import goes up, or sideways between edges."""
    room, target = room_of(module), room_of(imported)
    if target is None or target == room:
        return False
    if room is None:
        return True
    here, there = FLOORS[room], FLOORS[target]
    return there > here or (there == here and here not in SAME_FLOOR)


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_a_file_imports_only_from_lower_floors(path: Path) -> None:
    """No file of the package imports from a higher floor, and no edge imports another edge."""
    module = module_name(path)

    wrong = [imported for imported in imports_of(path) if module != "gateway" and misplaced(module, imported)]

    assert wrong == []


def test_every_file_has_a_floor() -> None:
    """A new file must be placed in the house before it can stand."""
    homeless = [
        module_name(path)
        for path in FILES
        if module_name(path) != "gateway" and not room_of(module_name(path))
    ]

    assert homeless == []


@pytest.mark.parametrize(
    ("module", "imported", "wrong"),
    [
        ("gateway.law.decision", "gateway.store.tables", True),
        ("gateway.smtp.session", "gateway.web.app", True),
        ("gateway.web.app", "gateway.objecting", False),
        ("gateway.store.ledger", "gateway.store.tables", False),
        ("gateway.mail.rewrite", "gateway.ports", True),
    ],
)
def test_the_floor_rule_catches_a_planted_import(module: str, imported: str, wrong: bool) -> None:
    """The rule itself tells an import that climbs or crosses from one that does not."""
    assert misplaced(module, imported) is wrong


@pytest.mark.parametrize("path", sorted((PACKAGE / "law").rglob("*.py")), ids=module_name)
def test_the_law_is_pure(path: Path) -> None:
    """The law imports the standard library and itself: no time, no chance, no outside."""
    foreign = {
        name
        for name in imports_of(path)
        if name.split(".")[0] not in LAW_MAY and not name.startswith("gateway.law")
    }

    assert foreign - {"__future__"} == set()


@pytest.mark.parametrize("path", sorted((PACKAGE / "mail").rglob("*.py")), ids=module_name)
def test_the_mail_room_is_pure(path: Path) -> None:
    """Rewriting and signing touch no clock, disk, network or chance."""
    assert {name.split(".")[0] for name in imports_of(path)} & IMPURE == set()


def test_smtp_numbers_live_in_one_file() -> None:
    """No file but smtp/reply.py spells an SMTP reply of ours."""
    spelled = re.compile(r"""["'][245]\d\d [245]\.\d\.\d""")
    places = {module_name(path) for path in FILES if spelled.search(path.read_text())}

    assert places <= {"gateway.smtp.reply"}


def test_no_address_of_a_package_index_is_in_a_lock_file() -> None:
    """Lock files carry hashes and no address (contract section 1)."""
    locks = [
        *ROOT.glob("*.lock"),
        *ROOT.glob("tests/*/package-lock.json"),
        *ROOT.glob("tests/*/*/package-lock.json"),
    ]

    assert len(locks) == 4
    assert [path for path in locks if "://" in path.read_text()] == []
    assert all("--hash=sha256:" in path.read_text() for path in ROOT.glob("*.lock"))


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_no_pattern_needs_a_newer_python(path: Path) -> None:
    """No possessive repeats or atomic groups: Python 3.11.0 to 3.11.4 gets them wrong."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    patterns = [
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "re"
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str | bytes)
    ]

    assert [pattern for pattern in patterns if re.search(r"POSSESSIVE|ATOMIC", parsed(pattern))] == []


def parsed(pattern: str | bytes) -> str:
    """What the pattern is made of, in the words of the re module."""
    text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
    return str(re._parser.parse(text))  # type: ignore[attr-defined]


def test_the_pattern_rule_catches_a_possessive_repeat() -> None:
    """The rule itself tells a possessive repeat and an atomic group from a plain repeat."""
    assert "POSSESSIVE" in parsed(rb"(?:a|b)*+")
    assert "ATOMIC" in parsed("(?>a)")
    assert not re.search("POSSESSIVE|ATOMIC", parsed(r"[*+]+"))
