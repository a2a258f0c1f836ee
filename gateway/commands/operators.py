"""Commands for people who may sign in to the admin pages: operator add, list, revoke."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from gateway.commands.terminal import (
    NO,
    AsJson,
    ConfigFile,
    configuration,
    fail,
    printable,
    tell,
    tell_json,
)
from gateway.config import Config
from gateway.opening import rooms
from gateway.operators import COMMAND_LINE, Account, Role, fault_of_name, fault_of_password
from gateway.passwords import Passwords, fresh

operator = typer.Typer(help="People who may sign in to the admin pages.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="By which they sign in.")]


@operator.command("add")
def operator_add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What they may do.")],
    generate: Annotated[
        bool, typer.Option("--generate", help="Print a fresh random password instead of asking for one.")
    ] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Let somebody sign in; a revoked operator as if new, with a new password and no second factor.

    The password is asked for twice on a terminal, and else is one line of standard input.
    """
    loaded = configuration(config, as_json=as_json)
    if fault := fault_of_name(name):
        fail(fault)
    password = fresh() if generate else _password()
    if fault := fault_of_password(password, name):
        fail(fault)
    if not asyncio.run(_add(loaded, name, role, password)):
        fail(f"there is an operator {name} already: revoke first, then add anew", NO)
    if as_json:
        tell_json({"name": name, "role": role} | ({"password": password} if generate else {}))
    elif generate:
        tell(password)


@operator.command("list")
def operator_list(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show who may sign in, and who might once."""
    accounts = asyncio.run(_all(configuration(config, as_json=as_json)))
    if as_json:
        tell_json({"operators": [_plain(one) for one in accounts]})
        return
    for one in accounts:
        since = f"since {one.added_at:%Y-%m-%d}"
        until = f", revoked {one.revoked_at:%Y-%m-%d}" if one.revoked_at else ""
        factor = ", second factor" if one.second_factor else ""
        tell(printable(f"{one.name}: {one.role}, {since}{factor}{until}"))


@operator.command("revoke")
def operator_revoke(name: Name, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Let somebody sign in no more, and end their sessions at once."""
    if not asyncio.run(_revoke(configuration(config, as_json=as_json), name)):
        fail(f"nobody may sign in as {name}", NO)
    if as_json:
        tell_json({"revoked": name})


def _password() -> str:
    """Asked for, or read. Ends the command where two differ."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        fail("the passwords differ")
    return password


async def _add(config: Config, name: str, role: Role, password: str) -> bool:
    hashed = await Passwords().hash(password)
    async with rooms(config) as place:
        return await place.accounts.add(name, role, hashed, place.clock.now(), COMMAND_LINE)


async def _all(config: Config) -> Sequence[Account]:
    async with rooms(config) as place:
        return await place.accounts.all()


async def _revoke(config: Config, name: str) -> bool:
    async with rooms(config) as place:
        return await place.accounts.revoke(name, place.clock.now(), COMMAND_LINE)


def _plain(one: Account) -> dict[str, object]:
    return {
        "name": one.name,
        "role": one.role,
        "second_factor": one.second_factor is not None,
        "added_at": one.added_at.isoformat(),
        "revoked_at": one.revoked_at.isoformat() if one.revoked_at else None,
    }
