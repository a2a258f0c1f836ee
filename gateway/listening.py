"""Listening sockets: bound once, shared among workers, and closed without losing who is queued on them.

Rules of this file:

1. A place has one socket per process that serves it (SO_REUSEPORT: the kernel spreads clients over them).
   They are bound by whoever starts these, who inherit them: a queue outlives the process that serves it.
2. A socket stays open as long as its place is listened on. Closing one resets whoever is queued on it and
   changes for whom the kernel's hash chooses the others.
3. The first socket of a place is bound alone, so that a place taken by another program is an error.
"""

from __future__ import annotations

import asyncio
import errno
import select
import socket
import ssl
from collections.abc import Callable, Collection, Mapping, Sequence
from time import monotonic, sleep
from typing import Final, NamedTuple, TypeAlias

from gateway.config import Listen

LOOK_AGAIN = 0.05  # seconds; nothing tells of a port that becomes free
BACKLOG = 1024  # clients queued while a worker is restarted; the kernel bounds it by somaxconn

MAIL: Final = frozenset({"smtp", "smtps"})  # services that take mail
PAGES: Final = frozenset({"http", "admin"})  # services that answer over HTTP

Sockets: TypeAlias = list[socket.socket]  # at one place: one for each address its host has


class Place(NamedTuple):
    """Where one service listens: `smtp`, `smtps`, `http` or `admin`."""

    service: str
    listen: Listen


class Listeners:
    """The sockets of every place, in shares: at least one for each process that serves it."""

    def __init__(self, shares: Mapping[Place, Sequence[Sockets]] | None = None) -> None:
        self._shares = {place: list(some) for place, some in (shares or {}).items()}

    @property
    def sockets(self) -> set[socket.socket]:
        """Every socket there is."""
        return {one for shares in self._shares.values() for share in shares for one in share}

    def addresses(self, service: str) -> list[str]:
        """Where that service listens, as host:port."""
        return [
            str(Listen(*one.getsockname()[:2]))
            for place, shares in self._shares.items()
            for one in shares[0]
            if place.service == service
        ]

    def moved_to(self, places: Mapping[Place, int], patience: float = 0.0) -> Listeners:
        """Those for these places, each served by so many: what is here already, and what must be bound.

        A place that is taken is waited for, `patience` seconds in all. Raises OSError, and then leaves
        nothing behind.
        """
        deadline = monotonic() + patience
        moved = Listeners({place: self._shares.get(place, []) for place in places})
        try:
            for place, shares in moved._shares.items():
                if not shares:
                    shares.append(_taken(place.listen, deadline))
                while len(shares) < places[place]:
                    shares.append([_shared(one) for one in shares[0]])
        except OSError:
            moved.close(but=self.sockets)
            raise
        return moved

    def share(self, services: Collection[str], number: int, among: int) -> dict[Place, Sockets]:
        """The sockets of one among so many who serve these, counted from 0; between them they serve all."""
        return {
            place: [one for share in shares[number::among] for one in share]
            for place, shares in self._shares.items()
            if place.service in services
        }

    def close(self, but: Collection[socket.socket] = ()) -> None:
        """Close every socket that is not among `but`."""
        for one in self.sockets.difference(but):
            one.close()


def _taken(listen: Listen, deadline: float) -> Sockets:
    """The first sockets at a place, which may become free until `deadline`. Raises OSError."""
    while True:
        try:
            return _taken_now(listen)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or monotonic() >= deadline:
                raise
        sleep(LOOK_AGAIN)


def _taken_now(listen: Listen) -> Sockets:
    """One for each address its host has. Raises OSError."""
    addresses = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    made: list[socket.socket] = []
    try:
        for family, address in dict.fromkeys((one[0], one[4]) for one in addresses):
            made.append(_bound(family, address))
            made[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # from now on (rule 3)
            made[-1].listen(BACKLOG)
    except OSError:
        for one in made:
            one.close()
        raise
    return made


def _shared(first: socket.socket) -> socket.socket:
    """Another socket at the same address; it listens once its worker serves it."""
    return _bound(first.family, first.getsockname(), share=True)


def _bound(family: int, address: tuple[object, ...], *, share: bool = False) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if share:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind(address)
    except OSError as error:
        made.close()
        raise OSError(error.errno, f"cannot listen on {address[0]}:{address[1]}: {error.strerror}") from None
    return made


class Door:
    """A listening socket, served by the running loop."""

    def __init__(self, own: socket.socket, server: asyncio.Server) -> None:
        self._own = own
        self._server = server

    @classmethod
    async def open(
        cls,
        own: socket.socket,
        guest: Callable[[], asyncio.BaseProtocol],
        tls: ssl.SSLContext | None = None,
        handshake_seconds: float | None = None,
    ) -> Door:
        """Serve each client with a new `guest`. Raises OSError."""
        server = await asyncio.get_running_loop().create_server(
            guest,
            sock=own,
            backlog=BACKLOG,
            ssl=tls,
            ssl_handshake_timeout=handshake_seconds if tls else None,
        )
        return cls(own, server)

    async def close(self) -> None:
        """Take in whoever is queued, then close."""
        while self._server.is_serving() and _has_queue(self._own):  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0)  # a turn of the loop, which accepts them
        await asyncio.sleep(0)  # and one to set up the last, which asyncio does not do once it is closed
        self._server.close()

    async def retire(self) -> None:
        """Close, since a successor is open; ends when every client has left, those in a handshake too."""
        left = asyncio.ensure_future(self._server.wait_closed())
        await asyncio.sleep(0)  # it waits from now on: asked after the close, a server does not wait
        await self.close()
        await left


def _has_queue(own: socket.socket) -> bool:
    """Whether a client waits to be accepted."""
    poll = select.poll()
    poll.register(own, select.POLLIN)
    return bool(poll.poll(0))
