"""An import beside a bare `executemany` of the same rows into the same schema, in one run; and its memory."""

from __future__ import annotations

import contextlib
import csv
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway import keys as keys_file
from gateway.config import load
from gateway.opening import upgrade
from gateway.store import database
from gateway.store.tables import ledger, ledger_details
from tests.bench import people
from tests.bench.configuration import configured
from tests.bench.figures import Aim, Part, Sheet
from tests.bench.stage import Stage

ROWS = int(os.environ.get("BENCH_IMPORT", "1000000"))
LEAST = 0.25  # of the rows a second of the bare one
FLAT = 1.1  # times the memory that a tenth of the rows takes
READ = 100_000  # rows of the bare one in memory at once
SINCE = datetime(2025, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Run:
    """What writing so many rows took: seconds, processor seconds, resident megabytes at most."""

    rows: int
    seconds: float
    cpu: float
    megabytes: float = 0.0

    def said(self, name: str) -> tuple[str, ...]:
        """A line of the sheet."""
        resident = f"{self.megabytes:.0f}" if self.megabytes else ""
        rate, cpu_us = self.rows / self.seconds, self.cpu / self.rows * 1e6
        return name, f"{self.rows:,}", f"{rate:,.0f}", f"{cpu_us:.1f}", resident


def measure(stage: Stage) -> Part:
    """A tenth of the rows, for the memory it takes; all of them; and all of them bare."""
    tenth, _ = _imported(stage.folder / "import-tenth", max(ROWS // 10, 1))
    whole, store = _imported(stage.folder / "import", ROWS)
    bare = _bare(store, stage.folder / "bare.db")
    runs = {"import": whole, "import of a tenth": tenth, "bare executemany": bare}
    columns = ("", "rows", "rows/s", "CPU µs a row", "resident MB at most")
    ratio = bare.seconds / whole.seconds
    flat = whole.megabytes / tenth.megabytes
    return Part(
        [Sheet("evidence from a file", columns, [run.said(name) for name, run in runs.items()])],
        [
            Aim(f"import / bare executemany, {ROWS:,} rows", ratio, LEAST, at_least=True),
            Aim("resident, all rows / a tenth of them", flat, FLAT, at_least=False, unit="times"),
        ],
    )


def _imported(folder: Path, rows: int) -> tuple[Run, Path]:
    """`sendright import` of so many rows into an empty store, and that store."""
    store = folder / "sendright.db"
    config = configured(folder, store, people.keys_path(), people.dkim_key())
    upgrade(load(config, {}))
    file = folder / "people.csv"
    _write(file, rows)
    command = [sys.executable, "-m", "gateway", "import", str(file), "--config", str(config)]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.returncode
    return Run(rows, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024), store


def _write(file: Path, rows: int) -> None:
    """Consents, each of somebody else and at another time."""
    with file.open("w", newline="") as text:
        out = csv.writer(text)
        out.writerow(["email", *people.CONSENT])
        for number in range(rows):
            values = people.CONSENT | {"occurred_at": (SINCE + number * SECOND).isoformat()}
            out.writerow([people.name_of(number), *values.values()])


def _bare(store: Path, target: Path) -> Run:
    """The rows of this store, written into an empty one in one transaction; reading them is not counted."""
    url = f"sqlite+aiosqlite:///{target.absolute()}"
    database.create(url, keys_file.load(people.keys_path()).check)
    rows, seconds, cpu = 0, 0.0, 0.0
    with (
        contextlib.closing(sqlite3.connect(store)) as source,
        contextlib.closing(database.connect(target)) as bare,
    ):
        bare.execute("BEGIN IMMEDIATE")
        for both in _chunks(source):
            before = time.perf_counter(), time.process_time()
            for table, chunk in both.items():
                marks = ",".join("?" * len(chunk[0]))
                bare.executemany(f"INSERT INTO {table} VALUES ({marks})", chunk)
            seconds += time.perf_counter() - before[0]
            cpu += time.process_time() - before[1]
            rows += len(both[ledger.name])
        before = time.perf_counter(), time.process_time()
        bare.execute("COMMIT")
        return Run(rows, seconds + time.perf_counter() - before[0], cpu + time.process_time() - before[1])


def _chunks(source: sqlite3.Connection) -> Iterator[dict[str, list[tuple[object, ...]]]]:
    """So many rows of each table at once, in the order they were written."""
    cursors = {
        table.name: source.execute(f"SELECT * FROM {table.name} ORDER BY {table.primary_key.columns[0].name}")
        for table in (ledger, ledger_details)
    }
    while chunk := {name: rows for name, cursor in cursors.items() if (rows := cursor.fetchmany(READ))}:
        yield chunk
