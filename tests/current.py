"""Lets the test plugin work on a Home Assistant that is newer than it knows.

Loaded with `-p tests.current`, before all other plugins.
"""

# ruff: isort: off
import homeassistant.core  # noqa: F401  # httpx must not be imported before it
from homeassistant.components import logger


def _clear_logger_overwrites(hass: object) -> None:
    """Undo what the logger's actions set; no test uses them."""


setattr(logger, "_clear_logger_overwrites", _clear_logger_overwrites)  # noqa: B010  # mypy would miss the name
