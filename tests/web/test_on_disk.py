"""The same pages over the real store: what a page calls recorded is in the file (L11, I3)."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.law.evidence import Objection
from gateway.store import database
from gateway.store.opening import opened
from gateway.web import public
from tests.memory import StandingClock
from tests.web.conftest import KEYS, PERSON, Site


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of a fresh store."""
    path = tmp_path / "store.db"
    database.create(f"sqlite+aiosqlite:///{path}", KEYS.check)
    return path


@pytest.fixture
async def on_disk(path: Path, serving) -> AsyncIterator[Site]:
    """The ordinary site over a store on disk."""
    async with opened(
        f"sqlite+aiosqlite:///{path}", KEYS.check, KEYS.seed("seal"), StandingClock().now
    ) as store:
        yield await serving(ledger=store.ledger)


async def test_what_the_page_calls_recorded_is_in_the_file(on_disk: Site, path: Path, client) -> None:
    """Fifty clicks at once: all are told 200, and another process finds the one objection."""

    async def click() -> int:
        async with client.post(on_disk.link(), data="List-Unsubscribe=One-Click") as answer:
            assert "2026-11-21 18:17" in await answer.text()
            return answer.status

    assert await asyncio.gather(*(click() for _ in range(50))) == [200] * 50

    async with opened(
        f"sqlite+aiosqlite:///{path}", KEYS.check, KEYS.seed("seal"), StandingClock().now
    ) as other:
        facts = await other.ledger.evidence("bakery", PERSON)
    assert [(type(fact), getattr(fact, "scope", None)) for fact in facts] == [(Objection, "category:news")]


async def test_a_locked_file_is_503_until_it_is_free(
    on_disk: Site, path: Path, client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another holds the file nothing is acknowledged; once it lets go, the same click is recorded."""
    monkeypatch.setattr(public, "ANSWER_SECONDS", 0.2)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    async with client.post(on_disk.link()) as answer:
        assert answer.status == 503
    holder.execute("ROLLBACK")
    holder.close()

    monkeypatch.undo()
    async with client.post(on_disk.link()) as answer:
        assert answer.status == 200
