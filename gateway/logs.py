"""The log on standard error: one JSON object a line, and no address in it (L26)."""

from __future__ import annotations

import logging
import re
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

_ADDRESS = re.compile(r"[^\s<>\"'(),:;]{1,64}@[^\s<>\"'(),:;]{1,255}")
_HIDDEN = "<address>"


def configure_logs(stream: TextIO) -> None:
    """Write every event at INFO and above to `stream`; what libraries say below WARNING is dropped."""
    logging.basicConfig(
        stream=stream, level=logging.WARNING, format='{"level": "%(levelname)s", "event": "library"}'
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,  # which worker it is
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            without_addresses,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(stream),  # a line at once: workers share the stream
        cache_logger_on_first_use=True,
    )


def without_addresses(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Blot out whatever looks like a mailbox, in tracebacks too: addresses are personal data (L26)."""
    for key, value in event.items():
        if isinstance(value, str) and "@" in value:
            event[key] = _ADDRESS.sub(_HIDDEN, value)
    return event
