"""The command that proves the store: verify (docs/proof.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from gateway.commands.asking import time_named
from gateway.commands.terminal import (
    NO,
    AsJson,
    ConfigFile,
    configuration,
    printable,
    tell,
    tell_json,
)
from gateway.opening import keys_of, store_of
from gateway.replay import Result
from gateway.store.seals import public_key_of
from gateway.store.spelling import moment
from gateway.store.verifying.fault import Fault
from gateway.store.verifying.whole import Verified, faults, opened

LISTED = 1000  # faults that --json names; any more are counted


def verify(
    since: Annotated[
        str | None, typer.Option(help="Only what was written since: a date (UTC), a time, or 2h, 7d ago.")
    ] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Make every decision again, too.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Check that ledger and journal are whole and unaltered; every row that is not is named."""
    loaded = configuration(config, as_json=as_json)
    start = time_named(since, "--since") if since else None
    path = store_of(loaded)
    keys = keys_of(loaded)
    key = public_key_of(keys.seed("seal"))
    verified = Verified()
    listed: list[Fault] = []
    show = _lister(listed) if as_json else _tell_fault
    with opened(path, keys.check) as connection, _progress() as count:
        for fault in faults(connection, key, verified, since=start, replay=replay):
            count()
            if fault:
                show(fault)
    if as_json:
        tell_json(_summary(verified, listed, key, replay=replay))
    else:
        _tell_summary(verified, key, replay=replay)
    if verified.faults:
        raise typer.Exit(NO)


def _lister(listed: list[Fault]) -> Callable[[Fault], None]:
    return lambda fault: listed.append(fault) if len(listed) < LISTED else None


def _tell_fault(fault: Fault) -> None:
    tell(printable(f"{fault.table} {fault.id}: {fault.what}"))


def _summary(verified: Verified, listed: list[Fault], key: bytes, *, replay: bool) -> dict[str, object]:
    return {
        "whole": not verified.faults,
        "faults": [asdict(fault) for fault in listed],
        "fault_count": verified.faults,
        "rows": dict(verified.rows),
        "seals": verified.seals,
        "sealed_at": _sealed_at(verified),
        "replayed": {result.value: verified.replayed[result] for result in Result} if replay else None,
        "key": key.hex(),
    }


def _tell_summary(verified: Verified, key: bytes, *, replay: bool) -> None:
    tell("NOT whole: see above" if verified.faults else "whole and unaltered")
    tell("  " + ", ".join(f"{table} {count}" for table, count in verified.rows.items() if count))
    tell(f"  seals {verified.seals}, the newest of {_sealed_at(verified) or 'never'}")
    if replay:
        tell(
            "  decisions made again: " + ", ".join(f"{verified.replayed[one]} {one.value}" for one in Result)
        )
    tell(f"  public key of the seals: {key.hex()}")


def _sealed_at(verified: Verified) -> str | None:
    return moment(verified.sealed_at).isoformat() if verified.seals else None


@contextmanager
def _progress() -> Iterator[Callable[[], None]]:
    """Counts what has been looked at, on standard error, for whoever watches."""
    console = Console(stderr=True)
    columns = SpinnerColumn(), TextColumn("verifying"), MofNCompleteColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield lambda: progress.advance(task)
