"""Promise: several processes are one gateway, whichever of them dies or is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.envelope import Stage
from tests.house import ANNA, BRAM, link_of, parsed
from tests.service import Service, ended, send, serving

Serve = Callable[..., Any]


def on(pid: int) -> Callable[[int], bool]:
    """Wanted: this worker."""
    return lambda other: other == pid


def not_on(*pids: int) -> Callable[[int], bool]:
    """Wanted: any other worker."""
    return lambda other: other not in pids


async def test_mail_goes_through_each_worker(serve: Serve) -> None:
    """The workers share one port, and each relays what it is given."""
    service: Service = await serve()
    await service.consent(ANNA)

    replies = [await asyncio.to_thread(service.submit, ANNA, to=on(pid)) for pid in service.workers]

    assert [reply[0] for reply, _ in replies] == [250, 250]
    assert service.smarthost.delivered == [ANNA, ANNA]


async def test_a_killed_worker_costs_no_mail_and_doubles_none(serve: Serve) -> None:
    """Killed between two people, it is replaced; the other answers the retry, from the record (I5)."""
    service: Service = await serve(connections=2)  # one for each worker: people are served in turn
    await service.consent(ANNA, BRAM)
    gate = service.smarthost.hold(Stage.RCPT, recipient=BRAM, times=1)
    client, killed = await asyncio.to_thread(service.session)
    first = asyncio.create_task(asyncio.to_thread(send, client, ANNA, BRAM))
    await gate.reached()

    os.kill(killed, signal.SIGKILL)
    with pytest.raises(OSError):
        await first
    gate.release()
    (other,) = service.workers - {killed}
    (code, text), _ = await asyncio.to_thread(service.submit, ANNA, BRAM, to=on(other))
    died = await service.logged("worker died")
    again = await service.logged("worker started again")
    _, fresh = await asyncio.to_thread(service.submit, ANNA, to=not_on(other))

    assert (code, text.split()[2:]) == (250, ["relayed=2", "withheld=0", "refused=0"])
    assert service.smarthost.delivered == [ANNA, BRAM, ANNA]
    assert (died["pid"], died["status"], again["pid"]) == (killed, -signal.SIGKILL, fresh)


async def test_sigterm_drains(serve: Serve) -> None:
    """A transaction under way is finished and answered; then every process ends, with status 0."""
    service: Service = await serve()
    await service.consent(ANNA)
    gate = service.smarthost.hold(Stage.DOT)
    client, _ = await asyncio.to_thread(service.session)
    reply = asyncio.create_task(asyncio.to_thread(send, client, ANNA))
    await gate.reached()
    workers = service.workers

    service.signal(signal.SIGTERM)
    await service.logged("draining")
    gate.release()

    assert (await reply)[0] == 250
    assert await service.process.wait() == 0
    assert [await ended(pid) for pid in workers] == [None, None]
    assert service.smarthost.delivered == [ANNA]


async def test_workers_drain_when_their_supervisor_is_killed(serve: Serve) -> None:
    """What is under way is finished; until then the state directory is taken, afterwards it is free."""
    service: Service = await serve()
    await service.consent(ANNA, BRAM)
    gate = service.smarthost.hold(Stage.DOT, times=1)
    client, busy = await asyncio.to_thread(service.session)
    reply = asyncio.create_task(asyncio.to_thread(send, client, ANNA))
    await gate.reached()
    (idle,) = service.workers - {busy}

    service.signal(signal.SIGKILL)
    await ended(idle)
    refused = await _serve_in_vain(service.path)
    gate.release()
    code, _ = await reply
    await ended(busy)

    assert (refused[0], "another gateway serves" in refused[1], code) == (2, True, 250)
    async with serving(service.path, service.smarthost) as successor:
        await asyncio.to_thread(successor.submit, BRAM)
    assert service.smarthost.delivered == [ANNA, BRAM]


async def _serve_in_vain(path: Path) -> tuple[int, str]:
    """Exit status and standard error of a gateway that cannot serve."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "serve", "--config", str(path),
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode is not None
    return process.returncode, said.decode()


class Stream:
    """Clients that come and go without a pause, each with one message or one page, until they are told."""

    def __init__(self, service: Service) -> None:
        self.failures: list[Exception] = []
        self.served = 0
        self._service = service
        self._over = threading.Event()
        self._progress = threading.Condition()

    async def __aenter__(self) -> Stream:
        tasks = [self._mail, self._mail, self._mail, self._pages, self._kept_pages]
        self._tasks = [asyncio.create_task(asyncio.to_thread(self._repeat, task)) for task in tasks]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        await asyncio.gather(*self._tasks)

    async def goes_on(self, count: int = 40) -> None:
        """Wait until so many more were served, or one was not."""
        await asyncio.to_thread(self._wait, self.served + count)

    def _wait(self, count: int) -> None:
        with self._progress:
            assert self._progress.wait_for(lambda: self.served >= count or self.failures, timeout=60)

    def _repeat(self, task: Callable[[], None]) -> None:
        while not self._over.is_set():
            try:
                task()
            except Exception as failure:
                self.failures.append(failure)
            with self._progress:
                self.served += 1
                self._progress.notify_all()

    def _mail(self) -> None:
        client = self._service.connect()
        code, text = send(client, ANNA)
        client.quit()
        assert code == 250, text

    def _pages(self) -> None:
        self._service.get(times=1)

    def _kept_pages(self) -> None:
        self._service.get(times=20)


async def test_a_reload_drops_nobody(serve: Serve) -> None:
    """Under a stream of clients, reloads with as many, more and fewer workers reset and refuse none."""
    service: Service = await serve()
    await service.consent(ANNA)
    first, sizes = service.workers, (2, 3, 1, 2)

    async with Stream(service) as stream:
        await stream.goes_on()
        for before, size in zip((2, *sizes), sizes, strict=False):
            service.edit(f"workers = {before}", f"workers = {size}")
            await service.reload()
            await stream.goes_on()

    assert stream.failures == []
    assert [await ended(pid) for pid in first] == [None, None]


async def test_a_session_outlives_a_reload(serve: Serve) -> None:
    """A client that was there before a reload is served after it; those that come then are by new words."""
    service: Service = await serve()
    await service.consent(ANNA)
    client, old = await asyncio.to_thread(service.session)

    service.edit("Nieuwsbrief", "Weekbericht")
    await service.reload()
    kept = await asyncio.to_thread(send, client, ANNA)
    await asyncio.to_thread(client.quit)
    _, new = await asyncio.to_thread(service.submit, ANNA)
    await ended(old)

    copies = [parsed(copy).get_payload(0).get_payload(decode=True) for copy in service.smarthost.messages]
    assert (kept[0], old != new) == (250, True)
    assert [(b"Nieuwsbrief" in copy, b"Weekbericht" in copy) for copy in copies] == [
        (True, False),
        (False, True),
    ]


FAULTS = {
    '"newsletter", "parcels"': ('"newsletter", "invoice"', "login[tool].categories"),
    'state_dir = "elsewhere"': ('state_dir = "state"', "restart"),
    'listen = ["192.0.2.1:2525"]': ('listen = ["127.0.0.1:0"]', "192.0.2.1:2525"),
    "[smtp": ("[smtp]", "not TOML"),
}


async def test_a_broken_configuration_changes_nothing(serve: Serve) -> None:
    """A reload with a fault is refused with its name in the log; the same workers serve on, as before."""
    service: Service = await serve()
    await service.consent(ANNA)
    workers = service.workers
    service.edit("Nieuwsbrief", "Weekbericht")

    for number, (new, (old, fault)) in enumerate(FAULTS.items(), 1):
        service.edit(old, new)
        service.signal(signal.SIGHUP)
        assert fault in (await service.logged("reload refused", number))["fault"]
        service.edit(new, old)
    await asyncio.to_thread(service.submit, ANNA)

    assert service.workers == workers
    assert b"Nieuwsbrief" in service.smarthost.messages[0].content


async def test_a_reload_whose_workers_cannot_start_changes_nothing(serve: Serve) -> None:
    """What shows only in a new worker ends that reload alone; the old workers stay until one succeeds."""
    service: Service = await serve()
    await service.consent(ANNA)
    workers = service.workers
    obstacle = service.path.with_name("state") / "sendright.db-writers"
    obstacle.unlink()
    obstacle.mkdir()

    service.signal(signal.SIGHUP)
    refused = await service.logged("reload refused")
    (code, _), pid = await asyncio.to_thread(service.submit, ANNA)
    obstacle.rmdir()
    await service.reload()
    _, fresh = await asyncio.to_thread(service.submit, ANNA, to=not_on(*workers))

    assert "could not start" in refused["fault"]
    assert (code, pid in workers, fresh in workers) == (250, True, False)


async def test_a_start_whose_workers_cannot_start_fails(write_config: Callable[..., Path]) -> None:
    """Where no worker can serve, the program ends by itself, with the status of a part that is down."""
    path = write_config(smarthost=25)
    (path.with_name("state") / "sendright.db-writers").mkdir(parents=True)

    code, said = await _serve_in_vain(path)

    assert (code, '"event": "worker failed"' in said) == (3, True)


async def test_a_message_under_way_survives_a_reload_as_its_own(serve: Serve) -> None:
    """The same message again, on a successor, waits for the retiring worker's and is not sent twice (I5)."""
    service: Service = await serve(answer_within=1)
    await service.consent(ANNA)
    gate = service.smarthost.hold(Stage.DOT)
    client, old = await asyncio.to_thread(service.session)
    first = asyncio.create_task(asyncio.to_thread(send, client, ANNA))
    await gate.reached()

    await service.reload()
    (meanwhile, _), _ = await asyncio.to_thread(service.submit, ANNA)
    gate.release()
    unanswered, _ = await first
    client.close()
    await ended(old)
    (code, text), _ = await asyncio.to_thread(service.submit, ANNA)

    assert (meanwhile, unanswered) == (451, 451)
    assert (code, text.split()[2]) == (250, "relayed=1")
    assert service.smarthost.delivered == [ANNA]


async def test_an_objection_through_one_worker_binds_the_other(serve: Serve) -> None:
    """Acknowledged by either worker, an objection stops the very next message on the other (I3)."""
    service: Service = await serve()
    await service.consent(ANNA, BRAM)
    one, other = service.workers

    for person, clicked, asked in ((ANNA, one, other), (BRAM, other, one)):
        await asyncio.to_thread(service.submit, person, to=on(asked))
        link = link_of(service.smarthost.messages[-1])
        await asyncio.to_thread(service.fetch, "POST", link, on(clicked))
        (_, text), _ = await asyncio.to_thread(service.submit, person, to=on(asked))
        assert "withheld=1" in text

    assert service.smarthost.delivered == [ANNA, BRAM]


async def test_figures_are_the_sum_of_all_workers(serve: Serve) -> None:
    """Whichever worker is asked shows the same; counts that were shown outlive a worker, gauges do not."""
    service: Service = await serve()
    await service.consent(ANNA, BRAM)
    one, other = service.workers
    held = [(await asyncio.to_thread(service.session, on(pid)))[0] for pid in (one, other)]
    for client, person in zip(held, (ANNA, BRAM), strict=True):
        await asyncio.to_thread(send, client, person)

    shown = [await _figures(service, pid) for pid in (one, other)]
    os.kill(one, signal.SIGKILL)
    await service.logged("worker died")
    after = await _figures(service, other)

    assert shown == [{"messages": 2, "copies": 2, "connections": 2}] * 2
    assert after == {"messages": 2, "copies": 2, "connections": 1}


async def _figures(service: Service, pid: int) -> dict[str, float]:
    text = await asyncio.to_thread(service.fetch, "GET", "/metrics", on(pid))
    samples = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {
        "messages": float(samples['sendright_messages_total{result="done"}']),
        "copies": float(samples["sendright_relay_seconds_count"]),
        "connections": float(samples["sendright_connections"]),
    }
