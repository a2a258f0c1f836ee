"""The page behind a link and the objection by its button, beside a bare handler in aiohttp that does little:
the same bytes for a GET, and one committed row for a POST.

Every link is that of a mail which the gateway has sent before, so that what a page looks up is there. A POST
is always of somebody who has not objected yet.
"""

from __future__ import annotations

import contextlib
import http.client
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from statistics import median

from gateway import keys as keys_file
from gateway.tokens import Token, seal
from tests.bench import people, processes, visitors
from tests.bench.figures import Aim, Part, Sheet, spread
from tests.bench.load import BLOCK, Load
from tests.bench.sink import await_port, free_port
from tests.bench.stage import PEOPLE, ROUNDS, SECONDS, Stage

WARM_UP = 1000  # requests
SLICES = ROUNDS * 5
POSTS = BLOCK // (SLICES + 1)  # of one slice: nobody objects twice
FORM = b"choice=category&via=page"
LEAST_GET, LEAST_POST = 0.5, 0.3


@dataclass
class Rates:
    """What one server came to, slice by slice."""

    name: str
    port: int
    pids: Sequence[int]
    answers: list[float] = field(default_factory=list)  # a second
    cpu: list[float] = field(default_factory=list)  # microseconds a request

    def ask(self, requests: Sequence[bytes]) -> None:
        """One slice more."""
        spent = processes.cpu_seconds(self.pids)
        self.answers.append(visitors.rate(self.port, requests))
        self.cpu.append((processes.cpu_seconds(self.pids) - spent) / len(requests) * 1e6)


def measure(stage: Stage) -> Part:
    """GET and POST, each of them and the bare handler in turn, in slices so short that both meet the same."""
    ours, port = stage.gateway
    stage.source.run(ours, Load(BLOCK))
    links = _links(stage.folder / f"{PEOPLE}.db")
    new = iter(links)
    first = next(new)
    pages = _answer(port, _get(first)), _answer(port, _post(first))
    with _bare(stage.folder, *pages) as (bare, pid):

        def both() -> list[Rates]:
            return [Rates("bare handler", bare, [pid]), Rates("sendright", port, ours.pids)]

        some = list(map(_get, links[:WARM_UP]))
        enough = round(min(visitors.rate(at, some) for at in (bare, port)) * SECONDS * ROUNDS / SLICES)
        looked, posted = both(), both()
        gets = cycle(map(_get, links))
        for requests in ([*islice(gets, enough)] for _ in range(SLICES)):
            for one in looked:
                one.ask(requests)
        for requests in ([*map(_post, islice(new, POSTS))] for _ in range(SLICES)):
            for one in posted:
                one.ask(requests)
    return _part(looked, posted, [len(page) for page in pages])


def _part(looked: list[Rates], posted: list[Rates], octets: Sequence[int]) -> Part:
    rows, aims = [], []
    for what, (bare, ours), least, size in (
        ("GET /u/{token}", looked, LEAST_GET, octets[0]),
        ("POST /u/{token}", posted, LEAST_POST, octets[1]),
    ):
        rows += [(what, one.name, f"{size:,}", spread(one.answers), spread(one.cpu)) for one in (bare, ours)]
        ratio = median(our / its for our, its in zip(ours.answers, bare.answers, strict=True))
        aims.append(Aim(f"{what}, times a bare handler", ratio, least, at_least=True))
    title = f"Pages, {visitors.CONNECTIONS} connections"
    columns = ("request", "", "octets of the page", "a second", "CPU µs a request")
    return Part([Sheet(title, columns, rows)], aims)


def _links(store: Path) -> list[str]:
    """The token of every mail that was sent, each to somebody else."""
    held = keys_file.load(people.keys_path())
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        sent = connection.execute(
            "SELECT max(id), person FROM decisions WHERE decision = 'send' GROUP BY person ORDER BY 1"
        ).fetchall()
    return [
        seal(Token(number, person, people.CONTROLLER, "newsletter", consent=True), held)
        for number, person in sent[-BLOCK:]
    ]


def _get(link: str) -> bytes:
    return f"GET /u/{link} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Language: nl\r\n\r\n".encode()


def _post(link: str) -> bytes:
    kind = "Content-Type: application/x-www-form-urlencoded"
    head = f"POST /u/{link} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Language: nl\r\n{kind}\r\n"
    return f"{head}Content-Length: {len(FORM)}\r\n\r\n".encode() + FORM


def _answer(port: int, request: bytes) -> bytes:
    """The body of the answer. Raises RuntimeError unless it is that all is well."""
    head, _, body = request.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    method, path, _ = line.split()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, dict(field.split(": ") for field in fields))
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    if response.status != 200:
        raise RuntimeError(f"{method} {path} was answered with {response.status}")
    return answer


@contextmanager
def _bare(folder: Path, got: bytes, posted: bytes) -> Iterator[tuple[int, int]]:
    """The bare handler, until the block ends: its port and its process id."""
    port = free_port()
    files = [folder / "bare.get", folder / "bare.post"]
    for file, content in zip(files, (got, posted), strict=True):
        file.write_bytes(content)
    command = [sys.executable, "-m", "tests.bench.bare", str(port), folder / "bare.db", *files]
    process = subprocess.Popen(command)
    try:
        await_port(port, 60)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(30)
