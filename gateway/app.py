"""The composition root: the one file that knows all edges.

`working` puts a configuration on the air and takes it down again in order: what listens on a share of its
sockets, in one process among several, or by `running` all of it alone. Who starts, watches and replaces these
processes is in workers/.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from gateway.config import Config, Listen
from gateway.confirming import Confirming
from gateway.copies import Copyist
from gateway.dossier import DossiersAsJson
from gateway.erasing import ErasingAsJson
from gateway.grants import grants, law_of
from gateway.ids import ref
from gateway.listening import MAIL, PAGES, Listeners, Place, Sockets
from gateway.mail.signature import Signer
from gateway.metrics import Metrics
from gateway.objecting import Objecting
from gateway.opening import Rooms, rooms
from gateway.ports import Clock
from gateway.post import Post
from gateway.preferring import Preferring
from gateway.receipts import Receipts, receipts_of
from gateway.smtp.auth import Logins
from gateway.smtp.reception import SessionSettings
from gateway.smtp.server import SubmissionServer
from gateway.smtp.smarthost import SmarthostPool
from gateway.submission import Submissions
from gateway.undoing import Undoing
from gateway.web.admin.everything import Admin
from gateway.web.api import Api, Stories
from gateway.web.app import Probe, Runner, build
from gateway.web.asking import Asked
from gateway.web.confirm import Confirm
from gateway.web.objection import ObjectionForm
from gateway.web.operations import Operations
from gateway.web.preferences import PreferencesPage
from gateway.web.public import Public
from gateway.web.route import Route
from gateway.web.subscribe import SignUpForm

MOST_FOR_PAGES = 2  # connections to the smarthost, for receipts and /readyz


class AlreadyServingError(Exception):
    """Another gateway serves from this state directory."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A configuration with what its files held when it was read: any worker begins with that, also later."""

    config: Config
    sessions: SessionSettings
    signers: Mapping[str, list[Signer]]


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway on the air: where it listens, and its rooms."""

    smtp: tuple[tuple[str, int], ...]  # host and port of each listener, those with implicit TLS last
    rooms: Rooms
    _mail: tuple[SubmissionServer, ...]
    _pages: tuple[Runner, ...]

    async def retire(self) -> None:
        """Take no new clients, since a successor does; ends when those here have left.

        Who stays longer than a silent client is waited for is sent away when the gateway ends.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(self.rooms.config.smtp.timeout_seconds):
                leaving = [*(one.retire() for one in self._mail), *(one.retire() for one in self._pages)]
                await asyncio.gather(*leaving)

    async def leave_places(self) -> None:
        """Listen no more, so that another gateway can; serve on who is here until the gateway ends."""
        for pages in self._pages:  # SMTP follows at once, with the drain
            await pages.stop_accepting()


def prepared(config: Config) -> Prepared:
    """The configuration with its certificate and DKIM keys. Raises OSError, ValueError or ssl.SSLError."""
    return Prepared(config, _session_settings(config), _signers(config))


def places(config: Config) -> tuple[Place, ...]:
    """Where it listens, each once."""
    http, admin = config.http.listen, config.http.admin_listen
    return (
        *(Place("smtp", one) for one in config.smtp.listen),
        *(Place("smtps", one) for one in config.smtp.listen_tls),
        Place("http", http),
        *([Place("admin", admin)] if admin != http else []),
    )


@asynccontextmanager
async def running(config: Config, *, clock: Clock | None = None) -> AsyncIterator[Running]:
    """SMTP and HTTP in this loop alone, until the block ends; then open transactions finish.

    Raises what opening.rooms raises, AlreadyServingError, and OSError where it cannot listen.
    """
    with alone(config):
        listeners = Listeners().moved_to(dict.fromkeys(places(config), 1))
        try:
            share = listeners.share(MAIL | PAGES, 0, 1)
            async with working(prepared(config), share, Metrics(), clock=clock) as gateway:
                yield gateway
        finally:
            listeners.close()


@asynccontextmanager
async def working(
    given: Prepared,
    share: Mapping[Place, Sockets],
    metrics: Metrics,
    *,
    clock: Clock | None = None,
) -> AsyncIterator[Running]:
    """The same on a share of the listening sockets: mail where it has such of mail, pages where of pages."""
    config = given.config
    services = {place.service for place in share}
    takes_mail = not services.isdisjoint(MAIL)
    async with AsyncExitStack() as stack:
        opened = await stack.enter_async_context(
            rooms(config, clock, serving=takes_mail, goes_first=not takes_mail)
        )
        smarthost = _smarthost(config, connections(config, services))
        stack.push_async_callback(smarthost.close)
        pages: tuple[Runner, ...] = ()
        if not services.isdisjoint(PAGES):
            pages = await _serve_http(given, opened, share, smarthost, metrics, stack)
        if takes_mail:
            server = await _serve_smtp(given, opened, share, smarthost, metrics, stack)
            yield Running(_addresses(share), opened, (server,), pages)
        else:
            yield Running((), opened, (), pages)


def connections(config: Config, services: Collection[str]) -> int:
    """Of smarthost.max_connections, those for a process with these services beside the others there are.

    Each has one at least: where there is one for each worker and no more, the pages' is on top.
    """
    most, workers = config.smarthost.max_connections, config.gateway.workers
    for_pages = max(1, min(MOST_FOR_PAGES, most // (workers + 1)))
    if PAGES.isdisjoint(services):
        return max(1, (most - for_pages) // workers)
    return for_pages if MAIL.isdisjoint(services) else most


async def _serve_smtp(
    given: Prepared,
    opened: Rooms,
    share: Mapping[Place, Sockets],
    smarthost: SmarthostPool,
    metrics: Metrics,
    stack: AsyncExitStack,
) -> SubmissionServer:
    """Where mail is submitted."""
    config = given.config
    submissions = _submissions(given, opened, smarthost, metrics)
    server = SubmissionServer(given.sessions, submissions, Logins(config.login), opened.clock, metrics)
    stack.push_async_callback(submissions.finished)
    stack.push_async_callback(_drained, server, config.smtp.answer_within_seconds)
    stack.callback(submissions.drain)
    for service in ("smtp", "smtps"):
        for own in _of(share, service):
            await server.listen(own, implicit_tls=service == "smtps")
    return server


def _addresses(share: Mapping[Place, Sockets]) -> tuple[tuple[str, int], ...]:
    """Where mail is taken, those with implicit TLS last."""
    own = [one.getsockname() for service in ("smtp", "smtps") for one in _of(share, service)]
    return tuple((host, port) for host, port, *_ in own)


def _of(share: Mapping[Place, Sockets], service: str) -> list[socket.socket]:
    return [own for place, sockets in share.items() if place.service == service for own in sockets]


@asynccontextmanager
async def sending_receipts(config: Config, opened: Rooms) -> AsyncIterator[Receipts]:
    """Receipts for a command that records objections by itself; waits for them at the end (L31)."""
    async with AsyncExitStack() as stack:
        smarthost = _smarthost(config, min(MOST_FOR_PAGES, config.smarthost.max_connections))
        stack.push_async_callback(smarthost.close)
        receipts = receipts_of(config, opened.ledger, smarthost, _signers(config), opened.clock)
        stack.push_async_callback(receipts.finished)
        yield receipts


async def _drained(server: SubmissionServer, seconds: float) -> None:
    """Let sessions finish their transactions; a client that stalls in one is not waited for without end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await server.drain()


@contextmanager
def alone(config: Config) -> Iterator[None]:
    """One gateway per state directory, as long as this process lives (POSIX locks are not inherited).

    Raises AlreadyServingError.
    """
    config.gateway.state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (config.gateway.state_dir / "serve.lock").open("a") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AlreadyServingError(f"another gateway serves from {config.gateway.state_dir}") from error
        yield


def _smarthost(config: Config, most: int) -> SmarthostPool:
    place = config.smarthost
    return SmarthostPool(
        place.host,
        place.port,
        hostname=config.gateway.hostname,
        tls=place.tls,
        username=place.username,
        password=place.password.get_secret_value() if place.password else None,
        max_connections=most,
        timeout_seconds=place.timeout_seconds,
    )


def _signers(config: Config) -> dict[str, list[Signer]]:
    """Every key by the From: domain it signs for; none where the smarthost signs."""
    signers: dict[str, list[Signer]] = defaultdict(list)
    if not config.smarthost.signs:
        for key in config.dkim:
            signers[key.domain].append(Signer(key.domain, key.selector, key.private_key_file.read_bytes()))
    return dict(signers)


def _submissions(given: Prepared, opened: Rooms, smarthost: SmarthostPool, metrics: Metrics) -> Submissions:
    config = given.config

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
            signers=given.signers,
            clock=opened.clock,
        ),
        keys=opened.keys,
        clock=opened.clock,
        metrics=metrics,
        new_submission=new_submission,
        answer_within=config.smtp.answer_within_seconds,
        next_hop=str(Listen(config.smarthost.host, config.smarthost.port)),
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
    given: Prepared,
    opened: Rooms,
    share: Mapping[Place, Sockets],
    smarthost: SmarthostPool,
    metrics: Metrics,
    stack: AsyncExitStack,
) -> tuple[Runner, ...]:
    """The public pages, and beside or apart from them the operator's routes."""
    config = opened.config
    receipts = receipts_of(config, opened.ledger, smarthost, given.signers, opened.clock)
    stack.push_async_callback(receipts.finished)  # once HTTP is down, before the smarthost's connections go
    objecting = Objecting(
        opened.ledger,
        opened.journal.sent,
        opened.keys,
        config.controllers,
        config.categories,
        opened.clock,
        receipts.send,
        opened.journal.glimpse,
    )
    post = Post("confirmation", smarthost, given.signers, opened.clock)
    confirming = Confirming(opened, objecting, post, opened.store.ids.next)
    stack.push_async_callback(confirming.finished)
    stories = Stories(
        objecting,
        opened.store.idempotency,
        dossiers=DossiersAsJson(opened),
        erasing=ErasingAsJson(opened),
        confirming=confirming,
    )
    api = Api(opened, stories, metrics, opened.store.ids.next)
    public = _for_recipients(opened, objecting, confirming, metrics)
    operations = Operations(_probes(opened, smarthost), metrics)
    admin_pages = Admin(opened, objecting, metrics, operations.parts)
    together = not _of(share, "admin")
    pages = []
    for service, admin in [("http", together)] if together else [("http", False), ("admin", True)]:
        routes = [*public, *operations.routes(admin=admin)]
        routes += admin_pages.routes() if admin else []
        runner = Runner(build(routes, language=config.gateway.language, api=api))
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        for own in _of(share, service):
            await runner.listen(own)
        pages.append(runner)
    return tuple(pages)


def _for_recipients(
    opened: Rooms, objecting: Objecting, confirming: Confirming, metrics: Metrics
) -> list[Route]:
    """The pages for whoever gets mail, or would like to or not."""
    config, ledger, clock = opened.config, opened.ledger, opened.clock
    law = law_of(config)
    undoing = Undoing(objecting, ledger, confirming, law, opened.keys, clock)
    preferring = Preferring(objecting, ledger, confirming, law, clock)
    asked = Asked(config.http.trusted_proxies, clock)
    return [
        *Public(objecting, undoing, metrics, config.gateway.language).routes(),
        *PreferencesPage(preferring, metrics, config.gateway.language).routes(),
        *Confirm(confirming, metrics).routes(),
        *ObjectionForm(config, confirming, objecting, asked, metrics).routes(),
        *SignUpForm(config, confirming, asked).routes(),
    ]


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
