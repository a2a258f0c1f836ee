"""The composition root: the one file that knows all edges.

`running` puts a configuration on the air and takes it down again in order; `serve` does so until SIGTERM.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import ssl
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

import structlog
import uvloop
from aiohttp import web

from gateway.config import Config
from gateway.copies import Copyist
from gateway.grants import grants
from gateway.ids import ref
from gateway.logs import configure_logs
from gateway.mail.signature import Signer
from gateway.metrics import Metrics
from gateway.objecting import Objecting
from gateway.opening import Rooms, rooms
from gateway.ports import Clock
from gateway.smtp.auth import Logins
from gateway.smtp.reception import SessionSettings
from gateway.smtp.server import SubmissionServer
from gateway.smtp.smarthost import SmarthostPool
from gateway.submission import Submissions
from gateway.web.app import Probe, Runner, build

log = structlog.get_logger()


class AlreadyServingError(Exception):
    """Another process serves from this state directory."""


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway on the air: where it listens, and its rooms."""

    smtp: tuple[tuple[str, int], ...]  # host and port of each listener, those with implicit TLS last
    rooms: Rooms


@asynccontextmanager
async def running(config: Config, *, clock: Clock | None = None) -> AsyncIterator[Running]:
    """SMTP and HTTP in this loop, until the block ends; then open transactions finish.

    Raises what opening.rooms raises, AlreadyServingError, and OSError where it cannot listen.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(_alone(config))
        opened = await stack.enter_async_context(rooms(config, clock, serving=True))
        metrics = Metrics()
        smarthost = _smarthost(config)
        stack.push_async_callback(smarthost.close)
        submissions = _submissions(config, opened, smarthost, metrics)
        await _serve_http(config, opened, smarthost, metrics, stack)
        server = SubmissionServer(
            _session_settings(config), submissions, Logins(config.login), opened.clock, metrics
        )
        stack.push_async_callback(submissions.finished)
        stack.push_async_callback(_drained, server, config.smtp.answer_within_seconds)
        stack.callback(submissions.drain)
        listeners = [await server.listen(place.host, place.port) for place in config.smtp.listen]
        listeners += [
            await server.listen(place.host, place.port, implicit_tls=True) for place in config.smtp.listen_tls
        ]
        yield Running(tuple(listeners), opened)


def serve(config: Config) -> int:
    """Serve until SIGTERM or SIGINT, then drain. The exit status."""
    configure_logs(sys.stderr)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_until_told(config))


async def _until_told(config: Config) -> int:
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    async with running(config) as gateway:
        log.info(
            "serving", smtp=[f"{host}:{port}" for host, port in gateway.smtp], http=str(config.http.listen)
        )
        await told.wait()
        log.info("draining")
    log.info("stopped")
    return 0


async def _drained(server: SubmissionServer, seconds: float) -> None:
    """Let sessions finish their transactions; a client that stalls in one is not waited for without end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await server.drain()


@contextmanager
def _alone(config: Config) -> Iterator[None]:
    """One serving process per state directory: claims of any other are taken for those of the dead (I5)."""
    config.gateway.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (config.gateway.state_dir / "serve.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyServingError(f"another process serves from {config.gateway.state_dir}") from error
        yield


def _smarthost(config: Config) -> SmarthostPool:
    place = config.smarthost
    return SmarthostPool(
        place.host,
        place.port,
        hostname=config.gateway.hostname,
        tls=place.tls,
        username=place.username,
        password=place.password.get_secret_value() if place.password else None,
        max_connections=place.max_connections,
        timeout_seconds=place.timeout_seconds,
    )


def _signers(config: Config) -> dict[str, list[Signer]]:
    """Every key by the From: domain it signs for; none where the smarthost signs."""
    signers: dict[str, list[Signer]] = defaultdict(list)
    if not config.smarthost.signs:
        for key in config.dkim:
            signers[key.domain].append(Signer(key.domain, key.selector, key.private_key_file.read_bytes()))
    return dict(signers)


def _submissions(config: Config, opened: Rooms, smarthost: SmarthostPool, metrics: Metrics) -> Submissions:
    def new_submission() -> tuple[int, str]:
        number = opened.store.ids.next()
        return number, ref(number)

    return Submissions(
        grants=grants(config),
        journal=opened.journal,
        smarthost=smarthost,
        copyist=Copyist(
            hostname=config.gateway.hostname,
            public_url=config.gateway.public_url,
            keys=opened.keys,
            signers=_signers(config),
            clock=opened.clock,
        ),
        keys=opened.keys,
        clock=opened.clock,
        metrics=metrics,
        new_submission=new_submission,
        answer_within=config.smtp.answer_within_seconds,
    )


def _session_settings(config: Config) -> SessionSettings:
    smtp = config.smtp
    context = None
    if smtp.tls_cert:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(smtp.tls_cert, smtp.tls_key)
    return SessionSettings(
        hostname=config.gateway.hostname,
        max_message_bytes=smtp.max_message_bytes,
        max_recipients=smtp.max_recipients,
        timeout_seconds=smtp.timeout_seconds,
        max_connections=smtp.max_connections,
        max_bytes_in_flight=smtp.max_bytes_in_flight,
        tls_context=context,
        require_tls=smtp.require_tls,
    )


async def _serve_http(
    config: Config, opened: Rooms, smarthost: SmarthostPool, metrics: Metrics, stack: AsyncExitStack
) -> None:
    """The public pages, and beside or apart from them the operator's routes."""
    objecting = Objecting(
        opened.ledger, opened.journal.sent, opened.keys, config.controllers, config.categories, opened.clock
    )
    probes = _probes(opened, smarthost)
    together = config.http.admin_listen == config.http.listen
    places = (
        {config.http.listen: together}
        if together
        else {config.http.listen: False, config.http.admin_listen: True}
    )
    for place, admin in places.items():
        application = build(objecting, probes, metrics, language=config.gateway.language, admin=admin)
        runner = Runner(application)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, place.host, place.port).start()


def _probes(opened: Rooms, smarthost: SmarthostPool) -> dict[str, Probe]:
    """What /readyz looks at: the store, the smarthost, and the keys by which people are found."""

    async def store() -> str:
        await opened.store.ready()
        return ""

    async def next_hop() -> str:
        answer = await smarthost.probe()
        return f"{answer.kind.value} at {answer.stage.value}" if answer else ""

    async def key() -> str:
        path = opened.config.gateway.keys_file
        return "" if await asyncio.to_thread(os.access, path, os.R_OK) else "the keys file cannot be read"

    return {"store": store, "smarthost": next_hop, "key": key}
