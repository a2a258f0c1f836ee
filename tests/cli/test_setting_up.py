"""sendright check-config, secret, dkim and db; and what any failure looks like."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from gateway.mail.signature import load_key
from tests.cli.conftest import CONFIG, ROWS, Shop

COMMANDS = (
    ("decide", "anna@example.org", "--category", "newsletter"),
    ("object", "anna@example.org", "--via", "phone", "--operator", "S"),
    ("log",),
)


def test_a_sound_configuration_has_no_faults(shop: Shop) -> None:
    """check-config says so, and its JSON has an empty list."""
    assert shop.run("check-config").code == 0
    assert shop.run("check-config", "--json").json == {"faults": []}


def test_warnings_are_counted_beside_no_faults(shop: Shop) -> None:
    """Whoever reads the last line alone still learns that something is worth saying."""
    shop.file("gateway.toml", CONFIG.replace('country = "NL"', 'country = "FR"'))

    ran = shop.run("check-config")

    assert (ran.code, len(ran.err.splitlines())) == (0, 1)
    assert ran.out == f"{shop.config}: no faults, 1 warning\n"


@pytest.mark.parametrize(
    "command", [("check-config",), ("log",), ("decide", "a@b.example", "--category", "x")]
)
def test_faults_are_exit_code_2_with_file_key_fault_and_mend(
    shop_with: Callable[[str], Shop], command: tuple[str, ...]
) -> None:
    """Every command names every fault of the configuration, as a table or as JSON."""
    shop = shop_with("\n[bogus]\nkey = 1\n")

    ran, plain = shop.run(*command, "--json"), shop.run(*command)

    assert ran.code == plain.code == 2
    (fault,) = ran.json["faults"]
    assert fault.keys() == {"file", "key", "fault", "mend"}
    assert fault["file"] == str(shop.config)
    assert "bogus" in fault["key"]
    assert "bogus" in plain.out + plain.err


def test_a_missing_configuration_is_a_fault(tmp_path: Path) -> None:
    """A file that is not there is named, not traced."""
    assert Shop(tmp_path).run("check-config").code == 2


def test_secret_fits_its_hash() -> None:
    """The printed hash is of the printed secret, which differs every time."""
    shop = Shop(Path("/nonexistent"))
    made, line = shop.run("secret").out.splitlines()

    assert line == f'secret_hash = "sha256:{sha256(made.encode()).hexdigest()}"'
    assert len(made) >= 43
    assert shop.run("secret", "--json").json["secret"] != made


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_dkim_new_makes_the_key_the_configuration_lacks(shop: Shop, kind: str) -> None:
    """It works while the configuration is at fault for want of this key, and never overwrites one."""
    path = shop.folder / "keys" / "s1.pem"
    path.unlink()

    ran = shop.run("dkim", "new", "Shop.example", "s1", "--type", kind)
    made = path.read_bytes()
    again = shop.run("dkim", "new", "shop.example", "s1")

    assert ran.code == 0
    assert load_key(made)
    assert path.stat().st_mode & 0o777 == 0o600
    assert f's1._domainkey.shop.example. IN TXT ( "v=DKIM1; k={kind}; p=' in ran.out
    assert "[[dkim]]" not in ran.out
    assert again.code == 2
    assert path.read_bytes() == made


def test_dkim_new_for_another_domain_prints_its_table(shop: Shop) -> None:
    """A key the configuration does not know goes to the state directory, with the table to add."""
    ran = shop.run("dkim", "new", "münchen.example", "s2", "--type", "ed25519")

    path = shop.folder / "state" / "dkim" / "xn--mnchen-3ya.example.s2.pem"
    assert path.is_file()
    assert (
        f'[[dkim]]\ndomain = "xn--mnchen-3ya.example"\nselector = "s2"\nprivate_key_file = "{path}"'
        in ran.out
    )


@pytest.mark.parametrize(
    "arguments", [("a b", "s1"), ("..", "s1"), ("shop.example", "../s1"), ("shop.example", "")]
)
def test_dkim_new_refuses_what_is_no_name(shop: Shop, arguments: tuple[str, str]) -> None:
    """Neither a domain nor a selector can lead out of the folder for keys."""
    assert shop.run("dkim", "new", *arguments).code == 2


def test_dkim_record_prints_every_configured_key(shop: Shop) -> None:
    """The record of a key that is there; a key that is missing is named."""
    ran = shop.run("dkim", "record", "--json")
    (shop.folder / "keys" / "s1.pem").write_text("no key")

    assert ran.json["name"] == "s1._domainkey.shop.example"
    assert re.fullmatch(r"v=DKIM1; k=ed25519; p=[\w+/]{43}=", ran.json["value"])
    assert shop.run("dkim", "record").code == 2


def test_db_check_and_upgrade(shop: Shop) -> None:
    """Before the first start there is no store to check; upgrade makes it, and then it fits."""
    assert shop.run("db", "check").code == 3
    assert shop.state == []
    assert shop.run("db", "upgrade").code == 0
    ran = shop.run("db", "check", "--json")
    assert (ran.code, ran.json["fault"]) == (0, None)


def test_a_store_of_another_schema_is_refused(stocked: Shop) -> None:
    """A newer store is not opened: db check answers no, and other commands say what to do."""
    with sqlite3.connect(stocked.folder / "state" / "sendright.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.close()

    assert stocked.run("db", "check").code == 1
    for command in COMMANDS:
        ran = stocked.run(*command)
        assert ran.code == 2
        assert "newer" in ran.err


def test_the_first_command_makes_keys_and_store(shop: Shop) -> None:
    """Where there is neither, any command that needs them makes both; nobody else can read the keys."""
    assert shop.run("log").code == 0
    assert {"keys.json", "sendright.db"} <= set(shop.state)
    assert (shop.folder / "state" / "keys.json").stat().st_mode & 0o777 == 0o600


def test_a_store_without_keys_is_refused(stocked: Shop) -> None:
    """It is named and left alone: no keys are made that would hide the loss."""
    (stocked.folder / "state" / "keys.json").unlink()

    for command in COMMANDS:
        ran = stocked.run(*command)
        assert ran.code == 2
        assert "keys.json" in ran.err
    assert "keys.json" not in stocked.state


def test_keys_without_store_is_a_part_that_is_down(stocked: Shop) -> None:
    """Every command says so alike, and what to do; no empty store is made that would hide the loss."""
    (stocked.folder / "state" / "sendright.db").unlink()
    rehearsal = ("import", str(stocked.folder / "people.csv"), "--dry-run")
    (stocked.folder / "people.csv").write_text("email,kind\n")

    for command in [*COMMANDS, ("verify",), ("db", "check"), rehearsal]:
        ran = stocked.run(*command)
        assert (command, ran.code) == (command, 3)
        assert "sendright.db is not: bring it back" in ran.err
    assert "sendright.db" not in stocked.state


def test_other_keys_are_refused(stocked: Shop) -> None:
    """A store opens with the keys it was made with, or not at all."""
    (stocked.folder / "state" / "keys.json").unlink()
    other = stocked.folder / "other"
    other.mkdir()
    (other / "gateway.toml").write_text(CONFIG)
    (other / "keys").mkdir()
    (other / "keys" / "s1.pem").write_bytes((stocked.folder / "keys" / "s1.pem").read_bytes())
    Shop(other).run("db", "upgrade")
    (other / "state" / "keys.json").rename(stocked.folder / "state" / "keys.json")

    ran = stocked.run("log")

    assert ran.code == 2
    assert "keys" in ran.err


def test_a_store_that_is_down_is_exit_code_3(stocked: Shop) -> None:
    """A file that is no database any more is a part that is down, told in one line."""
    for path in (stocked.folder / "state").glob("sendright.db*"):
        path.write_bytes(b"not a database at all" * 1000)

    for command in (*COMMANDS, ("db", "check"), ("import", stocked.folder / "rows.csv")):
        ran = stocked.run(*command)
        assert ran.code == 3
        assert ran.err.startswith("sendright: ")


def test_a_wrong_command_is_exit_code_2(shop: Shop) -> None:
    """A command nobody knows is named."""
    ran = shop.run("precheck")
    assert ran.code == 2
    assert "precheck" in ran.err


def test_the_program_itself(shop: Shop) -> None:
    """Run as a program: exit code and result, and nothing but the result, on standard output."""
    ran = shop.program("import", shop.file("rows.csv", ROWS), "--json")

    assert (ran.code, ran.err) == (0, "")
    assert ran.json["imported"] == 3
    assert shop.program("decide", "bram@example.org", "--category", "newsletter").code == 1


def test_the_program_ends_quietly_when_nobody_reads_on(stocked: Shop) -> None:
    """`sendright ... | head` shows no traceback."""
    import subprocess
    import sys

    piped = subprocess.run(
        f"{sys.executable} -m gateway log --config {stocked.config} | true",
        shell=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert piped.stderr == ""
