"""What journeys to another address have in common."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState, ConfigFlowResult
from homeassistant.const import CONF_URL, STATE_OFF
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from tests.conftest import settle
from tests.flows import announce, answer_repair, open_repair, repairs
from tests.simulator import SimulatedPlex

BACKUP = "switch.attic_butler_back_up_database"
OLD, NEW = "127.0.0.1", "127.0.0.2"
ANOTHER_HASH = "f" * 32
NOTHING_LISTENS = "Nothing is listening at the address"

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


async def pass_by(freezer: FrozenDateTimeFactory, seconds: float) -> None:
    """Let time pass without waiting for answers that need it to pass themselves."""
    freezer.tick(seconds)
    for _ in range(50):
        await asyncio.sleep(0)


@dataclass
class Move:
    """A server at its old and at its new address, and the entry for it."""

    hass: HomeAssistant
    old: SimulatedPlex
    new: SimulatedPlex
    entry: MockConfigEntry
    advance: Pass

    async def set_up(self, **changes: Any) -> None:
        """Set the entry up, with other data if need be."""
        data = {**self.entry.data, **changes}
        self.hass.config_entries.async_update_entry(self.entry, data=data)
        await self.hass.config_entries.async_setup(self.entry.entry_id)
        await settle(self.hass)

    async def announce(self) -> ConfigFlowResult:
        """Let the server announce itself at the new address."""
        return await announce(self.hass, self.new.port, NEW)

    async def outage(self, minutes: int = 2) -> None:
        """Let so much time pass that one failed poll has become an absence."""
        for _ in range(minutes * 2):
            await self.advance(31)

    async def leave(self) -> None:
        """Let the server leave its old address, and be missed there."""
        await self.announce()
        await self.old.stop_listening()
        await self.outage()

    async def confirm(self) -> None:
        """Confirm the new address."""
        result = await open_repair(self.hass, "address_changed")
        assert result["step_id"] == "confirm"
        result = await answer_repair(self.hass, result, {})
        assert result["type"] is FlowResultType.CREATE_ENTRY
        await settle(self.hass)

    def repairs(self) -> set[str]:
        return set(repairs(self.hass))

    def url(self) -> str:
        return str(self.entry.data[CONF_URL])

    def expect_healthy(self, url: str) -> None:
        """See the entry at work at an address, and nothing left to repair."""
        assert self.url() == url
        assert state_of(self.entry) is ConfigEntryState.LOADED
        assert state(self.hass) == STATE_OFF
        assert self.repairs() == set()
