"""Promise: several processes are one gateway, whichever of them dies or is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import smtplib
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from gateway.envelope import Stage
from tests.house import link_of, parsed
from tests.service import Landlord, Service, cut_off, ended, send

pytestmark = pytest.mark.asyncio(loop_scope="module")


def on(pid: int) -> Callable[[int], bool]:
    """Wanted: this worker."""
    return lambda other: other == pid


def not_on(*pids: int) -> Callable[[int], bool]:
    """Wanted: any other worker."""
    return lambda other: other not in pids


async def test_mail_goes_through_each_worker(service: Service) -> None:
    """The workers share one port, and each relays what it is given."""
    (anna,) = await service.consenting(1)

    replies = [await asyncio.to_thread(service.submit, anna, to=on(pid)) for pid in service.workers]

    assert [reply[0] for reply, _ in replies] == [250, 250]
    assert service.smarthost.delivered == [anna, anna]


async def test_one_worker_for_each_core_keeps_to_its_own(service: Service) -> None:
    """Two workers on two cores have one each; on more, or fewer, they go where the kernel sends them."""
    cores = sorted(os.sched_getaffinity(0))

    held = sorted(sorted(os.sched_getaffinity(pid)) for pid in service.workers)

    assert held == ([[core] for core in cores] if len(cores) == 2 else [cores, cores])


async def test_one_gateway_serves_from_a_state_directory(service: Service) -> None:
    """A second one is refused while the first serves, and says why."""
    refused = await _serve_in_vain(service.path)

    assert (refused[0], "another gateway serves" in refused[1]) == (2, True)


async def test_a_killed_worker_costs_no_mail_and_doubles_none(service: Service) -> None:
    """Killed between two people, it is replaced; the other answers the retry, from the record (I5)."""
    anna, bram = await service.consenting(2)
    gate = service.smarthost.hold(Stage.RCPT, recipient=bram, times=1)
    client, killed = await asyncio.to_thread(service.session)
    first = asyncio.create_task(asyncio.to_thread(send, client, anna, bram))
    await gate.reached()

    os.kill(killed, signal.SIGKILL)
    with pytest.raises(OSError):
        await first
    gate.release()
    (other,) = service.workers - {killed}
    (code, text), _ = await asyncio.to_thread(service.submit, anna, bram, to=on(other))
    died = await service.logged("worker died")
    again = await service.logged("worker started again")
    _, fresh = await asyncio.to_thread(service.submit, anna, to=not_on(other))

    assert (code, text.split()[2:]) == (250, ["relayed=2", "withheld=0", "refused=0"])
    assert service.smarthost.delivered == [anna, bram, anna]
    assert (died["pid"], died["status"], again["pid"]) == (killed, -signal.SIGKILL, fresh)


@pytest.mark.parametrize("reloaded", [False, True], ids=["beside it", "its successor"])
async def test_a_message_under_way_on_one_worker_is_not_sent_by_another(
    service: Service, reloaded: bool
) -> None:
    """The same message again waits for the worker that has it, and is answered from its record (I5)."""
    (anna,) = await service.consenting(1)
    gate = service.smarthost.hold(Stage.DOT, times=1)
    client, first = await asyncio.to_thread(service.session)
    submitting = asyncio.create_task(asyncio.to_thread(send, client, anna))
    await gate.reached()
    if reloaded:
        await service.reload()

    again = asyncio.create_task(asyncio.to_thread(service.submit, anna, to=not_on(first)))
    await _meets_a_claim(service)
    cut_off(client)
    with pytest.raises((OSError, smtplib.SMTPException)):
        await submitting
    waited = not again.done()
    gate.release()
    (code, text), _ = await again

    assert (waited, code, text.split()[2]) == (True, 250, "relayed=1")
    assert service.smarthost.delivered == [anna]


async def _meets_a_claim(service: Service) -> None:
    """Ends when a message has been put off and tried again: the one decision after another of nobody else."""
    decisions = "sendright_decision_seconds_count"
    before = (await asyncio.to_thread(service.figures))[decisions]
    await service.shows(lambda figures: figures[decisions] >= before + 2)


class Stream:
    """Clients that come and go without a pause, each with one message or one page, until they are told."""

    def __init__(self, service: Service, *people: str) -> None:
        self.failures: list[Exception] = []
        self.served = 0
        self._service = service
        self._deeds = [*(partial(self._mail, one) for one in people), self._pages, self._kept_pages]
        self._over = threading.Event()
        self._progress = threading.Condition()

    async def __aenter__(self) -> Stream:
        self._tasks = [asyncio.create_task(asyncio.to_thread(self._repeat, deed)) for deed in self._deeds]
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

    def _repeat(self, deed: Callable[[], None]) -> None:
        while not self._over.is_set():
            try:
                deed()
            except Exception as failure:
                self.failures.append(failure)
            with self._progress:
                self.served += 1
                self._progress.notify_all()

    def _mail(self, person: str) -> None:
        client = self._service.connect()
        code, text = send(client, person)
        client.quit()
        assert code == 250, text

    def _pages(self) -> None:
        self._service.get(times=1)

    def _kept_pages(self) -> None:
        self._service.get(times=20)


async def test_a_reload_drops_nobody(service: Service) -> None:
    """Under a stream of clients, reloads with as many, more and fewer workers reset and refuse none."""
    first, sizes = service.workers, (2, 3, 1, 2)

    async with Stream(service, *await service.consenting(3)) as stream:
        await stream.goes_on()
        for before, size in zip((2, *sizes), sizes, strict=False):
            service.edit(f"workers = {before}", f"workers = {size}")
            await service.reload()
            await stream.goes_on()

    assert stream.failures == []
    await ended(*first)


async def test_a_session_outlives_a_reload(service: Service) -> None:
    """A client that was there before a reload is served after it; those that come then are by new words."""
    (anna,) = await service.consenting(1)
    client, old = await asyncio.to_thread(service.session)

    service.edit("Nieuwsbrief", "Weekbericht")
    await service.reload()
    kept = await asyncio.to_thread(send, client, anna)
    await asyncio.to_thread(client.quit)
    _, new = await asyncio.to_thread(service.submit, anna)
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
    'listen = ["192.0.2.1:2525"]': ('listen = ["127.0.0.1:{port}"]', "192.0.2.1:2525"),
    "[smtp": ("[smtp]", "not TOML"),
}


async def test_a_broken_configuration_changes_nothing(service: Service) -> None:
    """A reload with a fault is refused with its name in the log; the same workers serve on, as before."""
    (anna,) = await service.consenting(1)
    workers = service.workers
    service.edit("Nieuwsbrief", "Weekbericht")

    for number, (new, (good, fault)) in enumerate(FAULTS.items(), 1):
        old = good.replace("{port}", str(service.smtp_port))
        service.edit(old, new)
        service.signal(signal.SIGHUP)
        assert fault in (await service.logged("reload refused", number))["fault"]
        service.edit(new, old)
    await asyncio.to_thread(service.submit, anna)

    assert service.workers == workers
    assert b"Nieuwsbrief" in service.smarthost.messages[0].content


async def test_a_reload_whose_workers_cannot_start_changes_nothing(service: Service) -> None:
    """What shows only in a new worker ends that reload alone; the old workers stay until one succeeds."""
    (anna,) = await service.consenting(1)
    workers = service.workers
    obstacle = service.path.with_name("state") / "sendright.db-writers"
    held = obstacle.rename(obstacle.with_name("held"))  # the locks stay with those who have them
    obstacle.mkdir()

    service.signal(signal.SIGHUP)
    refused = await service.logged("reload refused")
    (code, _), pid = await asyncio.to_thread(service.submit, anna)
    obstacle.rmdir()
    held.rename(obstacle)
    await service.reload()
    _, fresh = await asyncio.to_thread(service.submit, anna, to=not_on(*workers))

    assert "could not start" in refused["fault"]
    assert (code, pid in workers, fresh in workers) == (250, True, False)


async def test_an_objection_binds_every_worker(service: Service) -> None:
    """Acknowledged by the process for HTTP, an objection stops the very next message on either other (I3)."""
    people = await service.consenting(2)

    assert service.pages not in service.workers
    for person, asked in zip(people, service.workers, strict=True):
        await asyncio.to_thread(service.submit, person, to=on(asked))
        link = link_of(service.smarthost.messages[-1])
        await asyncio.to_thread(service.fetch, "POST", link)
        (_, text), _ = await asyncio.to_thread(service.submit, person, to=on(asked))
        assert "withheld=1" in text

    assert service.smarthost.delivered == people


async def test_a_killed_process_for_pages_is_replaced(service: Service) -> None:
    """Who asks meanwhile waits in its queue and is answered by its successor; mail goes on (I4)."""
    (anna,) = await service.consenting(1)
    workers, killed = service.workers, service.pages

    os.kill(killed, signal.SIGKILL)
    await service.logged("worker died")
    waiting = asyncio.create_task(asyncio.to_thread(service.get, times=1))
    (code, _), _ = await asyncio.to_thread(service.submit, anna)
    again = await service.logged("worker started again")
    await waiting

    assert (code, service.workers, service.pages) == (250, workers, again["pid"])


MESSAGES, COPIES, CONNECTIONS = (
    'sendright_messages_total{result="done"}',
    "sendright_relay_seconds_count",
    "sendright_connections",
)


async def test_figures_are_the_sum_of_all_workers(service: Service) -> None:
    """Each worker's figures are in what is shown; counts that were shown outlive a worker, gauges do not."""
    people = await service.consenting(2)
    one, other = service.workers
    before = await service.shows(lambda figures: figures[CONNECTIONS] == 0)
    held = [(await asyncio.to_thread(service.session, on(pid)))[0] for pid in (one, other)]
    for client, person in zip(held, people, strict=True):
        await asyncio.to_thread(send, client, person)

    shown = await asyncio.to_thread(service.figures)
    os.kill(one, signal.SIGKILL)
    await service.logged("worker died")
    after = await asyncio.to_thread(service.figures)
    await service.logged("worker started again")

    def added(figures: dict[str, float]) -> list[float]:
        return [figures[name] - before.get(name, 0) for name in (MESSAGES, COPIES, CONNECTIONS)]

    assert (added(shown), added(after)) == ([2, 2, 2], [2, 2, 1])


async def test_a_killed_supervisor_costs_no_mail_and_doubles_none(
    service: Service, landlord: Landlord
) -> None:
    """Started again at once it serves at once; what its workers had under way they finish, once (I5)."""
    anna, bram, chris = await service.consenting(3)
    gate = service.smarthost.hold(Stage.DOT, times=2)
    orphans, children = service.workers, service.children
    heard, unheard = [(await asyncio.to_thread(service.session, on(pid)))[0] for pid in orphans]
    answered = asyncio.create_task(asyncio.to_thread(send, heard, anna))
    unanswered = asyncio.create_task(asyncio.to_thread(send, unheard, bram))
    await gate.reached(2)

    await service.end(signal.SIGKILL)
    successor = await landlord.service()
    (meanwhile, _), _ = await asyncio.to_thread(successor.submit, chris)
    again = asyncio.create_task(asyncio.to_thread(successor.submit, bram))
    await _meets_a_claim(successor)
    cut_off(unheard)
    with pytest.raises((OSError, smtplib.SMTPException)):
        await unanswered
    gate.release()
    (code, text), _ = await again
    finished, _ = await answered
    await ended(*children)

    assert children.isdisjoint(successor.children)
    assert (meanwhile, finished, code, text.split()[2]) == (250, 250, 250, "relayed=1")
    assert sorted(service.smarthost.delivered) == sorted([anna, bram, chris])


async def test_sigterm_drains(service: Service) -> None:
    """A transaction under way is finished and answered, and links in mail are until then; then all ends."""
    (anna,) = await service.consenting(1)
    gate = service.smarthost.hold(Stage.DOT, times=1)
    client, _ = await asyncio.to_thread(service.session)
    reply = asyncio.create_task(asyncio.to_thread(send, client, anna))
    await gate.reached()
    children = service.children

    ending = asyncio.create_task(service.end(signal.SIGTERM))
    await service.logged("draining")
    await asyncio.to_thread(service.get, times=1)
    gate.release()

    assert (await reply)[0] == 250
    await ending
    await ended(*children)
    assert await service.process.wait() == 0
    assert service.smarthost.delivered == [anna]


async def test_a_start_whose_workers_cannot_start_fails(write_config: Callable[..., Path]) -> None:
    """Where no worker can serve, the program ends by itself, with the status of a part that is down."""
    path = write_config(smarthost=25)
    (path.with_name("state") / "sendright.db-writers").mkdir(parents=True)

    code, said = await _serve_in_vain(path)

    assert (code, '"event": "worker failed"' in said) == (3, True)


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
