"""An objection by one click and a question to the API while mail pours in: how long each takes."""

from __future__ import annotations

import http.client
import json
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gateway import keys as keys_file
from gateway.tokens import Token, seal
from tests.bench import people
from tests.bench.configuration import SECRET
from tests.bench.figures import Aim, Part, Sheet
from tests.bench.load import BLOCK, Load
from tests.bench.stage import PEOPLE, SECONDS, Stage

IDLE = ENOUGH = 200  # POSTs
PATIENCE = 20  # seconds, after which fewer must do
PAUSE = 0.01  # seconds between two POSTs
MOST = 5.0  # times the idle median


@dataclass(frozen=True)
class Request:
    """A POST."""

    path: str
    body: str
    fields: Mapping[str, str]


def measure(stage: Stage) -> Part:
    """Each kind of request idle, then under full load."""
    ours, port = stage.gateway
    load = Load(min(stage.enough(ours, Load(1)) * 3, BLOCK))
    people_left = iter(range(max(PEOPLE - BLOCK, 0), PEOPLE))  # of the last block, which no load is sent to
    rows: list[tuple[str, ...]] = []
    aims = []
    for name, request_for in (("objection", click), ("decide", _decision)):
        requests = map(request_for, people_left)
        if _status(port, next(requests)) == 404:
            aims.append(Aim(_aimed(name), None, MOST, at_least=False, unit="no such endpoint yet"))
            continue
        idle = [seconds_of(port, next(requests)) for _ in range(IDLE)]
        loaded = _under_load(stage, load, requests)
        rows += [(name, "idle", *said(idle)), (name, "under full SMTP load", *said(loaded))]
        ratio = percentile(loaded, 0.99) / statistics.median(idle)
        aims.append(Aim(_aimed(name), ratio, MOST, at_least=False, unit="times"))
    columns = ("request", "", "POSTs", "median", "99th percentile", "most")
    return Part([Sheet("HTTP beside SMTP, milliseconds from connecting to the answer", columns, rows)], aims)


def _aimed(name: str) -> str:
    return f"{name} over HTTP under load, p99 / idle median"


def _under_load(stage: Stage, load: Load, requests: Iterator[Request]) -> list[float]:
    """One request after another while mail comes in, load after load until there are enough."""
    ours, port = stage.gateway
    taken: list[float] = []
    end = time.monotonic() + PATIENCE
    while len(taken) < ENOUGH and time.monotonic() < end:
        source = stage.source.begin(ours, load)
        time.sleep(min(0.5, SECONDS / 4))
        while source.poll() is None:
            taken.append(seconds_of(port, next(requests)))
            time.sleep(PAUSE)
    return taken


def click(number: int) -> Request:
    """One click of somebody (RFC 8058)."""
    held = keys_file.load(people.keys_path())
    person = held.hash(people.CONTROLLER, people.name_of(number))
    token = seal(Token(number + 1, person, people.CONTROLLER, "newsletter", consent=True), held)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return Request(f"/u/{token}", "List-Unsubscribe=One-Click", kind)


def _decision(number: int) -> Request:
    """Whether somebody may be mailed (contract section 5)."""
    asked = {"category": "newsletter", "channel": "email", "addresses": [people.name_of(number)]}
    kind = {"Content-Type": "application/json", "Authorization": f"Bearer {SECRET}"}
    return Request("/api/v1/decisions", json.dumps(asked), kind)


def _status(port: int, request: Request) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", request.path, request.body, request.fields)
    response = connection.getresponse()
    response.read()
    connection.close()
    return response.status


def seconds_of(port: int, request: Request) -> float:
    """From connecting to the answer. Raises RuntimeError unless it is that all is well."""
    started = time.perf_counter()
    status = _status(port, request)
    took = time.perf_counter() - started
    if status != 200:
        raise RuntimeError(f"POST {request.path} was answered with {status}")
    return took


def percentile(figures: list[float], share: float) -> float:
    return sorted(figures)[min(int(len(figures) * share), len(figures) - 1)]


def said(figures: list[float]) -> list[str]:
    three = (statistics.median(figures), percentile(figures, 0.99), max(figures))
    return [str(len(figures)), *(f"{figure * 1000:.1f}" for figure in three)]
