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
    async_add_entities(
        [
            PlexButlerButton(coordinator, "start_all_tasks", Command.START),
            PlexButlerButton(coordinator, "stop_all_tasks", Command.STOP),
        ]
    )


class PlexButlerButton(PlexButlerEntity, ButtonEntity):
    """A button that speaks to all of Butler."""

    def __init__(
        self,
        coordinator: PlexButlerCoordinator,
        key: str,
        command: Command,
    ) -> None:
        super().__init__(coordinator, key)
        self._command = command

    @override
    async def async_press(self) -> None:
        """Send the command."""
        await self.coordinator.commands.async_command(self._command)
