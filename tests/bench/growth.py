"""The same load with ever more people in the ledger, and with a journal of years, in turn in one run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from rich.console import Console
from rich.progress import track

from gateway import ids
from gateway.store.spelling import micros
from tests.bench import gateway, people
from tests.bench.contender import Contender
from tests.bench.figures import Aim, Part
from tests.bench.load import Load, Run, Source
from tests.bench.relay import sheet
from tests.bench.stage import ROUNDS, SECONDS, WORKERS, Stage, medians

PEOPLE = [int(number) for number in os.environ.get("BENCH_GROWTH", "10000,1000000,10000000").split(",")]
JOURNAL = int(os.environ.get("BENCH_JOURNAL", "50000000"))
COPIED = 1_000_000  # people, up to which a ledger is copied; a larger one is measured in its place
LEAST = 0.9
ROW = 900  # octets that a decision takes with its fate and their details, on the safe side
BATCH = 1_000_000
SINCE, UNTIL = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)

# What is a row's own; all else is as the product wrote its last row. So digests and links are another row's:
# `sendright verify` would not accept them, and nothing else reads them.
OWN = {
    "decisions": {
        "id": ":first + i * :step",
        "submission": ":first + i * :step",
        "controller": "CASE i % 5 WHEN 0 THEN controller ELSE 'other' || i % 5 END",
        "day": "(:since + i * :gap) / 86400000000",
        "decided_at": ":since + i * :gap",
        "person": "randomblob(16)",
        "n": "i",
    },
    "decision_details": {
        "decision": ":first + i * :step",
        "address": "i || 'reader@example.org'",
    },
    "fates": {
        "decision": ":first + i * :step",
        "at": ":since + i * :gap",
        "n": "i",
    },
    "fate_details": {"decision": ":first + i * :step"},
}

MOST_WARMED = 8 << 30  # octets


def measure(stage: Stage) -> Part:
    """Every ledger and the journal, each behind a gateway of its own."""
    stores = {f"{number:,} people": (number, _ledger(number, stage.folder)) for number in PEOPLE}
    empty = next(iter(stores))
    if rows := _fitting(JOURNAL):
        stores[f"{PEOPLE[0]:,} people, {rows:,} decisions"] = PEOPLE[0], journal(stage, rows)
    for _, store in stores.values():
        _warm(store)
    with ExitStack() as stack:
        gateways: dict[str, tuple[Contender, Source]] = {}
        for number, (name, (held, store)) in enumerate(stores.items()):
            folder = stage.folder / f"growth-{number}"
            ours, _ = stack.enter_context(gateway.serving(folder, store, stage.sink.port, WORKERS, name=name))
            gateways[name] = ours, Source(folder, stage.sink, held)
        runs = _in_turn(gateways)
    rates = medians(runs)
    aims = [
        Aim(f"{name} / {empty}", rates[name] / rates[empty], LEAST, at_least=True) for name in list(runs)[1:]
    ]
    return Part([sheet("10 kB, 40 sessions, as the store grows", runs)], aims)


def _warm(store: Path) -> None:
    """Read it through where memory holds it, so that the kernel has it at hand as after a first mailing."""
    if store.stat().st_size < MOST_WARMED:
        with store.open("rb") as file:
            while file.read(1 << 24):
                pass


def _in_turn(gateways: dict[str, tuple[Contender, Source]]) -> dict[str, list[Run]]:
    """All the same number of messages; the first round only warms up."""
    ours, source = next(iter(gateways.values()))
    load = Load(max(round(source.run(ours, Load(500)).rate * SECONDS), 500))
    runs: dict[str, list[Run]] = {name: [] for name in gateways}
    for turn in range(ROUNDS + 1):
        for name, (contender, its_source) in gateways.items():
            run = its_source.run(contender, load)
            if turn:
                runs[name].append(run)
    return runs


def _ledger(number: int, folder: Path) -> Path:
    return people.copied(number, folder) if number <= COPIED else people.store(number)


def _fitting(rows: int) -> int:
    """As many rows as the disk has room for, in whole batches."""
    if _path(rows).exists():
        return rows
    people.CACHE.mkdir(parents=True, exist_ok=True)
    room = shutil.disk_usage(people.CACHE).free // ROW // BATCH * BATCH
    return min(rows, room)


def _path(rows: int) -> Path:
    return people.CACHE / f"journal-{people.shape()}-{PEOPLE[0]}-{rows}.db"


def journal(stage: Stage, rows: int) -> Path:
    """A database with so many decisions and what goes with them; made where there is none yet."""
    path = _path(rows)
    if not path.exists():
        draft = path.with_suffix(".draft")
        shutil.copyfile(people.store(PEOPLE[0]), draft)
        with gateway.serving(stage.folder / "template", draft, stage.sink.port, 1) as (ours, _):
            Source(stage.folder, stage.sink, PEOPLE[0]).run(ours, Load(1))
        multiply(draft, rows)
        count(draft, lambda _: b"")
        draft.rename(path)
    return path


def multiply(
    path: Path,
    rows: int,
    own: Mapping[str, Mapping[str, str]] = OWN,
    more: Mapping[str, object] | None = None,
) -> None:
    """Rows like the one there is, in the order of their ids, spread evenly over the time between.

    `own` says in SQL what is a row's own, by table and column; it may use the parameters `more`.
    """
    first = ids.first_at(SINCE)
    values = {
        "first": first,
        "step": (ids.first_at(UNTIL) - first) // rows,
        "since": micros(SINCE),
        "gap": (micros(UNTIL) - micros(SINCE)) // rows,
        **(more or {}),
    }
    with people.quickly(path) as connection, people.without_indexes(connection, *own):
        statements = [
            _copying(connection.execute(f"SELECT * FROM {table}").fetchone(), table, columns)
            for table, columns in own.items()
        ]
        for start in track(
            range(1, rows, BATCH), f"a journal of {rows} decisions", console=Console(stderr=True)
        ):
            connection.execute("BEGIN")
            for statement in statements:
                connection.execute(statement, values | {"from": start, "to": min(start + BATCH - 1, rows)})
            connection.execute("COMMIT")


def count(path: Path, mark: Callable[[str], bytes]) -> None:
    """The tallies as they would have been counted; `mark` is what stands for a campaign's name."""
    key = (
        "controller, decided_at / 3600000000, login, coalesce(category, ''), campaign_mark(campaign),"
        " decisions.decision, coalesce(ground, reason), relaxed"
    )
    with people.quickly(path) as connection:
        connection.create_function("campaign_mark", 1, cache(mark), deterministic=True)
        connection.execute("DELETE FROM tallies")
        connection.execute(
            f"INSERT INTO tallies SELECT {key}, count(*), min(id), max(id) FROM decisions"
            f" JOIN decision_details AS beside ON beside.decision = id GROUP BY {key}"
        )


def _copying(row: people.Row, table: str, own: Mapping[str, str]) -> str:
    """INSERT of rows from :from to :to, each a copy of the table's newest but for what is its own."""
    columns = [own.get(name, name) for name in row]
    key = next(iter(own))
    return (
        f"INSERT INTO {table} ({','.join(row)}) "
        "WITH RECURSIVE k(i) AS (SELECT :from UNION ALL SELECT i + 1 FROM k WHERE i < :to) "
        f"SELECT {','.join(columns)} FROM k, (SELECT * FROM {table} ORDER BY {key} DESC LIMIT 1)"
    )
