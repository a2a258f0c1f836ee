"""Where the gateway's time goes: py-spy samples its workers under load, and each sample counts for a step.

A sample counts for the innermost frame that belongs to a step, so that what a library does is its caller's.
What each thread spent is shared out among the samples in which it ran or was ready to; so a step in which it
is often made to wait for a core, as in sending, looks somewhat dearer than it is. py-spy must be allowed to
look into another process: as root, or where ptrace is open to the same user.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

from tests.bench import processes
from tests.bench.figures import Part, Sheet
from tests.bench.load import Load
from tests.bench.stage import Stage

HZ = 250
MOST_FUNCTIONS = 25
STEPS = {  # the first that fits a frame's file
    "sign": ("gateway/mail/signature", "/dkim/"),
    "parse": ("gateway/mail/message", "gateway/mail/structure", "gateway/mail/originator", "gateway/mailing"),
    "rewrite": ("gateway/mail/", "gateway/copies", "gateway/tokens", "gateway/texts"),
    "relay out": tuple(f"gateway/smtp/{name}." for name in ("smarthost", "line", "dialog", "wire")),
    "SMTP in": ("gateway/smtp/", "aiosmtpd/", "gateway/address"),
    "decide": ("gateway/law/", "gateway/store/deciding"),
    "store": ("gateway/store/",),
    "log and metrics": ("structlog/", "gateway/logs", "gateway/metrics", "prometheus_client/"),
    "the story": ("gateway/submission", "gateway/tally", "gateway/envelope", "gateway/ids", "gateway/keys"),
    "web": ("gateway/web/", "aiohttp/"),
}
LOOP = "event loop"
_THREAD = re.compile(r"thread \((\d+)\)")
_FRAME = re.compile(r"(.*) \((.*):\d+\)")


def measure(stage: Stage) -> Part:
    """A table of steps, and one of the functions that take most."""
    ours, _ = stage.gateway
    load = Load(stage.enough(ours, Load(1)))
    spying = [(pid, processes.thread_seconds(pid), *_spy(pid, stage.folder)) for pid in ours.workers]
    run = stage.source.run(ours, load)
    steps: Counter[str] = Counter()
    functions: Counter[str] = Counter()
    for pid, before, process, path in spying:
        spent = {
            thread: took - before.get(thread, 0) for thread, took in processes.thread_seconds(pid).items()
        }
        process.send_signal(signal.SIGINT)  # it writes what it has
        process.wait(30)
        _weigh(path.read_text().splitlines(), spent, steps, functions)
    return Part(
        [
            Sheet(
                "processor time of a 10 kB copy by step, 40 sessions",
                ("step", "share", "CPU ms a copy"),
                [*_shares(steps, run.cpu_ms), ("in all", "100%", f"{run.cpu_ms:.3f}")],
            ),
            Sheet(
                "by function, without what it calls in Python",
                ("function", "share", "CPU ms a copy"),
                _shares(functions, run.cpu_ms)[:MOST_FUNCTIONS],
            ),
        ]
    )


def _weigh(
    stacks: list[str], spent: Mapping[int, float], steps: Counter[str], functions: Counter[str]
) -> None:
    """Share out what each thread spent among its samples."""
    by_thread: dict[int, list[tuple[list[str], int]]] = defaultdict(list)
    for line in stacks:
        stack, _, count = line.rpartition(" ")
        name, *frames = stack.split(";")
        if found := _THREAD.search(name):
            by_thread[int(found[1])].append((frames, int(count)))
    for thread, sampled in by_thread.items():
        each = spent.get(thread, 0.0) / sum(samples for _, samples in sampled) * 1e6
        for frames, samples in sampled:
            step, function = _placed(frames)
            steps[step] += round(each * samples)
            functions[function] += round(each * samples)


def _shares(weights: Counter[str], cpu_ms: float) -> list[tuple[str, str, str]]:
    total = weights.total()
    return [
        (name, f"{weight / total:.1%}", f"{weight / total * cpu_ms:.3f}")
        for name, weight in weights.most_common()
    ]


def _spy(pid: int, folder: Path) -> tuple[subprocess.Popen[bytes], Path]:
    """py-spy at work on one process until it is told to stop, and where it writes."""
    path = folder / f"{pid}.stacks"
    command = [
        str(Path(sys.executable).with_name("py-spy")),
        "record",
        "--pid",
        str(pid),
        "--output",
        str(path),
    ]
    options = ["--format", "raw", "--rate", str(HZ), "--duration", "600", "--threads", "--nonblocking"]
    process = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)  # it looks for the interpreter first
    return process, path


def _placed(stack: list[str]) -> tuple[str, str]:
    """The step and the function that a stack counts for."""
    frames = [(match[1], match[2]) for frame in stack if (match := _FRAME.fullmatch(frame))]
    function = "{} ({})".format(*frames[-1]) if frames else LOOP
    for _, file in reversed(frames):
        for step, files in STEPS.items():
            if any(part in file for part in files):
                return step, function
    return LOOP, function
