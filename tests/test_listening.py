"""Listening sockets: shared out, kept as long as their place is, and closed with nobody queued on them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator

import pytest

from gateway.config import Listen
from gateway.listening import MAIL, PAGES, Door, Listeners, Place

ANY = Place("smtp", Listen("127.0.0.1", 0))


@pytest.fixture
def listeners() -> Iterator[Listeners]:
    """One place, two shares."""
    made = Listeners().moved_to({ANY: 2})
    yield made
    made.close()


def address(listeners: Listeners) -> tuple[str, int]:
    """Where the first socket of ANY is."""
    (own, *_) = listeners.share(MAIL, 0, 1)[ANY]
    host, port = own.getsockname()
    return host, port


def test_workers_share_one_port(listeners: Listeners) -> None:
    """Each of two workers has a socket of its own at the same address."""
    shares = [listeners.share(MAIL, number, 2)[ANY] for number in (0, 1)]

    assert [len(share) for share in shares] == [1, 1]
    assert len({own.getsockname() for share in shares for own in share}) == 1


def test_a_share_has_the_sockets_of_its_services_alone() -> None:
    """Who takes mail has no socket of the pages, and who serves the pages none for mail."""
    http = Place("http", Listen("127.0.0.1", 0))
    listeners = Listeners().moved_to({ANY: 2, http: 1})

    shares = [listeners.share(MAIL, 0, 2), listeners.share(MAIL, 1, 2), listeners.share(PAGES, 0, 1)]

    assert [set(share) for share in shares] == [{ANY}, {ANY}, {http}]
    assert {own for share in shares for sockets in share.values() for own in sockets} == listeners.sockets
    listeners.close()


def test_a_place_that_is_taken_is_an_error(listeners: Listeners) -> None:
    """Another program's port is not shared by accident: whoever comes second is told where."""
    host, port = address(listeners)

    with pytest.raises(OSError, match=f"{host}:{port}"):
        Listeners().moved_to({Place("http", Listen(host, port)): 1})


def test_a_place_that_is_being_left_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """With patience, a port that its program closes meanwhile is taken; once patience ends it is an error."""
    leaving, staying = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    monkeypatch.setattr("gateway.listening.sleep", lambda _: leaving.close())
    free_soon, taken = [Place("http", Listen(*own.getsockname())) for own in (leaving, staying)]

    Listeners().moved_to({free_soon: 1}, patience=30).close()
    with pytest.raises(OSError, match="cannot listen"):
        Listeners().moved_to({taken: 1}, patience=0.01)
    staying.close()


@pytest.mark.parametrize(("workers", "sockets", "of_each"), [(1, 2, [2]), (2, 2, [1, 1]), (3, 3, [1, 1, 1])])
def test_sockets_stay_when_workers_change(
    listeners: Listeners, workers: int, sockets: int, of_each: list[int]
) -> None:
    """With fewer workers each socket is still served by one; with more, some are added to those there are."""
    moved = listeners.moved_to({ANY: workers})

    shares = [moved.share(MAIL, number, workers)[ANY] for number in range(workers)]
    assert listeners.sockets <= moved.sockets
    assert len(moved.sockets) == sockets
    assert [len(share) for share in shares] == of_each
    moved.close()


def test_a_place_that_is_left_is_closed(listeners: Listeners) -> None:
    """Moving elsewhere closes nothing by itself; what the new places do not have can then be closed."""
    moved = listeners.moved_to({Place("http", Listen("127.0.0.1", 0)): 1})
    open_before = [own.fileno() >= 0 for own in listeners.sockets]

    listeners.close(but=moved.sockets)

    assert open_before == [True, True]
    assert [own.fileno() for own in listeners.sockets] == [-1, -1]
    assert all(own.fileno() >= 0 for own in moved.sockets)
    moved.close()


def test_a_move_that_fails_leaves_nothing_behind(listeners: Listeners) -> None:
    """When one of two new places is taken, the other is free again and the old ones are as they were."""
    with socket.create_server(("127.0.0.1", 0)) as other, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
        probe.close()
        places = [Place("http", Listen("127.0.0.1", free)), Place("admin", Listen(*other.getsockname()))]

        with pytest.raises(OSError, match="cannot listen"):
            listeners.moved_to(dict.fromkeys([ANY, *places], 2))

        socket.create_server(("127.0.0.1", free)).close()
    assert all(own.fileno() >= 0 for own in listeners.sockets)


class Greeter(asyncio.Protocol):
    """Says hello, and stays."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(b"hello")


async def test_who_is_queued_is_taken_in_before_the_door_closes(listeners: Listeners) -> None:
    """Clients that had connected, but were not accepted yet, are served and not reset."""
    (own,) = listeners.share(MAIL, 0, 2)[ANY]
    listeners.close(but=[own])
    door = await Door.open(own, Greeter)
    clients = [socket.create_connection(own.getsockname(), timeout=10) for _ in range(20)]

    await door.close()

    assert [await asyncio.to_thread(client.recv, 10) for client in clients] == [b"hello"] * 20
    for client in clients:
        client.close()


async def test_a_door_retires_when_its_last_client_has_left(listeners: Listeners) -> None:
    """It accepts nobody any more, and ends only once those inside have gone."""
    (own,) = listeners.share(MAIL, 0, 2)[ANY]
    listeners.close(but=[own])
    where = own.getsockname()
    door = await Door.open(own, Greeter)
    reader, writer = await asyncio.open_connection(*where)
    await reader.readexactly(5)

    retiring = asyncio.create_task(door.retire())
    while own.fileno() >= 0:  # noqa: ASYNC110 - turns of the loop, until it is closed
        await asyncio.sleep(0)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*where)
    stayed = not retiring.done()
    writer.close()
    async with asyncio.timeout(10):
        await retiring

    assert stayed
