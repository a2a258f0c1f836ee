"""Commands for setting up: check-config, secret, db."""

from __future__ import annotations

import os
import secrets
from hashlib import sha256

import typer

from gateway.commands.terminal import (
    NO,
    WRONG,
    AsJson,
    ConfigFile,
    configuration,
    remark,
    tell,
    tell_faults,
    tell_json,
)
from gateway.config import ConfigError, find, load, warnings
from gateway.opening import store_of, upgrade
from gateway.store import database

SECRET_OCTETS = 32

store = typer.Typer(help="The store's schema.", no_args_is_help=True)


def check_config(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Name every fault of the configuration at once, each with what would be right."""
    path = find(config, os.environ)
    try:
        loaded = load(path, os.environ)
    except ConfigError as error:
        tell_faults(error.faults, as_json=as_json, result=True)
        raise typer.Exit(WRONG) from None
    found = warnings(loaded)
    for warning in found:
        remark(f"{warning.file}: {warning.key}: {warning.fault}; {warning.mend}")
    if as_json:
        tell_json({"faults": []})
    else:
        tell(f"{path}: no faults{_and(len(found))}")


def _and(warned: int) -> str:
    return f", {warned} warning{'s' * (warned != 1)}" if warned else ""


def secret(as_json: AsJson = False) -> None:
    """Print a fresh secret for a mail tool, and the line by which the configuration knows it."""
    made = secrets.token_hex(SECRET_OCTETS)  # letters and digits: nothing a shell or an option parser minds
    known_by = f"sha256:{sha256(made.encode()).hexdigest()}"
    if as_json:
        tell_json({"secret": made, "secret_hash": known_by})
        return
    tell(made)
    tell(f'secret_hash = "{known_by}"')


@store.command("upgrade")
def db_upgrade(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Bring the store to this version's schema."""
    done = upgrade(configuration(config, as_json=as_json))
    if as_json:
        tell_json({"schema": database.SchemaState("").wanted, "done": done})
    else:
        tell(done)


@store.command("check")
def db_check(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Say whether the store fits this version; changes nothing."""
    loaded = configuration(config, as_json=as_json)
    store_of(loaded)
    state = database.check(loaded.store.url)
    if as_json:
        tell_json({"current": state.current or None, "wanted": state.wanted, "fault": state.fault or None})
    else:
        tell(state.fault or f"the store has schema {state.current}, as this version wants")
    if state.fault:
        raise typer.Exit(NO)
