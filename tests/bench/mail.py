"""python -m tests.bench.mail: what a copy costs in time and memory, and how both grow with the message.

Time is processor time of this process. Growth is the time per octet (or part) at the largest size, relative
to the least at any smaller one: 1 is linear, 10 would be quadratic over a tenfold size.
"""

from __future__ import annotations

import email
import gc
import json
import signal
import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rich.console import Console
from rich.progress import track
from rich.table import Table

from gateway.mail.message import Message, UnparsableError
from gateway.mail.notice import Notice
from gateway.mail.rewrite import CannotCarryNoticeError, prepare
from gateway.mail.signature import Signer
from gateway.texts import texts
from tests.bench import shapes
from tests.bench.shapes import KB, MB

COPY_AIM = 0.35  # of email.message_from_bytes
MEMORY_AIM = 4.0  # of the message
GROWTH_AIM = 2.0
ROUNDS = 15
PATIENCE = 30  # seconds of processor time for one size of one shape
LONG_ENOUGH = 0.2  # seconds
SIZES = (60 * KB, 600 * KB, 6 * MB, 50 * MB)
PARTS = (10, 100, 1_000, 10_000)
HOSTILE_SIZES = (100 * KB, MB, 10 * MB)

NOTICE = Notice(
    controller="Café De Zon",
    postal_address="Dorpsstraat 1, 1234 AB Zonstad",
    privacy_policy_url="https://zon.example/privacy",
    category="Nieuwsbrief",
    link="https://gw.example/u/" + "Ab_-" * 16,
    words=texts("nl"),
    ground="consent",
)
RECEIVED = b"Received: from a.example by gw.example; Thu, 7 May 2026 10:00:00 +0200\r\n"
SIGNER = Signer("zon.example", "s", Ed25519PrivateKey.from_private_bytes(b"k" * 32))


@dataclass(frozen=True)
class Figure:
    """One measured thing: its values by size, what came of it, and whether the aim was reached."""

    name: str
    values: dict[str, float]
    outcome: str
    result: float
    reached: bool | None  # None: for information


def main() -> None:
    """Measure, print the tables, and leave the figures in build/bench-mail.json."""
    console = Console()
    sections = {
        "one copy of a 60 kB newsletter / email.message_from_bytes": copies,
        "peak memory of parse, prepare and copy / message": memories,
        "milliseconds, to a signed copy": growths,
    }
    figures: dict[str, list[Figure]] = {}
    for title, measure in sections.items():
        figures[title] = measure()
        console.print(as_table(title, figures[title]))
    build = Path("build")
    build.mkdir(exist_ok=True)
    rows = {title: [asdict(figure) for figure in section] for title, section in figures.items()}
    (build / "bench-mail.json").write_text(json.dumps(rows, indent=2))


def as_table(title: str, figures: list[Figure]) -> Table:
    """One section, the sizes of each row in its cells."""
    table = Table("shape", "by size", "outcome", "result", "", title=title)
    for it in figures:
        cells = "  ".join(f"{size} {value:.4g}" for size, value in it.values.items())
        table.add_row(it.name, cells, it.outcome, f"{it.result:.2f}", verdict(it.reached))
    return table


def verdict(reached: bool | None) -> str:
    """In words."""
    return {True: "reached", False: "not reached", None: "for information"}[reached]


def seconds(work: Callable[[], object]) -> float:
    """Processor time of one run."""
    started = time.process_time()
    work()
    return time.process_time() - started


def copies() -> list[Figure]:
    """A further copy, and the first with all that leads to it, each beside the email package in turn."""
    content = shapes.newsletter(60 * KB)
    prepared = prepare(Message.parse(content), eight_bit=True, received=RECEIVED)
    links = [replace(NOTICE, link=f"https://gw.example/u/{number:064}") for number in range(40)]
    prepared.copy(NOTICE)

    def further() -> None:
        for notice in links:
            prepared.copy(notice)

    def first() -> None:
        for notice in links:
            prepare(Message.parse(content), eight_bit=True, received=RECEIVED).copy(notice)

    def stock() -> None:
        for _ in links:
            email.message_from_bytes(content)

    rounds = [(seconds(further), seconds(first), seconds(stock)) for _ in range(ROUNDS)]
    one, whole, other = (statistics.median(column) / len(links) * 1e6 for column in zip(*rounds, strict=True))
    values = {"ours µs": one, "email µs": other}
    return [
        Figure("a further copy", values, f"{len(content)} octets", one / other, one / other <= COPY_AIM),
        Figure("parse, prepare, first copy", values | {"ours µs": whole}, "", whole / other, None),
    ]


def memories() -> list[Figure]:
    """The most memory at any time, the message itself in it."""
    return [memory(name, make) for name, make in shapes.ORDINARY.items()]


def memory(name: str, make: Callable[[int], bytes]) -> Figure:
    """One shape at each size."""
    values = {}
    outcome = ""
    for size in (MB, 10 * MB, 50 * MB):
        content = make(size)
        gc.collect()
        tracemalloc.start()
        outcome, _ = carried(content)
        values[f"{size // MB} MB"] = 1 + tracemalloc.get_traced_memory()[1] / len(content)
        tracemalloc.stop()
    worst = max(values.values())
    return Figure(name, values, outcome, worst, worst <= MEMORY_AIM)


def carried(content: bytes) -> tuple[str, bytes]:
    """What becomes of a message, and the copy where there is one."""
    try:
        copy = prepare(Message.parse(content), eight_bit=True, received=RECEIVED).copy(NOTICE)
    except (UnparsableError, CannotCarryNoticeError) as refusal:
        return f"refused: {refusal}", b""
    return ("wrapped" if b"=_sendright_" in copy else "edited"), copy


def growths() -> list[Figure]:
    """Ordinary mail by size and by parts, and hostile mail."""
    rows: list[tuple[str, Callable[[int], bytes], tuple[int, ...], Callable[[int], str]]] = [
        *((*shape, SIZES, octets) for shape in shapes.ORDINARY.items()),
        *((*shape, PARTS, str) for shape in shapes.COUNTED.items()),
        *((*shape, HOSTILE_SIZES, octets) for shape in shapes.HOSTILE.items()),
        *(
            (f"{name}, below the bound", shapes.HOSTILE[name], (most // 9, most // 3, most), octets)
            for name, most in shapes.BOUNDS.items()
        ),
    ]
    return [growth(*row) for row in track(rows, "growth", console=Console(stderr=True))]


def octets(size: int) -> str:
    """A size as people say it."""
    return f"{size // MB} MB" if size >= MB else f"{size / KB:.3g} kB"


def growth(
    name: str, make: Callable[[int], bytes], sizes: tuple[int, ...], said: Callable[[int], str]
) -> Figure:
    """One shape at each size, to a signed copy."""
    values: dict[str, float] = {}
    each: list[float] = []
    outcome = ""
    for size in sizes:
        content = make(size)
        try:
            with at_most(PATIENCE):
                outcome, took = timed(content)
        except TimeoutError:
            values[said(size)] = float("inf")
            return Figure(name, values, f"over {PATIENCE} s", float("inf"), reached=False)
        values[said(size)] = took * 1000
        each.append(took / size)
    grown = each[-1] / min(each[:-1])
    return Figure(name, values, outcome, grown, grown <= GROWTH_AIM)


def timed(content: bytes) -> tuple[str, float]:
    """What becomes of a message, and the mean time to its signed copy over enough runs to be measured."""
    gc.collect()
    runs = 0
    started = time.process_time()
    while True:
        outcome, copy = carried(content)
        if copy:
            SIGNER.sign(copy, signed_at=1_700_000_000)
        runs += 1
        took = time.process_time() - started
        if took > LONG_ENOUGH:
            return outcome, took / runs


@contextmanager
def at_most(limit: int) -> Iterator[None]:
    """Raises TimeoutError inside after so many seconds of processor time, in a regular expression too."""

    def ring(number: int, frame: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


if __name__ == "__main__":
    main()
