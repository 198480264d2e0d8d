"""Buttons for all tasks at once."""

from typing import override

from homeassistant.components.button import ButtonEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .entity import PlexButlerEntity
from .run_state import Command

# Commands keep their order themselves; a stop must not wait here.
PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the buttons."""
    coordinator = entry.runtime_data
    async_add_entities(PlexButlerButton(coordinator, command) for command in Command)


class PlexButlerButton(PlexButlerEntity, ButtonEntity):
    """Starts all tasks that are due, or stops all."""

    def __init__(self, coordinator: PlexButlerCoordinator, command: Command) -> None:
        super().__init__(coordinator, f"{command}_all_tasks")
        self._command = command

    @override
    async def async_press(self) -> None:
        await self.coordinator.commands.async_command(self._command)
