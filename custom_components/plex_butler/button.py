"""Buttons for all tasks at once."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .commands import Commands
from .coordinator import PlexButlerConfigEntry, PlexButlerCoordinator
from .entity import PlexButlerEntity

# Commands keep their order themselves; a stop must not wait here.
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class PlexButlerButtonDescription(ButtonEntityDescription):
    """A button and what it does."""

    press_fn: Callable[[Commands], Awaitable[None]]


BUTTONS = (
    PlexButlerButtonDescription(
        key="start_all_tasks",
        translation_key="start_all_tasks",
        press_fn=Commands.async_start_all_tasks,
    ),
    PlexButlerButtonDescription(
        key="stop_all_tasks",
        translation_key="stop_all_tasks",
        press_fn=Commands.async_stop_all_tasks,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: PlexButlerConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the buttons."""
    async_add_entities(
        PlexButlerButton(entry.runtime_data, description) for description in BUTTONS
    )


class PlexButlerButton(PlexButlerEntity, ButtonEntity):
    """A button that speaks to all of Butler."""

    entity_description: PlexButlerButtonDescription

    def __init__(
        self,
        coordinator: PlexButlerCoordinator,
        description: PlexButlerButtonDescription,
    ) -> None:
        super().__init__(coordinator, description.key)
        self.entity_description = description

    @override
    async def async_press(self) -> None:
        """Send the command."""
        await self.entity_description.press_fn(self.coordinator.commands)
