"""For every test: logging as it is out of the box, and properties that CI tries in the same way each time."""

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("here", deadline=None)  # tries something new in each run
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(autouse=True)
def plain_logging() -> Iterator[None]:
    """Commands configure structlog for their whole process, and here the process is shared."""
    yield
    structlog.reset_defaults()
