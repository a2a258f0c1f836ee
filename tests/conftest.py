"""For every test: logging as it is out of the box, and properties that CI tries in the same way each time."""

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

BUSY = [HealthCheck.too_slow]  # it looks at the clock, and a machine may be busy
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True, suppress_health_check=BUSY)
settings.register_profile("here", deadline=None, suppress_health_check=BUSY)  # tries something new each time
settings.load_profile("ci" if os.environ.get("CI") else "here")

PLAIN = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)


@pytest.fixture(autouse=True)
def plain_logging() -> Iterator[None]:
    """Commands configure structlog for their whole process, and here the process is shared.

    A traceback is plain: one with every local variable, in boxes, takes longer than most tests.
    """
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], PLAIN])
    yield
    structlog.reset_defaults()
