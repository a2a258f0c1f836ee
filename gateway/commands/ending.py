"""Commands that end what is held: erase, retention plan, retention apply (GDPR 5(1)(e), 17; L24, L25)."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from gateway.address import Mailbox
from gateway.commands.recording import ControllerId, known_controller, mailbox_of
from gateway.commands.terminal import DOWN, AsJson, ConfigFile, configuration, fail, tell, tell_json
from gateway.config import Config
from gateway.erasing import Erased, as_plain
from gateway.erasing import erase as erased_by
from gateway.intake.fields import is_blank, kept
from gateway.opening import rooms
from gateway.retaining import ClassPlan, Plan, apply, plan

LEFT = "something still held the files or mail was under way: run it again, so that nothing is left on disk"

retention = typer.Typer(help="What has been kept long enough, by the terms configured.", no_args_is_help=True)


def erase(
    address: Annotated[str, typer.Argument(help="Whom to forget.")],
    operator: Annotated[str, typer.Option(help="Who does it.")],
    controller: ControllerId = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Erase a person; refusals stay as keyed hashes. Without --controller, with every controller."""
    loaded = configuration(config, as_json=as_json)
    mailbox = mailbox_of(address)
    if is_blank(operator):
        fail("--operator must say something")
    asked = [known_controller(loaded, controller)] if controller else list(loaded.controllers)
    done = asyncio.run(_erase(loaded, asked, mailbox, kept(operator)))
    if as_json:
        tell_json([as_plain(one) for one in done])
    else:
        for one in done:
            _tell_erased(one)
    if not all(one.complete for one in done):
        fail(f"erased, but {LEFT}", DOWN)


async def _erase(config: Config, controllers: list[str], mailbox: Mailbox, operator: str) -> list[Erased]:
    async with rooms(config) as place:
        return [await erased_by(place, controller, mailbox, operator) for controller in controllers]


def _tell_erased(one: Erased) -> None:
    tell(
        f"{one.controller}: details erased of {one.evidence} rows of evidence and {one.mail} decisions;"
        f" {one.refusals} refusals bind on, as a keyed hash"
    )
    for row in one.kept:
        what = ", ".join(row.details) or "nothing but its facts"
        tell(f"  evidence {row.evidence} ({row.kind}) keeps {what} until {row.until:%Y-%m-%d}: {row.reason}")


@retention.command("plan")
def retention_plan(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show what goes, what must stay and why; changes nothing."""
    loaded = configuration(config, as_json=as_json)
    _tell_plan(asyncio.run(_plan(loaded)), as_json=as_json)


@retention.command("apply")
def retention_apply(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Delete the details of what has been kept long enough, and record that it was done."""
    loaded = configuration(config, as_json=as_json)
    done, is_clean = asyncio.run(_apply(loaded))
    _tell_plan(done, as_json=as_json)
    if not is_clean:
        fail(f"done, but {LEFT}", DOWN)


async def _plan(config: Config) -> Plan:
    async with rooms(config) as place:
        return await plan(place)


async def _apply(config: Config) -> tuple[Plan, bool]:
    async with rooms(config) as place:
        return await apply(place)


def _tell_plan(made: Plan, *, as_json: bool) -> None:
    if as_json:
        tell_json({"at": made.at.isoformat(), "classes": [_plain(one) for one in made.classes.values()]})
        return
    tell(f"{'class':14} {'goes':>9} {'oldest':10} {'newest':10} {'must stay':>9} {'may stay':>9}  why")
    for one in made.classes.values():
        oldest, newest = (f"{day:%Y-%m-%d}" if day else "" for day in (one.oldest, one.newest))
        tell(
            f"{one.name:14} {one.goes:>9} {oldest:10} {newest:10} {one.must_stay:>9} {one.may_stay:>9}  "
            + _why(one)
        )


def _why(one: ClassPlan) -> str:
    if one.term is None:
        return "no term is configured: all stays"
    return f"{one.term.keep_at_least_days} to {one.term.keep_at_most_days} days: {one.term.reason}"


def _plain(one: ClassPlan) -> dict[str, object]:
    term = one.term
    return {
        "class": one.name,
        "keep_at_least_days": term.keep_at_least_days if term else None,
        "keep_at_most_days": term.keep_at_most_days if term else None,
        "reason": term.reason if term else None,
        "goes": one.goes,
        "oldest": one.oldest.isoformat() if one.oldest else None,
        "newest": one.newest.isoformat() if one.newest else None,
        "must_stay": one.must_stay,
        "may_stay": one.may_stay,
    }
