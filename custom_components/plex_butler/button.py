"""Buttons for all tasks at once."""

from collections.abc import Awaitable, Callable
from typing import override

from homeassistant.components.button import ButtonEntity
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .entity import PlexButlerEntity

# Commands keep their order themselves; a stop must not wait here.
PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the buttons."""
    coordinator = entry.runtime_data
    start_fn = coordinator.commands.async_start_all_tasks
    stop_fn = coordinator.commands.async_stop_all_tasks
    async_add_entities(
        [
            PlexButlerButton(coordinator, "start_all_tasks", start_fn),
            PlexButlerButton(coordinator, "stop_all_tasks", stop_fn),
        ]
    )


class PlexButlerButton(PlexButlerEntity, ButtonEntity):
    """A button that speaks to all of Butler."""

    def __init__(
        self,
        coordinator: PlexButlerCoordinator,
        key: str,
        press_fn: Callable[[], Awaitable[None]],
    ) -> None:
        super().__init__(coordinator, key)
        self._press_fn = press_fn

    @override
    async def async_press(self) -> None:
        """Send the command."""
        await self._press_fn()
