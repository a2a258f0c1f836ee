"""Commands that put evidence on record: import, object."""

from __future__ import annotations

import asyncio
import csv
import gc
import json
import os
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from gateway.address import AddressError, Mailbox, parse
from gateway.commands.rehearsal import rehearsal
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
    tell_json,
)
from gateway.config import Config
from gateway.grants import known_categories
from gateway.intake import EvidenceFile, FileError, Imported, RawRow, import_file
from gateway.intake.fields import FIELDS, is_blank, kept
from gateway.intake.recording import OnReject, Rooms
from gateway.law.standing import CATEGORY, CHANNEL
from gateway.objecting import Objecting, Recorded
from gateway.opening import rooms

COLLECT_AFTER = 50_000  # objects: some batches of rows
NEAR = 0.65  # of 1: how like a column's name must be for a slip
PASSES = 2  # an import reads its file twice: refusals take effect first

ControllerId = Annotated[str | None, typer.Option("--controller", help="For which controller.")]


def import_(
    file: Annotated[Path, typer.Argument(help="Evidence as CSV or JSON lines.")],
    controller: ControllerId = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Record nothing; say what would be.")] = False,
    rejects: Annotated[
        Path | None, typer.Option(help="Write the rows that fail here, with line number and reason.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Put evidence on record; what is on record already stays as it is.

    The columns of each kind, with rows that work, are in docs/import.md.
    """
    loaded = configuration(config, as_json=as_json)
    chosen = _the_controller(loaded, controller)
    try:
        source = EvidenceFile(file)
        with _rejects(rejects, source) as on_reject, progress(source, "importing", PASSES):
            report = asyncio.run(_import(loaded, chosen, source, on_reject, dry_run=dry_run))
    except FileError as error:
        fail(str(error))
    _tell_report(report, dry_run=dry_run, as_json=as_json)
    if report.rejected:
        raise typer.Exit(NO)


async def _import(
    config: Config, controller: str, source: EvidenceFile, on_reject: OnReject, *, dry_run: bool
) -> Imported:
    opened: AbstractAsyncContextManager[Rooms] = rehearsal(config) if dry_run else rooms(config)
    async with opened as place:
        gc.freeze()  # what is there by now stays; rows come and go by the million, and none refers to itself
        gc.set_threshold(COLLECT_AFTER)
        return await import_file(place, controller, source, on_reject=on_reject)


def _the_controller(config: Config, asked: str | None) -> str:
    """For whom; where several are configured it must be said (contract section 2)."""
    if asked is None and len(config.controllers) == 1:
        (only,) = config.controllers
        return only
    if asked is None:
        fail(f"say for which controller: --controller {' | '.join(sorted(config.controllers))}")
    return known_controller(config, asked)


def known_controller(config: Config, asked: str) -> str:
    """The controller of that id, or the end of the command."""
    if asked not in config.controllers:
        fail(f"there is no controller {asked!r}; there is {', '.join(sorted(config.controllers))}")
    return asked


@contextmanager
def _rejects(path: Path | None, source: EvidenceFile) -> Iterator[OnReject]:
    """Tells of rejected rows: in the file asked for, else by line and reason alone, on standard error."""
    if path is None:
        yield lambda raw, reason: remark(f"line {raw.line}: {reason}")
        return
    with written(path, source, "--rejects") as file:
        yield _reject_writer(file, source.columns)


def written(path: Path, source: EvidenceFile, option: str) -> TextIO:
    """The file that an option names, opened for what comes of `source`; or the end of the command."""
    try:
        if path.exists() and path.samefile(source.path):
            fail(f"{option} names the file that is read")
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # it names people
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    return os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="")


def _reject_writer(file: TextIO, columns: tuple[str, ...]) -> OnReject:
    """Writes line number, reason and the known columns; others are not kept here either (L23)."""
    out = csv.writer(file)
    out.writerow(["line", "reason", *columns])

    def write(raw: RawRow, reason: str) -> None:
        cells = [_cell(raw.fields.get(name)) for name in columns]
        out.writerow([raw.line, guarded(reason), *map(guarded, cells)])

    return write


def _cell(value: object) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


@contextmanager
def progress(source: EvidenceFile, doing: str, passes: int = 1) -> Iterator[None]:
    """A bar on standard error, which follows how much of the file was read; only where somebody watches."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    if not console.is_terminal:
        yield
        return
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(doing, total=passes * source.size)
        source.on_progress = lambda done: bar.update(task, completed=done)
        yield


def _tell_report(report: Imported, *, dry_run: bool, as_json: bool) -> None:
    if report.unproven:
        remark(
            f"unproven consents: {report.unproven}; without source, wording and wording_version"
            " they are kept, and never count (GDPR art. 7(1))"
        )
    for category, count in sorted(report.unconfirmed.items()):
        remark(
            f"unconfirmed consents: {count}; {category} asks for confirmed_at (double opt-in):"
            " without it they are kept, and do not count"
        )
    for name in report.dropped_columns:
        if near := get_close_matches(name.lower(), FIELDS, 1, NEAR):
            remark(f"{name}: did you mean {near[0]}?")
    counts = {name: getattr(report, name) for name in ("imported", "unchanged", "rejected")}
    if as_json:
        tell_json(counts | {"dropped_columns": list(report.dropped_columns)})
        return
    tell(", ".join(f"{name} {count}" for name, count in counts.items()) + " (dry run)" * dry_run)
    if report.dropped_columns:
        tell(f"not stored: {', '.join(report.dropped_columns)}")


def object_(
    address: Annotated[str, typer.Argument(help="Whose objection.")],
    via: Annotated[str, typer.Option(help="How it came in: phone, letter, reply, complaint, or words.")],
    operator: Annotated[str, typer.Option(help="Who records it.")],
    controller: ControllerId = None,
    scope: Annotated[
        str, typer.Option(help="marketing, category:ID, profiling or channel:NAME.")
    ] = "marketing",
    reference: Annotated[str, typer.Option(help="Where the letter or call is filed.")] = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Record an objection; without --controller, to the mail of every controller."""
    loaded = configuration(config, as_json=as_json)
    mailbox = mailbox_of(address)
    for name, value in (("--via", via), ("--operator", operator)):
        if is_blank(value):
            fail(f"{name} must say something")
    asked = [known_controller(loaded, controller)] if controller else list(loaded.controllers)
    said = {"via": kept(via), "operator": kept(operator), "reference": kept(reference)}
    done, strangers = asyncio.run(_object(loaded, mailbox, asked, scope, said))
    for one in done:
        if as_json:
            continue
        since = "recorded" if one.new else f"on record since {one.at.isoformat(timespec='seconds')}"
        tell(f"{one.controller}: objection to {one.scope} {since}, evidence {one.id}")
        if one.scope != scope.strip():
            tell(f"  that is all marketing of {one.controller}: it knows no {printable(scope)!r}")
    if as_json:
        tell_json(
            [
                {
                    "controller": one.controller,
                    "scope": one.scope,
                    "evidence": one.id,
                    "new": one.new,
                    "at": one.at.isoformat(),
                }
                for one in done
            ]
        )
    for one in done:
        if one.scope != scope.strip():
            known = _scopes(loaded, one)
            remark(f"scope {printable(scope)!r} is not known to {one.controller}; there is {known}")
    for controller in strangers:
        remark(f"{controller}: nothing else is on record about this address; is it spelled as they gave it?")


def _scopes(config: Config, recorded: Recorded) -> str:
    """The scopes that a controller knows, for whoever meant one of them."""
    own = sorted(known_categories(config, recorded.controller))
    return ", ".join(["marketing", "profiling", *(CATEGORY + name for name in own), f"{CHANNEL}NAME"])


async def _object(
    config: Config, mailbox: Mailbox, controllers: list[str], scope: str, said: dict[str, str]
) -> tuple[list[Recorded], list[str]]:
    """What is on record now; and the controllers that have nothing else about this person."""
    from gateway.app import sending_receipts  # here, since no other command needs the edges

    async with rooms(config) as place, sending_receipts(config, place) as receipts:
        objecting = Objecting(
            place.ledger,
            place.journal.sent,
            place.keys,
            config.controllers,
            config.categories,
            place.clock,
            receipts.send,
        )
        done = await objecting.object_address(
            mailbox,
            controllers,
            scope=scope.strip(),
            via=said["via"],
            operator=said["operator"],
            reference=said["reference"],
        )
        held = [await place.ledger.evidence(one.controller, one.person) for one in done]
        return done, [one.controller for one, rows in zip(done, held, strict=True) if len(rows) <= 1]


def mailbox_of(address: str) -> Mailbox:
    """The mailbox of an argument, or the end of the command."""
    try:
        return parse(
            os.fsencode(address.strip())
        )  # as it was typed, so that octets that are no UTF-8 are named
    except AddressError as error:
        fail(f"{address.strip()!a}: {error}")
