"""What processes have used, as Linux tells it under /proc (proc(5))."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")  # a second


def tree(pid: int) -> list[int]:
    """The process and all that descend from it and live."""
    found = [pid]
    for one in found:
        for children in Path(f"/proc/{one}/task").glob("*/children"):
            try:
                found += map(int, children.read_text().split())
            except FileNotFoundError:
                continue  # the thread ended meanwhile
    return found


def cpu_seconds(pids: Iterable[int]) -> float:
    """Processor time of these process trees, in user and in kernel; that of the dead is their parent's."""
    return sum(_ticks(pid) for root in pids for pid in tree(root)) / TICKS


def _ticks(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime


def status(pid: int, name: str) -> int:
    """A number of /proc/PID/status: VmRSS or VmHWM in kB, voluntary_ctxt_switches. Raises KeyError."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return int(value.split()[0])
    raise KeyError(name)


def wakes(pid: int) -> int:
    """How often the threads of a process have gone to sleep so far, and so were woken."""
    return sum(
        int(line.split()[1])
        for thread in Path(f"/proc/{pid}/task").iterdir()
        for line in (thread / "status").read_text().splitlines()
        if line.startswith("voluntary_ctxt_switches")
    )


def thread_seconds(pid: int) -> dict[int, float]:
    """Processor time of each living thread of a process."""
    return {
        int(thread.name): int((thread / "schedstat").read_text().split()[0]) / 1e9
        for thread in Path(f"/proc/{pid}/task").iterdir()
    }
