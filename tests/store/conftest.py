"""A real database file for each test, and the store opened on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from gateway.store import database
from gateway.store.opening import Store, opened
from tests.store.given import KEYS_CHECK, SEAL_KEY, Open, SetClock
from tests.store.proofs import some_days


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An empty store, made once: migrations take longer than most tests."""
    path = tmp_path_factory.mktemp("template") / "store.db"
    database.create(f"sqlite+aiosqlite:///{path}", KEYS_CHECK)
    return path.read_bytes()


@pytest.fixture
def path(tmp_path: Path, template: bytes) -> Path:
    """The file of a fresh store."""
    path = tmp_path / "store.db"
    path.write_bytes(template)
    return path


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite+aiosqlite:///{path}"


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def open_store(url: str, clock: SetClock) -> Open:
    """Opens the store of this test, as one process does."""
    return partial(opened, url, KEYS_CHECK, SEAL_KEY, clock.now)


@pytest.fixture
async def store(open_store: Open) -> AsyncIterator[Store]:
    """The store, opened by the serving process."""
    async with open_store(serving=True) as store:
        yield store


@pytest.fixture(scope="session")
def days(tmp_path_factory: pytest.TempPathFactory, template: bytes) -> bytes:
    """The file of a store in use."""
    path = tmp_path_factory.mktemp("days") / "store.db"
    path.write_bytes(template)
    asyncio.run(some_days(f"sqlite+aiosqlite:///{path}", SetClock()))
    return path.read_bytes()


@pytest.fixture
def used(path: Path, days: bytes) -> Path:
    """A store in use."""
    path.write_bytes(days)
    return path
