"""A server for the tests that need no settings of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.smtp.client import Served, serving


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    """The real server, with ordinary settings."""
    async with serving() as one:
        yield one
