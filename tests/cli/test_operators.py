"""sendright operator: who may sign in to the admin pages."""

from __future__ import annotations

import os
import pty
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from argon2 import PasswordHasher
from typer.testing import CliRunner

from gateway.cli import app
from gateway.operators import LONGEST_NAME, LONGEST_PASSWORD
from tests.cli.conftest import Ran, Shop

PASSWORD = "a goose walks over the bridge"


def run(shop: Shop, *arguments: str, typed: str = f"{PASSWORD}\n") -> Ran:
    """The command, with this on standard input."""
    done = CliRunner().invoke(
        app, ["operator", *arguments], env={"SENDRIGHT_CONFIG": str(shop.config)}, input=typed
    )
    return Ran(done.exit_code, done.stdout, done.stderr)


def listed(shop: Shop) -> dict[str, dict[str, object]]:
    """Everybody, by name."""
    return {one["name"]: one for one in run(shop, "list", "--json").json["operators"]}


def kept(shop: Shop, name: str) -> str:
    """The hash on record."""
    with closing(sqlite3.connect(shop.folder / "state" / "sendright.db")) as database:
        ((text,),) = database.execute("SELECT password FROM operators WHERE name = ?", (name,))
    return str(text)


def test_an_operator_is_added_listed_and_revoked(shop: Shop) -> None:
    """The password is read from standard input and kept as an Argon2id hash alone."""
    assert run(shop, "add", "olga", "--role", "officer") == Ran(0, "", "")
    assert listed(shop)["olga"]["role"] == "officer"
    assert kept(shop, "olga").startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PasswordHasher().verify(kept(shop, "olga"), PASSWORD)
    assert run(shop, "list").out.startswith("olga: officer, since ")

    assert run(shop, "revoke", "olga").code == 0
    assert listed(shop)["olga"]["revoked_at"]
    assert run(shop, "revoke", "olga").code == run(shop, "revoke", "nobody").code == 1


def test_a_name_in_use_is_not_added_again_and_a_revoked_one_is_restored(shop: Shop) -> None:
    """Restored with the new password and role, as if new."""
    run(shop, "add", "olga", "--role", "officer")
    assert run(shop, "add", "olga", "--role", "viewer").code == 1
    run(shop, "revoke", "olga")

    assert run(shop, "add", "olga", "--role", "viewer", typed="quite another one\n").code == 0

    assert (listed(shop)["olga"]["role"], listed(shop)["olga"]["revoked_at"]) == ("viewer", None)
    assert PasswordHasher().verify(kept(shop, "olga"), "quite another one")


def test_a_generated_password_is_printed_and_works(shop: Shop) -> None:
    """Nothing is read from standard input then."""
    made = run(shop, "add", "olga", "--role", "viewer", "--generate", "--json", typed="").json

    assert PasswordHasher().verify(kept(shop, "olga"), made["password"])
    assert len(run(shop, "add", "otto", "--role", "viewer", "--generate", typed="").out.strip()) == 24


@pytest.mark.parametrize(
    ("arguments", "typed"),
    [
        (("add", "olga", "--role", "owner"), f"{PASSWORD}\n"),
        (("add", "olga"), f"{PASSWORD}\n"),
        (("add", "", "--role", "viewer"), f"{PASSWORD}\n"),
        (("add", " olga", "--role", "viewer"), f"{PASSWORD}\n"),
        (("add", "ol\nga", "--role", "viewer"), f"{PASSWORD}\n"),
        (("add", "(command line)", "--role", "viewer"), f"{PASSWORD}\n"),
        (("add", "o" * (LONGEST_NAME + 1), "--role", "viewer"), f"{PASSWORD}\n"),
        (("add", "olga", "--role", "viewer"), "short\n"),
        (("add", "olga", "--role", "viewer"), ""),
        (("add", "olga", "--role", "viewer"), "x" * (LONGEST_PASSWORD + 1) + "\n"),
        (("add", "olga", "--role", "viewer"), "ababababababab\n"),
        (("add", "olga of the office", "--role", "viewer"), "Olga of the office\n"),
    ],
)
def test_what_cannot_be_is_refused_and_nobody_added(
    shop: Shop, arguments: tuple[str, ...], typed: str
) -> None:
    """Exit code 2 and a sentence that says why, never with the password in it."""
    ran = run(shop, *arguments, typed=typed)

    assert ran.code == 2
    assert ran.err.strip()
    assert not typed.strip() or typed.strip() not in ran.err
    assert listed(shop) == {}


@pytest.mark.parametrize(("again", "code"), [(PASSWORD, 0), ("a goose walks under the bridge", 2)])
def test_on_a_terminal_the_password_is_asked_for_twice(shop: Shop, again: str, code: int) -> None:
    """Neither is echoed, and they must be the same."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"SENDRIGHT_CONFIG": str(shop.config)}
    with subprocess.Popen(
        [sys.executable, "-m", "gateway", "operator", "add", "olga", "--role", "viewer"],
        env=environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as program:
        err = b""
        for typed in (PASSWORD, again):
            while not err.endswith(b": "):  # what is typed before the question is thrown away
                err += os.read(program.stderr.fileno(), 100) or pytest.fail(err.decode())
            os.write(ours, f"{typed}\n".encode())
            err += b"\n"
        out, more = program.communicate(timeout=60)
    err += more
    os.close(ours)
    os.close(theirs)

    assert program.returncode == code, err
    assert PASSWORD.encode() not in out + err
    assert (("olga" in listed(shop)), b"differ" in err) == (code == 0, code == 2)


def test_what_the_command_line_does_is_on_record_and_verifies(shop: Shop) -> None:
    """Acts of operators are links of the chain as all others."""
    run(shop, "add", "olga", "--role", "officer")
    run(shop, "revoke", "olga")

    assert shop.run("verify").code == 0
