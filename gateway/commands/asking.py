"""Commands that ask: decide, log."""

from __future__ import annotations

import asyncio
import csv
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from gateway.address import Mailbox
from gateway.commands.doubts import tell_doubts
from gateway.commands.recording import mailbox_of
from gateway.commands.terminal import (
    NO,
    AsJson,
    ConfigFile,
    Format,
    configuration,
    fail,
    guarded,
    printable,
    remark,
    tell,
    tell_json,
)
from gateway.config import Config
from gateway.grants import law_of
from gateway.intake.fields import moment_of
from gateway.law.category import Category
from gateway.law.decision import Decision, Send, Withhold, decide
from gateway.law.evidence import Channel, Evidence
from gateway.law.reason import Reason
from gateway.law.record import Law
from gateway.law.standing import standing_of
from gateway.opening import Rooms, SystemClock, rooms
from gateway.store.log import Filters, LogEntry

_AGO = re.compile(r"(\d{1,6})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def decide_(
    address: Annotated[str, typer.Argument(help="Who would get the mail.")],
    category: Annotated[str, typer.Option(help="The category of the mail.")],
    channel: Annotated[Channel, typer.Option(help="By what means.")] = "email",
    at: Annotated[str | None, typer.Option(help="As it was on record at this time.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say whether a mail may go to this person now, on what ground, and every test on the way."""
    loaded = configuration(config, as_json=as_json)
    moment = time_named(at, "--at") if at else None
    asked_at = moment or SystemClock().now()
    decision = asyncio.run(_decide(loaded, mailbox_of(address), category, channel, moment, asked_at))
    if as_json:
        more = {"category": category, "channel": channel, "at": asked_at.isoformat()}
        tell_json(answer_of(decision) | more)
    else:
        _explain(decision)
    if isinstance(decision, Withhold):
        raise typer.Exit(NO)


def category_named(law: Config | Law, name: str) -> Category:
    """The category, or the end of the command."""
    found = law.categories.get(name)
    if found is None:
        fail(f"there is no category {name!r}; there is {', '.join(sorted(law.categories))}")
    return found


async def _decide(
    config: Config, mailbox: Mailbox, name: str, channel: Channel, at: datetime | None, now: datetime
) -> Decision:
    """The decision; with `at`, from the rows recorded and occurred by then, by the rules in force then."""
    async with rooms(config) as place:
        law = await _law_at(place, at) if at else law_of(config)
        category = category_named(law, name)
        person = place.keys.hash(category.controller, mailbox.comparable)
        rows = await place.ledger.evidence(category.controller, person)
    standing = standing_of(
        _by(at, rows) if at else rows,
        local_part=mailbox.local_part,
        known_categories=law.known_categories(category.controller),
    )
    return decide(category, law.controllers[category.controller], channel, standing, now)


def _by(at: datetime, rows: list[Evidence]) -> list[Evidence]:
    """The rows recorded and occurred by then; how many more had occurred is remarked."""
    occurred = [row for row in rows if row.occurred_at <= at]
    recorded = [row for row in occurred if row.recorded_at <= at]
    if later := len(occurred) - len(recorded):
        remark(f"{later} row{'s' * (later != 1)} occurred by then and were recorded later: they do not count")
    return recorded


async def _law_at(place: Rooms, at: datetime) -> Law:
    """What was in force then; today's configuration where nothing is on record."""
    found = await place.store.configurations.at(at)
    if found is None:
        remark(f"no configuration is on record for {at.isoformat()}: today's is used")
    return found or law_of(place.config)


def answer_of(decision: Decision) -> dict[str, object]:
    """A decision as contract section 2 prints it; what it has none of is None."""
    send = isinstance(decision, Send)
    return {
        "decision": "send" if send else "withhold",
        "ground": decision.ground.value if isinstance(decision, Send) else None,
        "reason": decision.reason.value if isinstance(decision, Withhold) else None,
        "article": decision.article,
        "evidence": list(decision.evidence),
    }


def _explain(decision: Decision) -> None:
    if isinstance(decision, Send):
        more = f" ({decision.customer} customer)" if decision.customer else ""
        tell(f"send: {decision.ground.value}{more}")
        tell(f"  {decision.ground.sentence}")
    else:
        more = f" ({decision.detail})" if decision.detail else ""
        tell(f"withhold: {decision.reason.value}{printable(more)}")
        tell(f"  {decision.reason.sentence}")
    tell(f"  article: {decision.article}")
    tell(f"  evidence: {', '.join(map(str, decision.evidence)) or 'none'}")
    tell("  tests, in order:")
    for step in decision.steps:
        tell(f"    {step.row:>2}  {step.test}: {step.outcome}")


def log(
    withheld: Annotated[bool, typer.Option("--withheld", help="Only what was withheld.")] = False,
    since: Annotated[
        str | None, typer.Option(help="From this time on: a date (UTC), a time with a zone, or 2h, 7d ago.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Up to this time; a date counts to its end.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only this reason code.")] = None,
    category: Annotated[str | None, typer.Option(help="Only this category.")] = None,
    campaign: Annotated[str | None, typer.Option(help="Only this campaign.")] = None,
    login: Annotated[str | None, typer.Option(help="Only this login.")] = None,
    address: Annotated[str | None, typer.Option(help="Only this person.")] = None,
    doubts: Annotated[
        bool, typer.Option("--doubts", help="List objections after which something newer was recorded.")
    ] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TABLE,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List decisions, oldest first: who was mailed or withheld, when, why, and what became of it."""
    loaded = configuration(config, as_json=as_json)
    if reason is not None and reason not in {one.value for one in Reason}:
        fail(f"there is no reason {reason!r}; there is {', '.join(one.value for one in Reason)}")
    filters = Filters(
        withheld=withheld,
        since=time_named(since, "--since") if since else None,
        until=time_named(until, "--until", end_of_day=True) if until else None,
        reason=reason,
        category=category,
        campaign=campaign,
        login=login,
        limit=limit,
    )
    mailbox = mailbox_of(address) if address is not None else None
    chosen = Format.JSON if as_json else form
    if doubts:
        if mailbox or replace(filters, since=None, until=None, limit=None) != Filters():
            fail("--doubts goes with --since, --until, --limit and --format alone")
        asyncio.run(tell_doubts(loaded, filters, chosen))
    else:
        asyncio.run(_log(loaded, filters, mailbox, _printer(chosen)))


async def _log(
    config: Config, filters: Filters, mailbox: Mailbox | None, show: Callable[[LogEntry], None]
) -> None:
    found = 0
    async with rooms(config) as place:
        if mailbox is not None:
            people = tuple(
                (controller, place.keys.hash(controller, mailbox.comparable))
                for controller in config.controllers
            )
            filters = replace(filters, people=people)
        async for entry in place.log.entries(filters):
            show(entry)
            found += 1
    if not found:
        remark("no decision on record matches" if filters != Filters() else "no decision is on record yet")


def _printer(form: Format) -> Callable[[LogEntry], None]:
    if form is Format.JSON:
        return lambda entry: tell_json(dict(_fields(entry)))
    if form is Format.CSV:
        out = csv.writer(sys.stdout, lineterminator="\n")
        out.writerow(LogEntry.__dataclass_fields__)
        return lambda entry: out.writerow([guarded(str(value or "")) for _, value in _fields(entry)])
    tell(f"{'time':20} {'ref':13} {'login':12} {'category':14} {'decision':8} {'fate':8} {'why':24} address")
    return lambda entry: tell(_line(entry))


def _fields(entry: LogEntry) -> Iterator[tuple[str, str | None]]:
    """Contract section 2, `log`; what there is none of is None."""
    for name, value in asdict(entry).items():
        yield name, value.isoformat() if isinstance(value, datetime) else value or None


def _line(entry: LogEntry) -> str:
    why = entry.ground or entry.reason or ""
    return printable(
        f"{entry.time:%Y-%m-%dT%H:%M:%SZ} {entry.ref:13} {entry.login:12} {entry.category or '-':14} "
        f"{entry.decision:8} {entry.fate or '-':8} {why:24} {entry.address or '(erased)'}"
    )


def time_named(text: str, option: str, *, end_of_day: bool = False) -> datetime:
    """The time that an option names: with a zone, or a day in UTC (or its end), or so long ago."""
    plain = text.strip()
    try:
        if ago := _AGO.fullmatch(plain):
            return SystemClock().now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        if _DAY.fullmatch(plain):
            day = datetime.fromisoformat(plain).replace(tzinfo=UTC)
            return day + timedelta(days=1) if end_of_day else day
    except (ValueError, OverflowError):
        pass  # named below, as anything else that is no time
    moment = moment_of(plain)
    if moment is None:
        fail(
            f"{option} {text!r} must be a day, a time with a zone (2026-03-01T09:30:00+01:00), or 2h, 7d ago"
        )
    return moment
