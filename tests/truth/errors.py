"""Writes down what goes wrong during a day."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import logging
from typing import Final, override

# The simulator's own, when somebody hangs up on it.
_SERVER: Final = "aiohttp.server"
# The one line with which an outage begins.
_OUTAGE: Final = "Error fetching "


class _Errors(logging.Handler):
    """Keeps what is logged as an error."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._errors = errors

    @override
    def emit(self, record: logging.LogRecord) -> None:
        line = record.getMessage()
        if record.name == _SERVER or line.startswith(_OUTAGE):
            return
        trouble = record.exc_info[1] if record.exc_info else None
        self._errors.append(f"{record.name}: {line} {trouble or ''}".strip())


@contextmanager
def watched_errors(errors: list[str]) -> Iterator[None]:
    """Write down all errors; asyncio logs exceptions that nobody caught as such."""
    root = logging.getLogger()
    handler = _Errors(errors)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
