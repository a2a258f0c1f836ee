"""The command before a campaign: precheck."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, TextIO, TypeAlias

import typer

from gateway.commands.asking import answer_of, category_named
from gateway.commands.recording import progress, written
from gateway.commands.terminal import (
    NO,
    AsJson,
    ConfigFile,
    configuration,
    fail,
    guarded,
    printable,
    remark,
    tell,
)
from gateway.config import Config
from gateway.grants import known_categories
from gateway.intake import AddressFile, FileError
from gateway.law.category import Category
from gateway.law.decision import Send
from gateway.law.evidence import Channel
from gateway.opening import rooms
from gateway.precheck import Checked, Mail, precheck

REJECTED = "rejected"  # beside send and withhold: what is no address, so that nothing could be decided
COLUMNS = ("address", "decision", "ground", "reason", "article", "evidence", "line")

Show: TypeAlias = Callable[[Checked], None]
Tally: TypeAlias = Counter[tuple[str, str]]  # how many, by decision and its ground or reason


def precheck_(
    file: Annotated[Path, typer.Argument(help="Addresses: CSV with a column email, JSON lines, or plain.")],
    category: Annotated[str, typer.Option(help="The category of the mail.")],
    channel: Annotated[Channel, typer.Option(help="By what means.")] = "email",
    out: Annotated[Path | None, typer.Option(help="Write a line for each address here.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say for a whole list what would be sent or withheld, and why; records nothing."""
    loaded = configuration(config, as_json=as_json)
    chosen = category_named(loaded, category)
    try:
        source = AddressFile(file)
        with ExitStack() as stack:
            lines = stack.enter_context(written(out, source, "--out")) if out else sys.stdout
            stack.enter_context(progress(source, "checking"))
            tally = asyncio.run(_precheck(loaded, chosen, channel, source, _shower(lines, as_json=as_json)))
    except FileError as error:
        fail(str(error))
    _tell_summary(tally, as_json=as_json, show=tell if out else remark)
    if any(decision != "send" for decision, _ in tally):
        raise typer.Exit(NO)


async def _precheck(
    config: Config, category: Category, channel: Channel, source: AddressFile, show: Show
) -> Tally:
    mail = Mail(
        controller=config.controllers[category.controller],
        category=category,
        channel=channel,
        known_categories=known_categories(config, category.controller),
    )
    tally: Tally = Counter()
    async with rooms(config) as place:
        async for checked in precheck(place.ledger, place.keys, mail, source.rows(), place.clock.now()):
            show(checked)
            tally[_why(checked)] += 1
    return tally


def _why(checked: Checked) -> tuple[str, str]:
    decision = checked.decision
    if decision is None:
        return REJECTED, ""
    if isinstance(decision, Send):
        return "send", decision.ground.value
    return "withhold", decision.reason.value


def _shower(lines: TextIO, *, as_json: bool) -> Show:
    """Writes a line for each address."""
    if as_json:
        return lambda checked: print(json.dumps(_answer(checked)), file=lines)
    out = csv.writer(lines, lineterminator="\n")
    out.writerow(COLUMNS)
    return lambda checked: out.writerow(_cells(_answer(checked)).values())


def _answer(checked: Checked) -> dict[str, object]:
    """As `decide` prints it, with the address and its line; a rejected one says what is wrong with it."""
    if checked.decision is None:
        answer: dict[str, object] = dict.fromkeys(("decision", "ground", "reason", "article", "evidence"))
        answer |= {"decision": REJECTED, "reason": checked.fault, "evidence": []}
    else:
        answer = answer_of(checked.decision)
    return {"address": printable(checked.address), **answer, "line": checked.line}


def _cells(answer: dict[str, object]) -> dict[str, object]:
    """The same for a spreadsheet; only the address is in words that are not ours."""
    ids = answer["evidence"]
    evidence = " ".join(map(str, ids)) if isinstance(ids, list) else ""
    return answer | {"address": guarded(str(answer["address"])), "evidence": evidence}


def _tell_summary(tally: Tally, *, as_json: bool, show: Callable[[str], None]) -> None:
    """How many of each, the most first."""
    if as_json:
        counts: dict[str, dict[str, int]] = {"send": {}, "withhold": {}}
        for (decision, why), count in tally.items():
            if why:
                counts[decision][why] = count
        show(json.dumps({"addresses": tally.total(), **counts, REJECTED: tally[REJECTED, ""]}))
        return
    show(f"addresses {tally.total()}")
    for (decision, why), count in sorted(tally.items(), key=lambda one: (one[0][0], -one[1])):
        show(f"  {decision} {why}".rstrip() + f" {count}")
