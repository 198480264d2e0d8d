"""The score makes a Home Assistant and a loop of its own."""

import pytest


@pytest.fixture(autouse=True)
def _custom_integrations(socket_enabled: None) -> None:
    """Have no other Home Assistant beside, but real sockets."""


@pytest.fixture(autouse=True)
async def enable_event_loop_debug() -> None:
    """Leave the loop's debug mode off: it costs as much as all tests here."""


@pytest.fixture(autouse=True)
def _quiet_log() -> None:
    """Let outages be logged; the score itself counts all other errors."""
