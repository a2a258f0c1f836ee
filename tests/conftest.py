"""For every test: logging as it is out of the box, whatever an earlier test configured."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def plain_logging() -> Iterator[None]:
    """Commands configure structlog for their whole process, and here the process is shared."""
    yield
    structlog.reset_defaults()
