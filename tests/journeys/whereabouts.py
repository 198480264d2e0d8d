"""What journeys to another address have in common."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import (
    CONF_URL,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
)

from tests.conftest import add_entry, settle
from tests.flows import answer_repair, open_repair
from tests.simulator import SimulatedPlex, plex_direct_name

BACKUP = "switch.attic_butler_back_up_database"
OLD, NEW = "127.0.0.1", "127.0.0.2"
ANOTHER_HASH = "f" * 32

type Pass = Callable[[float], Awaitable[None]]


def state(hass: HomeAssistant, entity_id: str = BACKUP) -> str | None:
    found = hass.states.get(entity_id)
    return found.state if found else None


def state_of(entry: MockConfigEntry) -> ConfigEntryState:
    """Return the state; mypy would take it for unchanged in between."""
    found: ConfigEntryState = entry.state
    return found


def got_a_token(plex: SimulatedPlex) -> bool:
    return any("X-Plex-Token" in request.headers for request in plex.requests)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("custom_components")
    ]


async def outage(advance: Pass, minutes: int = 2) -> None:
    """Let so much time pass that one failed poll has become an absence."""
    for _ in range(minutes * 2):
        await advance(31)


async def confirm(hass: HomeAssistant) -> None:
    """Confirm the new address."""
    result = await open_repair(hass, "address_changed")
    assert result["step_id"] == "confirm"
    result = await answer_repair(hass, result, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await settle(hass)


async def pass_by(freezer: FrozenDateTimeFactory, seconds: float) -> None:
    """Let time pass without waiting for answers that need it to pass themselves."""
    freezer.tick(seconds)
    for _ in range(50):
        await asyncio.sleep(0)


def secure_entry(
    hass: HomeAssistant, secure: SimulatedPlex, **changes: Any
) -> MockConfigEntry:
    """Return an entry as signing in makes it."""
    entry = add_entry(hass, secure)
    url = secure.url_at(plex_direct_name(OLD))
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, CONF_URL: url, **changes}
    )
    return entry
